/** Promises A, B and C of a save (test/faults); `npm run faults` does more of it. */
import { afterAll, describe, expect, it } from 'vitest';
import { Exercise, type Effort } from '../../faults/exercise';
import { makeScenario, SCENARIO_NAMES } from '../../faults/scenarios';
import { seededRandom } from '../../support/builder/random';
import { workspace } from '../../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});

const EFFORT: Effort = { losses: 1, qemuEvery: 40, interruptEvery: 8, most: 5 };

describe('a save that is interrupted or fails', () => {
  describe.each(SCENARIO_NAMES.map((name, index) => ({ name, index })))('$name', ({ index }) => {
    it.each([false, true])('keeps its promises (undoing: %s)', (goesBack) => {
      const random = seededRandom(index + 1);
      const scenario = makeScenario(index, random, place.path('twins'), goesBack);
      const exercise = new Exercise(scenario, random, EFFORT, place.folder);
      exercise.run();
      expect(exercise.violations.slice(0, 5)).toEqual([]);
      expect(exercise.tally.states).toBeGreaterThan(50);
      expect(exercise.tally.byQemu).toBeGreaterThan(0);
      // Some repairs are too small to be caught half-way.
      if (scenario.isRepair !== true) expect(exercise.tally.foreign).toBeGreaterThan(0);
    });
  });
});
