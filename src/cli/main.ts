/**
 * The headless command `qcow2`: parses arguments, calls the engine, prints. A failure is one line on standard error
 * and exit code 1; wrong usage is the usage line and 64. `--debug` adds the stack to either.
 */
import './shortRun';
import { EngineError } from '../qcow2/errors';
import { useKoffiOf } from '../qcow2/io/koffi';
import { describeProblem } from '../qcow2/problemText';
import { printable } from '../text/printable';
import { stackText } from '../text/stackText';
import { readArguments, UsageError } from './arguments';
import { DECLARATIONS, isVerbName, type VerbName } from './declarations';
import { printError, ReaderGone, standardOutput } from './output';
import { LineError, type Run } from './verb';

/** Loaded only when asked for: loading all of them takes as long as mapping half a terabyte. */
const VERBS: { readonly [N in VerbName]: () => Promise<Run<N>> } = {
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
  help: async () => (await import('./help')).help,
  completion: async () => (await import('./completion')).completion,
};

/** The version of package.json: the bundler defines it. */
declare const VERSION: string;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 64;
/** As a shell reports a program that SIGPIPE ended, which is how other programs end here. */
const EXIT_READER_GONE = 141;

async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...args] = argv;
  try {
    if (isVerbName(name)) {
      if (has(args, '--help', '-h')) return print((await import('./help')).verbHelp(name));
      return await runVerb(name, DECLARATIONS[name], args);
    }
    if (name === '--help' || name === '-h') return print((await import('./help')).overview());
    if (name === '--version') return print(`qcow2 ${VERSION}`);
    const { GENERAL_USAGE, unknownVerb } = await import('./help');
    printError(
      `${GENERAL_USAGE} (${name === '' ? 'qcow2 --help describes the verbs' : unknownVerb(name)})\n`,
    );
    return EXIT_USAGE;
  } catch (error) {
    const code = await report(name, error);
    if (code !== EXIT_READER_GONE && has(argv, '--debug')) printError(`${stackText(error)}\n`);
    return code;
  }
}

async function runVerb<N extends VerbName>(
  name: N,
  declared: (typeof DECLARATIONS)[N],
  argv: readonly string[],
): Promise<number> {
  const args = readArguments(argv, declared);
  const run: Run<N> = await VERBS[name]();
  return (await run(args)) ?? 0;
}

/** Whether an option that is not a verb's own is given; after `--` it is the name of a file. */
function has(args: readonly string[], ...names: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((text) => names.includes(text));
}

function print(text: string): number {
  standardOutput.write(Buffer.from(`${text}\n`));
  return 0;
}

/** Prints in one line what went wrong. @returns the exit code */
async function report(name: string, error: unknown): Promise<number> {
  if (error instanceof ReaderGone) return EXIT_READER_GONE;
  if (error instanceof UsageError && isVerbName(name)) {
    const { usageLine } = await import('./help');
    printError(`${usageLine(name)} (${printable(error.message)})\n`);
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
