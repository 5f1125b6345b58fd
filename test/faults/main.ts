/**
 * `npm run faults -- [--seed S] [--count N] [--from I]`: saves that are interrupted and fail everywhere
 * (exercise.ts), N of them, of all kinds in turn and every second one that of an undo. Each violation comes with the
 * command that repeats its save.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
import { seededRandom } from '../support/builder/random';
import { REPOSITORY } from '../support/process';
import { type Effort, Exercise, type Tally } from './exercise';
import { makeScenario, SCENARIO_NAMES } from './scenarios';

const EFFORT: Effort = { losses: 2, qemuEvery: 20, interruptEvery: 5, most: Infinity };

function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      count: { type: 'string', default: String(2 * SCENARIO_NAMES.length) },
      from: { type: 'string', default: '0' },
    },
  });
  const [seed, from, count] = [values.seed, values.from, values.count].map(Number) as [
    number,
    number,
    number,
  ];
  const base = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = fs.mkdtempSync(path.join(base, 'qcow2-faults-'));
  const sum: Tally = { states: 0, byQemu: 0, failures: 0, recoveries: 0, foreign: 0, calls: 0 };
  let violations = 0;
  const started = performance.now();
  try {
    for (let index = from; index < from + count; index++) {
      const exercise = exerciseOf(seed, index, folder);
      exercise.run();
      for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += exercise.tally[key];
      violations += exercise.violations.length;
      for (const { scenario, where, what } of exercise.violations.slice(0, 5)) {
        console.error(`VIOLATION in save ${index} (${scenario}): ${where}: ${what}`);
        console.error(`  npm run faults -- --seed ${seed} --from ${index} --count 1\n`);
      }
      const { states, byQemu, calls } = exercise.tally;
      console.log(
        `save ${index} (${exercise.scenario.name}): ${calls} calls, ${states} states, ${byQemu} by QEMU`,
      );
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${count} saves, seed ${seed}: ${sum.states} states after crashes and failures (${sum.byQemu} judged by QEMU), ` +
      `${sum.failures} failing saves, ${sum.recoveries} interrupted recoveries, ${sum.foreign} changed by others: ` +
      `${violations} violations, ${seconds} s`,
  );
  console.log(`  npm run faults -- --seed ${seed} --from ${from} --count ${count}`);
  process.exitCode = violations === 0 ? 0 : 1;
}

function exerciseOf(seed: number, index: number, folder: string): Exercise {
  const random = seededRandom(seed * 1_000_003 + index);
  const kinds = SCENARIO_NAMES.length;
  const goesBack = Math.floor(index / kinds) % 2 === 1;
  const scenario = makeScenario(index, random, path.join(folder, 'twins'), goesBack);
  return new Exercise(scenario, random, EFFORT, folder);
}

useKoffiOf(REPOSITORY);
main();
