/** A few of soak's damaged ext images (test/soak/cases/guestExt.ts). */
import { afterAll, describe, expect, it } from 'vitest';
import { openExt } from '../../../../src/guest/ext/extSystem';
import { seededRandom } from '../../../support/builder/random';
import { exerciseDamaged } from '../../../support/guest/exercise';
import { FUZZED, makeFuzzed } from '../../../support/guest/extImages';
import { workspace } from '../../../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});

describe('a damaged ext file system', () => {
  it.each(Object.keys(FUZZED))('ends in an error of the reader, if in any: %s', (name) => {
    const bytes = makeFuzzed(name, place.folder);
    for (let seed = 0; seed < 15; seed++)
      expect(() => {
        exerciseDamaged(openExt, bytes, seededRandom(seed));
      }, `seed ${seed}`).not.toThrow();
  });
});
