/** Counting by the byte and by four bytes at a time comes to what counting one by one does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClusterCounts } from '../../../src/qcow2/check/clusterCounts';
import { EngineError } from '../../../src/qcow2/errors';

const CLUSTERS = 100_000;
const runs = fc.array(
  fc.record({
    first: fc.integer({ min: 0, max: CLUSTERS - 1 }),
    count: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })),
    times: fc.oneof(fc.constant(1), fc.constant(1), fc.integer({ min: 1, max: 300 })),
    repeat: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 130 })),
  }),
  { maxLength: 12 },
);
const widths = fc.constantFrom(1, 3, 15, 255, 65535, Infinity);

test('counts every cluster of every run, up to the largest count, and tells what exceeds it', () => {
  fc.assert(
    fc.property(runs, widths, (given, largest) => {
      let excess = 0;
      const counts = new ClusterCounts('disk.qcow2', CLUSTERS, largest, (_cluster, more) => (excess += more));
      const expected = new Float64Array(CLUSTERS);
      for (const { first, count, times, repeat } of given) {
        const end = Math.min(CLUSTERS, first + count);
        const rounds = count > 1000 ? 1 : repeat;
        for (let round = 0; round < rounds; round++) counts.add(first, end - first, times);
        for (let cluster = first; cluster < end; cluster++) expected[cluster]! += times * rounds;
      }
      const wrong = expected.findIndex((count, cluster) => counts.of(cluster) !== Math.min(count, largest));
      expect(wrong).toBe(-1);
      expect(excess).toBe(expected.reduce((sum, count) => sum + count - Math.min(count, largest), 0));
      const listed = new Map<number, number>();
      counts.forEachCounted(1, (cluster, count) => listed.set(cluster, count));
      expect(listed.size).toBe(expected.filter((count) => count > 0).length);
      let twice = 0;
      counts.forEachCounted(2, () => twice++);
      expect(twice).toBe(largest < 2 ? 0 : expected.filter((count) => count > 1).length);
    }),
    { numRuns: 60 },
  );
});

test('costs nothing for clusters that nothing refers to, and refuses what would need too much memory', () => {
  const counts = new ClusterCounts('disk.qcow2', 2 ** 31 - 1, 65535);
  counts.addOne(0);
  counts.addOne(2 ** 31 - 2);
  expect(counts.of(2 ** 31 - 2)).toBe(1);
  expect(counts.of(2 ** 30)).toBe(0);
  expect(() => {
    for (let page = 0; page < counts.pageCount; page++) counts.addOne(page * 2 ** counts.pageBits);
  }).toThrow(EngineError);
});
