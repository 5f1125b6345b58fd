/** Verbs of the headless command in this process, where one of its own for each of thousands would take too long. */
import * as fs from 'node:fs';
import { check } from '../../src/cli/check';
import { info } from '../../src/cli/info';
import { map } from '../../src/cli/map';
import { redirectOutput } from '../../src/cli/output';
import { EngineError } from '../../src/qcow2/errors';
import { describeProblem } from '../../src/qcow2/problemText';
import type { Ran } from './process';

const VERBS = { info, map, check } as const;

/** @param folder for what is printed; it must be there */
export async function runVerb(
  folder: string,
  verb: keyof typeof VERBS,
  args: readonly string[],
): Promise<Ran> {
  const [output, errors] = [`${folder}/stdout`, `${folder}/stderr`];
  const files = { output: fs.openSync(output, 'w'), errors: fs.openSync(errors, 'w') };
  const before = redirectOutput(files);
  let status: number;
  try {
    status = (await VERBS[verb].run(args)) ?? 0;
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
