/** The command line in this process: thousands of separate processes would take too long. */
import * as fs from 'node:fs';
import './guest/useGuest';
import { runArguments } from '../../src/cli/command';
import { CHANGING_VERBS } from '../../src/cli/changer';
import { redirectOutput } from '../../src/cli/output';
import { READING_VERBS } from '../../src/cli/readingVerbs';
import type { Ran } from './process';
import { workspace } from './workspace';

/** What the built program does with the arguments when it is run in `folder`. */
export async function command(folder: string, ...args: readonly string[]): Promise<Ran> {
  const place = workspace();
  const [output, errors] = [place.path('stdout'), place.path('stderr')];
  const files = { output: fs.openSync(output, 'w'), errors: fs.openSync(errors, 'w') };
  const former = { files: redirectOutput(files), folder: process.cwd() };
  process.chdir(folder);
  try {
    const status = await runArguments(args, { ...READING_VERBS, ...CHANGING_VERBS });
    return { status, stdout: fs.readFileSync(output), stderr: fs.readFileSync(errors, 'utf8') };
  } finally {
    process.chdir(former.folder);
    redirectOutput(former.files);
    fs.closeSync(files.output);
    fs.closeSync(files.errors);
    place.remove();
  }
}
