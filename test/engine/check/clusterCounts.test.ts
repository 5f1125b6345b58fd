/** Counting by bytes and by words of four bytes gives the same result as counting one by one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClusterCounts } from '../../../src/qcow2/check/clusterCounts';
import { EngineError } from '../../../src/qcow2/errors';
import { hostCluster } from '../../../src/qcow2/units';

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
      const wrong = expected.findIndex(
        (count, cluster) => counts.of(hostCluster(cluster)) !== Math.min(count, largest),
      );
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
  counts.addOne(hostCluster(0));
  counts.addOne(hostCluster(2 ** 31 - 2));
  expect(counts.of(hostCluster(2 ** 31 - 2))).toBe(1);
  expect(counts.of(hostCluster(2 ** 30))).toBe(0);
  expect(() => {
    for (let page = 0; page < counts.pageCount; page++)
      counts.addOne(hostCluster(page * 2 ** counts.pageBits));
  }).toThrow(EngineError);
});

test('counts what a repair adds behind them', () => {
  const counts = new ClusterCounts('disk.qcow2', 10, 65535);
  counts.add(8, 2, 1);
  counts.add(40_000, 3, 1);
  counts.add(40_001, 1, 1);
  expect(
    [7, 8, 9, 10, 39_999, 40_000, 40_001, 40_002, 40_003].map((cluster) => counts.of(hostCluster(cluster))),
  ).toEqual([0, 1, 1, 0, 0, 1, 2, 1, 0]);
  expect(counts.page(1)?.filter((count) => count > 0)).toHaveLength(3);
  expect(counts.page(2)).toBeUndefined();
});

test('a page that is referred to once throughout is seen as one, and told apart once it is not', () => {
  const counts = new ClusterCounts('disk.qcow2', 100_000, 65535);
  for (let at = 100; at < 70_000; at += 100) counts.add(at, 100, 1);
  expect(counts.page(1)?.every((count) => count === 1)).toBe(true);
  expect(counts.page(0)?.indexOf(1)).toBe(100);
  expect(counts.page(2)?.lastIndexOf(1)).toBe(70_000 - 2 * 32_768 - 1);
  counts.addOne(hostCluster(40_000));
  counts.forget(50_000, 1);
  expect([39_999, 40_000, 40_001, 50_000].map((cluster) => counts.of(hostCluster(cluster)))).toEqual([
    1, 2, 1, 0,
  ]);
  counts.clear();
  expect([100, 40_000, 69_999].map((cluster) => counts.of(hostCluster(cluster)))).toEqual([0, 0, 0]);
});
