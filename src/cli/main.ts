/**
 * The headless command `qcow2`: parses arguments, calls the engine, prints. Failure is one line on standard error
 * and exit code 1; wrong usage is the usage line and 64. `--debug` adds the stack to either.
 */
import './shortRun';
import { EngineError } from '../qcow2/errors';
import { prepareZstd } from '../qcow2/image/zstd';
import { useKoffiOf } from '../qcow2/io/koffi';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import { stackText } from '../text/stackText';
import { printError, ReaderGone, standardOutput } from './output';
import type { Verb } from './verb';
import { LineError, UsageError } from './verb';
import { namesZstdImage } from './zstdNeed';

/** Loaded when asked for: what a verb does not need would take as long to load as a map of a terabyte's half. */
const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  info: async () => (await import('./info')).info,
  map: async () => (await import('./map')).map,
  check: async () => (await import('./check')).check,
  read: async () => (await import('./read')).read,
  'write-zeroes': async () => (await import('./changes')).writeZeroes,
  discard: async () => (await import('./changes')).discard,
  write: async () => (await import('./changes')).write,
  batch: async () => (await import('./changes')).batch,
  rebase: async () => (await import('./rebase')).rebase,
  'give-back': async () => (await import('./giveBack')).giveBack,
  recover: async () => (await import('./recover')).recover,
};

/** Of package.json: the bundler puts it in. */
declare const VERSION: string;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 64;
/** As a shell reports a program that SIGPIPE ended, which is what happens to others here. */
const EXIT_READER_GONE = 141;

const usageLine = ({ name, usage }: Verb): string =>
  `usage: qcow2 ${name} [-q] [--progress] [--debug] ${usage}`;

const GENERAL_USAGE = `usage: qcow2 ${Object.keys(VERBS).join('|')} [OPTION]... FILE [ARGUMENT]...`;

const HELP = new Set(['--help', '-h', 'help']);

async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...args] = argv;
  const verb = Object.hasOwn(VERBS, name) ? await VERBS[name]?.() : undefined;
  try {
    if (verb !== undefined) {
      if (has(args, '--help', '-h')) return print(usageLine(verb));
      if (verb.decompresses === true && namesZstdImage(args)) await prepareZstd();
      return (await verb.run(args)) ?? 0;
    }
    if (HELP.has(name)) {
      const verbs = await Promise.all(Object.values(VERBS).map((load) => load()));
      return print(verbs.map(usageLine).join('\n'));
    }
    if (name === '--version') return print(`qcow2 ${VERSION}`);
    const why = name === '' ? '' : ` (no verb '${printable(name)}')`;
    printError(`${GENERAL_USAGE}${why}\n`);
    return EXIT_USAGE;
  } catch (error) {
    const code = report(verb, error);
    if (code !== EXIT_READER_GONE && has(argv, '--debug')) printError(`${stackText(error)}\n`);
    return code;
  }
}

/** Whether an option is given that is looked at before a verb reads its own; behind `--` it is the name of a file. */
function has(args: readonly string[], ...names: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((text) => names.includes(text));
}

function print(text: string): number {
  standardOutput.write(Buffer.from(`${text}\n`));
  return 0;
}

/** Says what went wrong in one line, and answers with the exit code. */
function report(verb: Verb | undefined, error: unknown): number {
  if (error instanceof ReaderGone) return EXIT_READER_GONE;
  if (verb !== undefined && error instanceof UsageError) {
    printError(`${usageLine(verb)} (${printable(error.message)})\n`);
    return EXIT_USAGE;
  }
  if (error instanceof EngineError) {
    const place = error instanceof LineError ? `line ${error.line}: ` : '';
    printError(`qcow2: ${printable(error.problem.file)}: ${place}${describeProblem(error.problem)}\n`);
    return EXIT_FAILURE;
  }
  const words = error instanceof Error ? error.message : String(error);
  printError(`qcow2: this is a fault of the program, not of the image: ${printable(words)}\n`);
  return EXIT_FAILURE;
}

useKoffiOf(__dirname);
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
