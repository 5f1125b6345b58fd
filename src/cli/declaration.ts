/**
 * What a verb takes, declared once. Parsing (arguments.ts), usage and help (help.ts), shell completion (completion/) and
 * docs/command-line.md are made from it.
 */

/** An option without a value. */
export interface Flag {
  /** One letter. */
  readonly short?: string;
  /** Usage and messages name it by its letter, as qemu-img's users know it. */
  readonly isKnownByLetter?: true;
  readonly description: string;
  /** Another option of the verb, and the value without which this one means nothing. */
  readonly needs?: { readonly option: string; readonly value: string };
}

/** An option whose value is one of a few words. */
export interface Choice extends Flag {
  readonly choices: readonly string[];
  readonly default?: string;
}

/** An option with a value of its own: `bytes` as src/text/byteCount.ts reads them. */
export interface Value extends Flag {
  /** What stands for the value in usage. */
  readonly value: string;
  readonly kind: 'bytes' | 'text';
  /** It may stand without its value, which is an empty text then. */
  readonly isValueOptional?: true;
}

export type Option = Flag | Choice | Value;
export type Options = Readonly<Record<string, Option>>;

export interface Operand {
  /** `path`, `verb` and `choice` can be completed by a shell. */
  readonly kind: 'path' | 'bytes' | 'text' | 'verb' | 'choice';
  readonly choices?: readonly string[];
  /** May be left out; only the last one of a verb. */
  readonly isOptional?: true;
  readonly description: string;
}

/** In their order. */
export type Operands = Readonly<Record<string, Operand>>;

export interface Example {
  readonly command: string;
  readonly does: string;
}

export interface ExitCode {
  readonly code: number;
  readonly means: string;
}

/** What can be parsed: a verb, or a line of `batch`. */
export interface Syntax {
  readonly operands: Operands;
  /** Besides `COMMON_OPTIONS`. */
  readonly options: Options;
  /** Works on no image, and so has no use for `COMMON_OPTIONS`. */
  readonly isAboutProgram?: true;
}

export interface VerbDeclaration extends Syntax {
  /** Begins in lower case, without a full stop. */
  readonly summary: string;
  /** A paragraph each. */
  readonly description: readonly string[];
  /** What it reads from standard input. */
  readonly input?: string;
  /** Stands behind the usage line. */
  readonly caution?: string;
  readonly examples: readonly Example[];
  /** Those that mean something else than `EXIT_CODES` says. */
  readonly exitCodes?: readonly ExitCode[];
}

export const isChoice = (option: Option): option is Choice => 'choices' in option;
export const isValue = (option: Option): option is Value => 'value' in option;
export const takesValue = (option: Option): option is Choice | Value => isChoice(option) || isValue(option);

/** Taken by every verb that works on an image, and by the lines of `batch`. */
export const COMMON_OPTIONS = {
  quiet: { short: 'q', isKnownByLetter: true, description: 'Print nothing but warnings and errors.' },
  progress: { description: 'Draw a progress bar on standard error if that is a terminal.' },
  debug: { description: 'Print the stack of an error as well.' },
} as const satisfies Options;

/** Taken by every verb, wherever it stands; usage lines leave it out. */
export const HELP_OPTION = {
  help: { short: 'h', description: 'Print this help.' },
} as const satisfies Options;

/** Taken in place of a verb. */
export const PROGRAM_OPTIONS = {
  ...HELP_OPTION,
  version: { description: 'Print the version.' },
} as const satisfies Options;

/** All options that a verb parses. */
export const optionsOf = ({ options, isAboutProgram }: Syntax): Options =>
  isAboutProgram ? options : { ...COMMON_OPTIONS, ...options };

/** What most verbs exit with. */
export const EXIT_CODES: readonly ExitCode[] = [
  { code: 0, means: 'Success.' },
  { code: 1, means: 'Failure: one line on standard error says why. Nothing was changed.' },
  { code: 64, means: 'Wrong usage: the usage line on standard error says what is wrong.' },
];

/** `EXIT_CODES` with what the verb declares in their place or besides, in ascending order. */
export function exitCodesOf({ exitCodes = [] }: VerbDeclaration): readonly ExitCode[] {
  const own = new Set(exitCodes.map(({ code }) => code));
  return [...EXIT_CODES.filter(({ code }) => !own.has(code)), ...exitCodes].sort(
    (one, other) => one.code - other.code,
  );
}

/** `--output` or `-r`: how usage and messages name an option. */
export const shownName = (name: string, { short, isKnownByLetter }: Option): string =>
  isKnownByLetter && short !== undefined ? `-${short}` : `--${name}`;

/** `--output=human|json`, `-r leaks|all`, `--unmap`. */
export function shownOption(name: string, option: Option, shown = shownName(name, option)): string {
  if (!takesValue(option)) return shown;
  const value = isChoice(option) ? option.choices.join('|') : option.value;
  if (isValue(option) && option.isValueOptional) return `${shown}[=${value}]`;
  return `${shown}${shown.startsWith('--') ? '=' : ' '}${value}`;
}

/** `FILE OFFSET LENGTH <DATA`. */
export function shownOperands({ operands }: Syntax): string {
  return Object.entries(operands)
    .map(([name, { isOptional }]) => (isOptional ? `[${name}]` : name))
    .join(' ');
}
