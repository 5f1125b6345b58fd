/** Marks of staged ranges: exact while they are few, coarser but complete when they are many. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StagedMarks } from '../../../src/worker/stagedMarks';
import { guestOffset } from '../../../src/qcow2/units';

const CLUSTER = 4096;

const marksOf = (ranges: readonly (readonly [number, number])[], limit?: number): StagedMarks =>
  new StagedMarks(
    (visit) => {
      for (const [start, length] of ranges) visit(guestOffset(start), length);
    },
    CLUSTER,
    limit,
  );

/** Ranges that ascend and do not overlap. */
const ranges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 40 })), { maxLength: 60 })
  .map((steps) => {
    let at = 0;
    return steps.map(([gap, length]) => {
      const start = at + gap * 512;
      at = start + length * 512;
      return [start, length * 512] as const;
    });
  });

const isTouched = (all: readonly (readonly [number, number])[], start: number, end: number): boolean =>
  all.some(([from, length]) => from < end && from + length > start);

it('marks the cells that hold something of a range, and tells how much', () => {
  const marks = marksOf([
    [CLUSTER, CLUSTER],
    [3 * CLUSTER + 512, 1024],
  ]);
  expect(marks.bytes).toBe(CLUSTER + 1024);
  expect([...(marks.shares({ start: guestOffset(0), bytesPerCell: CLUSTER, count: 5 }) ?? [])]).toEqual([
    0, 255, 0, 64, 0,
  ]);
  expect(marks.shares({ start: guestOffset(4 * CLUSTER), bytesPerCell: CLUSTER, count: 5 })).toBeUndefined();
  expect(marks.touches(guestOffset(2 * CLUSTER), CLUSTER)).toBe(false);
  expect(marks.touches(guestOffset(3 * CLUSTER), CLUSTER)).toBe(true);
});

it('marks exactly what is touched, in cells of any size', () => {
  fc.assert(
    fc.property(
      ranges,
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 20 }),
      (all, power, first) => {
        const bytesPerCell = CLUSTER * 2 ** power;
        const start = guestOffset(first * bytesPerCell);
        const shares = marksOf(all).shares({ start, bytesPerCell, count: 16 }) ?? new Uint8Array(16);
        shares.forEach((share, cell) => {
          const from = start + cell * bytesPerCell;
          expect(share > 0).toBe(isTouched(all, from, from + bytesPerCell));
        });
      },
    ),
  );
});

it('misses nothing where ranges are put together, and counts their bytes exactly', () => {
  fc.assert(
    fc.property(ranges, (all) => {
      const marks = marksOf(all, 4);
      expect(marks.bytes).toBe(all.reduce((sum, [, length]) => sum + length, 0));
      for (const [start, length] of all) expect(marks.touches(guestOffset(start), length)).toBe(true);
    }),
  );
});
