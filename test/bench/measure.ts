/** Runs programs and times them: medians of several runs, ours and QEMU's alternating. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';

export type Command = readonly [program: string, ...args: string[]];

/** Milliseconds. */
export interface Timed {
  /** Wall time of the process. */
  readonly whole: number;
  /** From when Node was up; of other programs, which are up at once, the same as `whole`. */
  readonly engine: number;
}

/** Times one run; its output goes nowhere. */
export function timed([program, ...args]: Command): Timed {
  const nowhere = fs.openSync('/dev/null', 'w');
  const started = performance.now();
  const { status, stderr, error } = spawnSync(program, args, { stdio: ['ignore', nowhere, 'pipe'] });
  const whole = performance.now() - started;
  fs.closeSync(nowhere);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${String(stderr)}`);
  const told = /engine (\d+\.\d+) ms\n$/.exec(String(stderr))?.[1];
  return { whole, engine: told === undefined ? whole : Number(told) };
}

/** Wall time of one run in milliseconds. */
export const time = (command: Command): number => timed(command).whole;

/** Median times of several commands, run in turns after one run each to warm the caches. */
export function medians(commands: readonly Command[], runs: number): Timed[] {
  const times = commands.map((): Timed[] => []);
  if (runs > 1) commands.forEach(time);
  for (let run = 0; run < runs; run++) {
    commands.forEach((command, index) => {
      times[index]?.push(timed(command));
    });
  }
  return times.map((each) => ({
    whole: median(each.map(({ whole }) => whole)),
    engine: median(each.map(({ engine }) => engine)),
  }));
}

export function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length >> 1;
  return ascending.length % 2 === 1 ? ascending[middle]! : (ascending[middle - 1]! + ascending[middle]!) / 2;
}
