/** Sets of clusters, compared with plain sets of numbers. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ClusterBits } from '../../src/qcow2/clusterSet';
import { hostCluster } from '../../src/qcow2/units';

const PAGE = 1 << 15;
const runs = fc.array(
  fc.record({
    first: fc.oneof(fc.nat(200), fc.nat(3 * PAGE), fc.constantFrom(0, 31, 32, PAGE - 1, PAGE, 2 * PAGE)),
    count: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 32, 64, PAGE, PAGE + 33, 2 * PAGE)),
  }),
  { maxLength: 12 },
);

it('has what was put in, once, and tells it in runs', () => {
  fc.assert(
    fc.property(runs, (list) => {
      const bits = new ClusterBits();
      const plain = new Set<number>();
      for (const { first, count } of list) {
        const told: number[] = [];
        bits.add(hostCluster(first), count, (cluster) => told.push(cluster));
        const wereIn = Array.from({ length: count }, (_, index) => first + index).filter((each) =>
          plain.has(each),
        );
        expect(told).toEqual(wereIn);
        for (let index = 0; index < count; index++) plain.add(first + index);
      }
      expect(bits.count).toBe(plain.size);
      const told: number[] = [];
      let end = -1;
      bits.forEachRun((first, count) => {
        expect(first).toBeGreaterThan(end);
        end = first + count;
        for (let cluster = first; cluster < end; cluster++) told.push(cluster);
      });
      expect(told).toEqual([...plain].sort((one, other) => one - other));
      for (const { first, count } of list) {
        for (const each of [first - 1, first, first + count - 1, first + count]) {
          if (each >= 0) expect(bits.has(hostCluster(each))).toBe(plain.has(each));
        }
      }
    }),
    { numRuns: 200 },
  );
});

it('is gone through by a cursor, from whatever place on', () => {
  fc.assert(
    fc.property(runs, fc.array(fc.nat(5 * PAGE), { maxLength: 40 }), (list, places) => {
      const bits = new ClusterBits();
      for (const { first, count } of list) bits.add(hostCluster(first), count);
      const told: [number, number][] = [];
      bits.forEachRun((first, count) => {
        told.push([first, first + count]);
      });
      const cursor = bits.cursor();
      for (const place of [...places, ...told.flat()].sort((one, other) => one - other)) {
        cursor.seek(place);
        const [start, end] = told.find((run) => run[1] > place) ?? [Infinity, Infinity];
        expect([Math.max(place, cursor.start), cursor.end]).toEqual([Math.max(place, start), end]);
      }
    }),
    { numRuns: 200 },
  );
});

it('takes no memory where everything is in it, in whatever pieces it was put in', () => {
  const bits = new ClusterBits();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const before = process.memoryUsage().arrayBuffers;
  for (let page = 0; page < 512; page++) {
    for (let piece = 0; piece < 64; piece += 2) bits.add(hostCluster(page * PAGE + piece * 512), 512);
    for (let piece = 1; piece < 64; piece += 2) bits.add(hostCluster(page * PAGE + piece * 512), 512);
  }
  expect(bits.count).toBe(512 * PAGE);
  collect();
  // What that frees in the background is counted now.
  collect();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 19);
  let runs = 0;
  bits.forEachRun(() => runs++);
  expect(runs).toBe(1);
});
