/** Interrupts one save at a sample of its calls, and makes them fail (test/faults). */
import * as path from 'node:path';
import { type Effort, Exercise } from '../../faults/exercise';
import { makeScenario, SCENARIO_NAMES } from '../../faults/scenarios';
import { seededRandom } from '../../support/builder/random';
import type { CasePlace, Counts } from '../kind';

/** Most violations that are printed. */
const ENOUGH = 5;
/** One case in so many tries more calls than the others. */
const THOROUGH_EVERY = 8;
const QUICK: Effort = { losses: 1, qemuEvery: 40, interruptEvery: 8, most: 6 };
const THOROUGH: Effort = { losses: 2, qemuEvery: 20, interruptEvery: 5, most: 30 };

/** Consecutive seeds go through all scenarios in turn; every second round saves an undo. */
export function saveFaults(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const goesBack = Math.floor(seed / SCENARIO_NAMES.length) % 2 === 1;
  const scenario = makeScenario(seed, random, path.join(folder, 'twins'), goesBack);
  const effort = random.below(THOROUGH_EVERY) === 0 ? THOROUGH : QUICK;
  const exercise = new Exercise(scenario, random, effort, folder);
  exercise.run();
  const { tally, violations } = exercise;
  tell?.(`${scenario.name}: ${JSON.stringify(tally)}`);
  if (violations.length > 0) {
    const lines = violations.slice(0, ENOUGH).map(({ where, what }) => `${where}: ${what}`);
    throw new Error(`${scenario.name}: ${violations.length} violations\n${lines.join('\n')}`);
  }
  // Some repairs are too small to be interrupted half-way.
  if (tally.byQemu === 0 || (tally.foreign === 0 && scenario.isRepair !== true && effort === THOROUGH)) {
    throw new Error(`${scenario.name}: hardly anything was judged: ${JSON.stringify(tally)}`);
  }
  return { images: 2, operations: 1 + tally.failures + tally.recoveries, killPoints: tally.states };
}
