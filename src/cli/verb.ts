/** What the verbs have in common: how they read their arguments, open an image and print. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import type { Chain } from '../qcow2/chain/openChain';
import { openChain } from '../qcow2/chain/openChain';
import type { Problem } from '../qcow2/errors';
import { EngineError, FileError } from '../qcow2/errors';
import { blockingFault, type Purpose } from '../qcow2/format/faults';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { formerFiles } from '../qcow2/edit/interrupted';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import type { ByteSink } from '../text/byteWriter';
import { type ByteCount, parseByteCount } from '../text/byteCount';
import { noOutput, printError, standardOutput } from './output';
import type { ProgressBar } from './progressBar';
import { progressBar } from './progressBar';
import { readSettled } from './settled';

export interface Verb {
  readonly name: string;
  /** Options and operands as the usage line shows them. */
  readonly usage: string;
  /** Reads the guest's bytes, compressed ones among them. */
  readonly decompresses?: boolean;
  /**
   * @returns the exit code where it is not 0
   * @throws UsageError, EngineError
   */
  run(args: readonly string[]): number | undefined | Promise<number>;
}

const EXIT_FAULT = 1;

/** Wrong usage: the one kind of failure that is not the image's. */
export class UsageError extends Error {}

/** A problem of one line of the input. */
export class LineError extends EngineError {
  constructor(
    problem: Problem,
    readonly line: number,
  ) {
    super(problem);
  }
}

/** Options that every verb takes. */
const COMMON_OPTIONS = {
  quiet: { type: 'boolean', short: 'q' },
  progress: { type: 'boolean' },
  /** Looked at in main.ts. */
  debug: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

export interface Arguments {
  /** As many as the verb has operands; those that may be left out are the last. */
  readonly operands: readonly string[];
  readonly output: ByteSink;
  /** `undefined` where the option was not given. */
  text(option: string): string | undefined;
  flag(option: string): boolean;
  /** Draws on standard error, if asked to. */
  progress(): ProgressBar;
}

/**
 * @param operands names of the operands, for messages; `[NAME]` for one that may be left out
 * @throws UsageError
 */
export function readArguments(
  args: readonly string[],
  operands: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): Arguments {
  const { values, positionals } = parse(args, { ...COMMON_OPTIONS, ...options });
  const required = operands.filter((name) => !name.startsWith('['));
  if (positionals.length < required.length || positionals.length > operands.length) {
    const wanted = operands.join(' ');
    throw new UsageError(`expected ${wanted}, but ${positionals.length} were given`);
  }
  return {
    operands: positionals,
    output: values['quiet'] === true ? noOutput : standardOutput,
    text: (option) => {
      const value = values[option];
      return typeof value === 'string' ? value : undefined;
    },
    flag: (option) => values[option] === true,
    progress: () => progressBar(values['progress'] === true),
  };
}

function parse(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // The first sentence says it; the others are advice on quoting.
    throw new UsageError((error as Error).message.split(/\.(?:\s|$)/, 1)[0]);
  }
}

/**
 * The form that `--output` asks for; `human` by default.
 * @throws UsageError
 */
export function outputForm(args: Arguments): 'human' | 'json' {
  const form = args.text('output') ?? 'human';
  if (form === 'human' || form === 'json') return form;
  throw new UsageError(`--output is human or json, not '${printable(form)}'`);
}

/** As in QEMU, whose offsets are signed. */
const BYTES_LIMIT = 2 ** 63;

/** @throws UsageError for what is no number of bytes, or one that no disk has */
export function byteCount(what: string, text: string): ByteCount {
  const value = parseByteCount(text);
  if (value !== undefined && value.count < BYTES_LIMIT) return value;
  throw new UsageError(`${what} is no number of bytes: '${printable(text)}'`);
}

/**
 * Opens an image and hands it over, with its chain as far as it can be opened, as `readSettled` does: again where it
 * changes meanwhile. What is printed appears once it is known to be true.
 * @throws EngineError
 */
export function withChain<T>(path: string, followsNames: boolean, use: (chain: Chain) => T): T {
  const options = { followsNames, usesProcessFolder: true, former: formerFiles };
  return readSettled(path, () => openChain(path, options), use);
}

/**
 * Says what of an image could not be read, after what could be was printed.
 * @returns the exit code: that of qemu-img, which opens no image that has a fault in the way of `purpose`
 */
export function reportFaults({ faults, file }: Qcow2Image, purpose: Purpose): number {
  for (const { problem } of faults) {
    printError(`qcow2: ${printable(file.name)}: ${describeProblem(problem)}\n`);
  }
  return blockingFault(faults, purpose) === undefined ? 0 : EXIT_FAULT;
}

/** @throws EngineError when some file that the chain names is not open */
export function requireComplete(chain: Chain): void {
  if (chain.problem !== undefined) throw unopenedError(chain, chain.problem);
}

/** Why a file that the chain names is not open: what it is to the image that names it. */
export function unopenedError({ layers, view }: Chain, problem: Problem): EngineError {
  const depth = view.layers.findIndex((layer) => layer.problem === problem || layer.notes.includes(problem));
  const isBacking = view.layers[depth]?.problem === problem;
  const image = layers[isBacking ? depth - 1 : depth]?.file.name;
  // What the gate refuses is said of the image already.
  if (image === undefined || problem.kind === 'refused') return asError(problem);
  const facts = { value: problem.file, name: describeProblem(problem) };
  return new FileError(image, isBacking ? 'backing.unopened' : 'dataFile.unopened', facts);
}

/** A problem that was kept as a state becomes the reason to give up. */
export function asError(problem: Problem): EngineError {
  return new EngineError(problem);
}
