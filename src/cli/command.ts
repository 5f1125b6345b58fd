/**
 * The command `qcow2`: parses arguments, calls a verb, prints. A failure is one line on standard error and exit code 1;
 * wrong usage is the usage line and 64. `--debug` adds the stack to either.
 */
import { describeGuest } from '../inside/describeGuest';
import { useGuestCodeOf } from '../inside/guestCode';
import { InsideError } from '../inside/insideError';
import { EngineError } from '../qcow2/errors';
import { useKoffiOf } from '../qcow2/io/koffi';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import { stackText } from '../text/stackText';
import { useHelpersOf } from '../threads/helperThreads';
import { readArguments, UsageError } from './arguments';
import { DECLARATIONS, isVerbName, type VerbName } from './declarations';
import { GENERAL_USAGE, overview, unknownVerb, usageLine, verbHelp } from './help';
import { printError, ReaderGone, standardOutput } from './output';
import { expectShortRun } from './shortRun';
import { LineError, type Run } from './verb';

export type Verbs = { readonly [N in VerbName]: Run<N> };

/** The version of package.json: the bundler defines it. */
declare const VERSION: string;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 64;
/** As a shell reports a program that SIGPIPE ended, which is how other programs end here. */
const EXIT_READER_GONE = 141;

/**
 * Does what the arguments ask for, within this process.
 * @returns the exit code
 */
export async function runArguments(argv: readonly string[], verbs: Partial<Verbs>): Promise<number> {
  const [name = '', ...args] = argv;
  try {
    if (isVerbName(name)) {
      if (has(args, '--help', '-h')) return print(verbHelp(name));
      return await runVerb(name, DECLARATIONS[name], args, verbs);
    }
    if (name === '--help' || name === '-h') return print(overview());
    if (name === '--version') return print(`qcow2 ${VERSION}`);
    printError(
      `${GENERAL_USAGE} (${name === '' ? 'qcow2 --help describes the verbs' : unknownVerb(name)})\n`,
    );
    return EXIT_USAGE;
  } catch (error) {
    const code = report(name, error);
    if (code !== EXIT_READER_GONE && has(argv, '--debug')) printError(`${stackText(error)}\n`);
    return code;
  }
}

async function runVerb<N extends VerbName>(
  name: N,
  declared: (typeof DECLARATIONS)[N],
  argv: readonly string[],
  verbs: Partial<Verbs>,
): Promise<number> {
  const args = readArguments(argv, declared);
  const run: Run<N> | undefined = verbs[name];
  if (run === undefined) throw new RangeError('the verb is not in this bundle');
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
function report(name: string, error: unknown): number {
  if (error instanceof ReaderGone) return EXIT_READER_GONE;
  if (error instanceof UsageError && isVerbName(name)) {
    printError(`${usageLine(name)} (${printable(error.message)})\n`);
    return EXIT_USAGE;
  }
  if (error instanceof EngineError) {
    const place = error instanceof LineError ? `line ${error.line}: ` : '';
    printError(`qcow2: ${printable(error.problem.file)}: ${place}${describeProblem(error.problem)}\n`);
    return EXIT_FAILURE;
  }
  if (error instanceof InsideError) {
    const place = error.place === '' ? '' : `${printable(error.place)}: `;
    printError(`qcow2: ${printable(error.file)}: ${place}${describeGuest(error.problem)}\n`);
    return EXIT_FAILURE;
  }
  const words = error instanceof Error ? error.message : String(error);
  printError(`qcow2: this is a fault of the program, not of the image: ${printable(words)}\n`);
  return EXIT_FAILURE;
}

/**
 * Runs the command with the arguments of this process, and sets its exit code.
 * @param verbs those that may be asked for
 */
export function runCommand(verbs: Partial<Verbs>): void {
  useKoffiOf(__dirname);
  useHelpersOf(__dirname);
  useGuestCodeOf(__dirname);
  const [, , ...argv] = process.argv;
  // `info` ends before any function could be optimized.
  if (argv[0] !== 'info') expectShortRun();
  void runArguments(argv, verbs).then((code) => {
    process.exitCode = code;
  });
}
