/** Compaction of random images, and interrupted at every step. */
import { afterAll, describe, expect, it } from 'vitest';
import { compact } from '../../soak/cases/compact';
import { exerciseCompaction } from '../../soak/cases/compactFaults';
import { seededRandom } from '../../support/builder/random';
import { testCases } from '../../support/cases';
import { workspace } from '../../support/workspace';

testCases('a compacted image is short and reads the same', compact, { first: 0, count: 12, batch: 4 });

const place = workspace();

afterAll(() => {
  place.remove();
});

describe('compaction, interrupted or failing', () => {
  it.each(['built', 'cluster_size=512,refcount_bits=64', 'compat=0.10,cluster_size=8k'])(
    'leaves a sound image that reads as before: %s',
    (options) => {
      const { tally, violations } = exerciseCompaction(options, seededRandom(1), place.folder, 8);
      expect(violations.slice(0, 5)).toEqual([]);
      expect(tally.batches).toBeGreaterThan(0);
      expect(tally.byQemu).toBeGreaterThan(0);
    },
  );
});
