/** The command line as users run it: the built program in a separate process. */
import * as path from 'node:path';
import { type Ran, run, type RunOptions } from './process';
import { REPOSITORY } from './repository';

export const CLI = path.join(REPOSITORY, 'dist/cli.js');

export const cli = (args: readonly string[], options?: RunOptions): Ran =>
  run(process.execPath, [CLI, ...args], options);

export interface Measured extends Ran {
  /** Wall time in milliseconds, Node's own start included. */
  readonly milliseconds: number;
  /** Largest resident memory in bytes, Node itself included. */
  readonly peakMemory: number;
}

const PEAK_LINE = /peak memory (\d+) KiB\n$/;

/** Runs the command and measures it; the process reports its own peak memory as it exits. */
export function measuredCli(args: readonly string[], options?: RunOptions): Measured {
  const reporter = path.join(REPOSITORY, 'test/support/reportPeakMemory.mjs');
  const started = performance.now();
  const ran = run(process.execPath, ['--import', reporter, CLI, ...args], options);
  const milliseconds = performance.now() - started;
  return {
    ...ran,
    stderr: ran.stderr.replace(PEAK_LINE, ''),
    milliseconds,
    peakMemory: Number(PEAK_LINE.exec(ran.stderr)?.[1] ?? Number.NaN) * 1024,
  };
}
