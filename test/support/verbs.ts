/** Verbs of the command line in this process: thousands of separate processes would take too long. */
import * as fs from 'node:fs';
import { readArguments } from '../../src/cli/arguments';
import { checkFile } from '../../src/cli/check';
import { DECLARATIONS } from '../../src/cli/declarations';
import { info } from '../../src/cli/info';
import { map } from '../../src/cli/map';
import { redirectOutput } from '../../src/cli/output';
import { repairFile } from '../../src/cli/repair';
import { EngineError } from '../../src/qcow2/errors';
import { describeProblem } from '../../src/qcow2/describeProblem';
import type { Ran } from './process';

type Run = (args: readonly string[]) => unknown;

const VERBS = {
  info: (argv) => info(readArguments(argv, DECLARATIONS.info)),
  map: (argv) => map(readArguments(argv, DECLARATIONS.map)),
  check,
} as const satisfies Record<string, Run>;

/** As `check` has it, which loads the repair when asked for. */
function check(argv: readonly string[]): number {
  const args = readArguments(argv, DECLARATIONS.check);
  const { repair } = args.options;
  return repair === undefined ? checkFile(args) : repairFile(args, repair);
}

/** @param folder for the output; it must exist */
export function runVerb(folder: string, verb: keyof typeof VERBS, args: readonly string[]): Ran {
  const [output, errors] = [`${folder}/stdout`, `${folder}/stderr`];
  const files = { output: fs.openSync(output, 'w'), errors: fs.openSync(errors, 'w') };
  const before = redirectOutput(files);
  let status: number;
  try {
    status = Number(VERBS[verb](args) ?? 0);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    fs.writeSync(files.errors, `qcow2: ${error.problem.file}: ${describeProblem(error.problem)}\n`);
    status = 1;
  } finally {
    redirectOutput(before);
    fs.closeSync(files.output);
    fs.closeSync(files.errors);
  }
  return { status, stdout: fs.readFileSync(output), stderr: fs.readFileSync(errors, 'utf8') };
}
