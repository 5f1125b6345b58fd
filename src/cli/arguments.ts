/** Reads the arguments of a verb as it declares them. */
import { parseArgs } from 'node:util';
import type { ByteSink } from '../text/byteWriter';
import { type ByteCount, parseByteCount } from '../text/byteCount';
import { printable } from '../text/printable';
import {
  type Operand,
  type Option,
  type Options,
  optionsOf,
  shownName,
  shownOperands,
  type Syntax,
  takesValue,
} from './declaration';
import { isChoice, isValue } from './declaration';
import { suggestion } from './nearest';
import { noOutput, standardOutput } from './output';
import type { ProgressBar } from './progressBar';
import { progressBar } from './progressBar';

/** Wrong usage: the one kind of failure that is not the image's. */
export class UsageError extends Error {}

type OptionValue<O> = O extends { readonly choices: readonly (infer C)[] }
  ? C | (O extends { readonly default: string } ? never : undefined)
  : O extends { readonly kind: 'bytes' }
    ? ByteCount | undefined
    : O extends { readonly value: string }
      ? string | undefined
      : boolean;

type OperandValue<O> =
  | (O extends { readonly kind: 'bytes' }
      ? ByteCount
      : O extends { readonly choices: readonly (infer C)[] }
        ? C
        : string)
  | (O extends { readonly isOptional: true } ? undefined : never);

export interface Parsed<S extends Syntax> {
  readonly operands: { readonly [N in keyof S['operands']]: OperandValue<S['operands'][N]> };
  readonly options: { readonly [N in keyof S['options']]: OptionValue<S['options'][N]> };
}

/** What the common options ask for. */
export interface Surroundings {
  readonly output: ByteSink;
  /** Draws on standard error, if asked to. */
  progress(): ProgressBar;
}

export type Arguments<S extends Syntax> = Parsed<S> & Surroundings;

/** @throws UsageError */
export function readArguments<const S extends Syntax>(argv: readonly string[], syntax: S): Arguments<S> {
  const options = optionsOf(syntax);
  const { values, positionals } = parse(argv, options);
  const parsed = {
    options: optionValues(options, values),
    operands: operandValues(syntax, positionals),
  } as unknown as Parsed<S>;
  return {
    ...parsed,
    output: values['quiet'] === true ? noOutput : standardOutput,
    progress: () => progressBar(values['progress'] === true),
  };
}

type Values = Readonly<Record<string, unknown>>;

function parse(
  argv: readonly string[],
  options: Options,
): { readonly values: Values; readonly positionals: readonly string[] } {
  const config = {
    args: withValues(argv, options),
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, configOf(option)])),
    allowPositionals: true,
  };
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option' && !Object.hasOwn(options, token.name))
      throw new UsageError(`no option '${token.rawName}'${suggestion(token.rawName, spellings(options))}`);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    // The first sentence says it; the others are advice on quoting.
    throw new UsageError((error as Error).message.split(/\.(?:\s|$)/, 1)[0]);
  }
}

/** Gives options that stand without their optional value an empty one. */
function withValues(argv: readonly string[], options: Options): string[] {
  const end = argv.indexOf('--');
  return argv.map((text, index) => {
    const option = text.startsWith('--') && (end < 0 || index < end) ? options[text.slice(2)] : undefined;
    return option !== undefined && isValue(option) && option.isValueOptional ? `${text}=` : text;
  });
}

function configOf(option: Option): { readonly type: 'string' | 'boolean'; readonly short?: string } {
  const type = takesValue(option) ? 'string' : 'boolean';
  return option.short === undefined ? { type } : { type, short: option.short };
}

const spellings = (options: Options): string[] => Object.keys(options).map((name) => `--${name}`);

function optionValues(options: Options, values: Values): Values {
  const read = Object.entries(options).map(
    ([name, option]) => [name, optionValue(name, option, values[name])] as const,
  );
  const result = Object.fromEntries(read);
  for (const [name, option] of Object.entries(options)) {
    const { needs } = option;
    if (needs === undefined || result[name] === false || result[needs.option] === needs.value) continue;
    const other = options[needs.option];
    const shown = other === undefined ? needs.option : shownName(needs.option, other);
    throw new UsageError(`${shownName(name, option)} is for ${shown} ${needs.value}`);
  }
  return result;
}

function optionValue(name: string, option: Option, given: unknown): ByteCount | string | boolean | undefined {
  if (!takesValue(option)) return given === true;
  if (typeof given !== 'string') return isChoice(option) ? option.default : undefined;
  const shown = shownName(name, option);
  if (isChoice(option)) return oneOf(shown, option.choices, given);
  return isValue(option) && option.kind === 'bytes' ? byteCount(shown, given) : given;
}

function operandValues(syntax: Syntax, given: readonly string[]): Values {
  const declared = Object.entries(syntax.operands);
  const required = declared.filter(([, { isOptional }]) => isOptional !== true);
  if (given.length < required.length || given.length > declared.length) {
    const were = given.length === 1 ? '1 was given' : `${given.length} were given`;
    throw new UsageError(`expected ${shownOperands(syntax)}, but ${were}`);
  }
  return Object.fromEntries(
    declared.map(([name, operand], index) => [name, operandValue(name, operand, given[index])]),
  );
}

function operandValue(
  name: string,
  operand: Operand,
  given: string | undefined,
): ByteCount | string | undefined {
  if (given === undefined) return undefined;
  if (operand.choices !== undefined) return oneOf(name, operand.choices, given);
  return operand.kind === 'bytes' ? byteCount(name, given) : given;
}

/** @throws UsageError */
function oneOf(what: string, choices: readonly string[], given: string): string {
  if (choices.includes(given)) return given;
  const words = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}`;
  throw new UsageError(`${what} is ${words}, not '${printable(given)}'${suggestion(given, choices)}`);
}

/** As in QEMU, whose offsets are signed. */
const BYTES_LIMIT = 2 ** 63;

/** @throws UsageError for what is not a number of bytes, or one that no disk has */
function byteCount(what: string, text: string): ByteCount {
  const value = parseByteCount(text);
  if (value !== undefined && value.count < BYTES_LIMIT) return value;
  throw new UsageError(`${what} is not a number of bytes: '${printable(text)}'`);
}
