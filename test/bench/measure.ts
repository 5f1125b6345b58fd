/** Runs programs and times them; medians over several runs, ours and theirs in turns. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';

export type Command = readonly [program: string, ...args: string[]];

/** Wall time of one run in milliseconds; its output goes nowhere. */
export function time([program, ...args]: Command): number {
  const nowhere = fs.openSync('/dev/null', 'w');
  const started = performance.now();
  const { status, stderr, error } = spawnSync(program, args, { stdio: ['ignore', nowhere, 'pipe'] });
  const took = performance.now() - started;
  fs.closeSync(nowhere);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${String(stderr)}`);
  return took;
}

/** Median times of several commands, run in turns after one run each to warm the caches. */
export function medians(commands: readonly Command[], runs: number): number[] {
  const times = commands.map((): number[] => []);
  if (runs > 1) commands.forEach(time);
  for (let run = 0; run < runs; run++) {
    commands.forEach((command, index) => {
      times[index]!.push(time(command));
    });
  }
  return times.map(median);
}

export function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length >> 1;
  return ascending.length % 2 === 1 ? ascending[middle]! : (ascending[middle - 1]! + ascending[middle]!) / 2;
}
