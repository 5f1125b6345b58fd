import { describe, expect, test } from 'vitest';
import type { Layers } from '../../../src/qcow2/image/layer';
import type { Cells, KindTotals } from '../../../src/qcow2/map/overview';
import { CELL_KINDS, MAX_CELLS, Overview } from '../../../src/qcow2/map/overview';
import { GuestSet } from '../../../src/qcow2/guestSet';
import { guestOffset } from '../../../src/qcow2/units';
import type { FakeRun } from './fakeLayer';
import { fakeLayer } from './fakeLayer';

const CLUSTER = 65536;
const LATER = Infinity;

function scanned(layers: Layers): Overview {
  const overview = new Overview(layers, CLUSTER);
  expect(overview.step(LATER)).toBe(true);
  return overview;
}

/** The kinds of one cell with their shares. */
function cell(cells: Cells, index: number): Record<string, number> {
  const shares = cells.shares.subarray(index * CELL_KINDS.length, (index + 1) * CELL_KINDS.length);
  return Object.fromEntries(
    CELL_KINDS.map((kind, at) => [kind, shares[at] ?? 0] as const).filter(([, share]) => share > 0),
  );
}

function named(totals: KindTotals): Record<string, number> {
  return Object.fromEntries(
    CELL_KINDS.map((kind, at) => [kind, totals.bytes[at] ?? 0] as const).filter(([, bytes]) => bytes > 0),
  );
}

const clusters = (kind: FakeRun['kind'], count: number): FakeRun => ({
  kind,
  length: count * CLUSTER,
  host: 0,
});

const mixed = fakeLayer({
  runs: [
    clusters('data', 3),
    clusters('zeroAllocated', 1),
    clusters('compressed', 1),
    clusters('zeroPlain', 1),
    clusters('unallocated', 10),
  ],
});

describe('cells', () => {
  test('have the shares of their kinds', () => {
    const cells = scanned([mixed]).cells({ start: guestOffset(0), bytesPerCell: 4 * CLUSTER, count: 4 });
    expect(cell(cells, 0)).toEqual({ data: 191, zeroAllocated: 64 });
    expect(cell(cells, 1)).toEqual({ compressed: 64, zeroPlain: 64, unallocated: 128 });
    expect(cell(cells, 2)).toEqual({ unallocated: 255 });
    expect(cells.complete).toBe(true);
    expect(named(cells.totals)).toEqual({
      data: 3 * CLUSTER,
      zeroAllocated: CLUSTER,
      compressed: CLUSTER,
      zeroPlain: CLUSTER,
      unallocated: 10 * CLUSTER,
    });
  });

  test('never lose a kind that is present', () => {
    const layer = fakeLayer({ runs: [clusters('data', 1), clusters('unallocated', 2 ** 20 - 1)] });
    const cells = scanned([layer]).cells({
      start: guestOffset(0),
      bytesPerCell: 2 ** 20 * CLUSTER,
      count: 1,
    });
    expect(cell(cells, 0)).toEqual({ data: 1, unallocated: 255 });
  });

  test('of the last, shorter stretch are whole', () => {
    const layer = fakeLayer({ runs: [clusters('data', 4), { kind: 'data', length: 512, host: 0 }] });
    const cells = scanned([layer]).cells({ start: guestOffset(0), bytesPerCell: 4 * CLUSTER, count: 3 });
    expect([cell(cells, 0), cell(cells, 1), cell(cells, 2)]).toEqual([{ data: 255 }, { data: 255 }, {}]);
  });

  test('finer than the whole-disk scan are walked afresh', () => {
    const count = 2 ** 22;
    const layer = fakeLayer({
      runs: [clusters('unallocated', count / 2), clusters('data', 1), clusters('unallocated', count / 2 - 1)],
    });
    const overview = new Overview([layer], CLUSTER);
    const start = guestOffset((count / 2 - 2) * CLUSTER);
    const cells = overview.cells({ start, bytesPerCell: CLUSTER, count: 4 });
    expect(cells.complete).toBe(true);
    expect([0, 1, 2, 3].map((index) => cell(cells, index))).toEqual([
      { unallocated: 255 },
      { unallocated: 255 },
      { data: 255 },
      { unallocated: 255 },
    ]);
    expect(cells.totals.scannedBytes).toBe(0);
  });

  test('that were not scanned yet are empty, and the view says so', () => {
    const overview = new Overview([mixed], CLUSTER);
    const cells = overview.cells({ start: guestOffset(0), bytesPerCell: CLUSTER, count: 16 });
    expect(cells.complete).toBe(false);
    expect(cells.shares.every((share) => share === 0)).toBe(true);
  });

  test.each([
    { start: 0, bytesPerCell: CLUSTER / 2, count: 1 },
    { start: 0, bytesPerCell: CLUSTER * 3, count: 1 },
    { start: CLUSTER, bytesPerCell: CLUSTER * 2, count: 1 },
    { start: -CLUSTER, bytesPerCell: CLUSTER, count: 1 },
    { start: 0, bytesPerCell: CLUSTER, count: MAX_CELLS + 1 },
    { start: 0, bytesPerCell: Number.NaN, count: 1 },
  ])('are refused for $start, $bytesPerCell, $count', (request) => {
    expect(() => scanned([mixed]).cells(request)).toThrow('cells.request');
  });
});

describe('kinds of a chain', () => {
  const hole = (namesBacking: boolean) => fakeLayer({ namesBacking, runs: [clusters('unallocated', 8)] });
  const base = fakeLayer({
    runs: [clusters('zeroPlain', 1), clusters('data', 1), clusters('unallocated', 2)],
  });

  test.each([
    [1, 'backing1'],
    [2, 'backing2'],
    [3, 'backing3'],
    [5, 'backing3'],
  ])('tell who provides by depth: %d', (depth, kind) => {
    const layers: Layers = [hole(true), ...Array.from({ length: depth - 1 }, () => hole(true)), base];
    expect(
      named(scanned(layers).cells({ start: guestOffset(0), bytesPerCell: CLUSTER, count: 8 }).totals),
    ).toEqual({
      [kind]: 2 * CLUSTER,
      unallocated: 6 * CLUSTER,
    });
  });

  test('call bytes of a backing file that is not open unknown', () => {
    expect(named(scanned([hole(true)]).totals(guestOffset(0), 8 * CLUSTER))).toEqual({
      backingUnknown: 8 * CLUSTER,
    });
    expect(named(scanned([hole(false)]).totals(guestOffset(0), 8 * CLUSTER))).toEqual({
      unallocated: 8 * CLUSTER,
    });
  });
});

describe('totals of a range', () => {
  test('are exact where the range is not that of cells', () => {
    const overview = scanned([mixed]);
    expect(named(overview.totals(guestOffset(CLUSTER / 2), 3 * CLUSTER))).toEqual({
      data: 2.5 * CLUSTER,
      zeroAllocated: CLUSTER / 2,
    });
    expect(overview.totals(guestOffset(0), 1e12)).toMatchObject({
      scannedBytes: 16 * CLUSTER,
      totalBytes: 16 * CLUSTER,
    });
  });

  test('are widened to whole sectors', () => {
    expect(named(scanned([mixed]).totals(guestOffset(100), 1))).toEqual({ data: 512 });
  });
});

test('an invalid entry is a kind of its own, and the walk goes on behind it', () => {
  const layer = fakeLayer({
    runs: [clusters('data', 2), { kind: 'invalid', length: CLUSTER }, clusters('data', 2)],
  });
  const cells = scanned([layer]).cells({ start: guestOffset(0), bytesPerCell: CLUSTER, count: 5 });
  expect([0, 1, 2, 3, 4].map((index) => Object.keys(cell(cells, index)))).toEqual([
    ['data'],
    ['data'],
    ['invalid'],
    ['data'],
    ['data'],
  ]);
});

test('a slice ends near its deadline and the next one goes on', () => {
  const layer = fakeLayer({ runs: Array.from({ length: 500 }, () => clusters('data', 1)) });
  const overview = new Overview([layer], CLUSTER);
  let slices = 0;
  while (!overview.step(-1)) slices++;
  expect(slices).toBeGreaterThan(5);
  expect(overview.isComplete).toBe(true);
  expect(overview.totals(guestOffset(0), 500 * CLUSTER).bytes[0]).toBe(500 * CLUSTER);
});

test('an empty disk is complete', () => {
  const overview = new Overview([fakeLayer({ runs: [] })], CLUSTER);
  expect(overview.step(0)).toBe(true);
  expect(overview.cells({ start: guestOffset(0), bytesPerCell: CLUSTER, count: 4 }).complete).toBe(true);
});

describe('what a content scan has found', () => {
  const setOf = (...ranges: readonly (readonly [first: number, count: number])[]): GuestSet => {
    const set = new GuestSet(CLUSTER, 16 * CLUSTER);
    for (const [first, count] of ranges) set.add(guestOffset(first * CLUSTER), count * CLUSTER);
    return set;
  };
  const layer = fakeLayer({ runs: [clusters('data', 8), clusters('zeroPlain', 2), clusters('data', 6)] });
  const found = { zeroes: setOf([1, 3], [12, 1]), sameAsBacking: setOf([3, 2], [14, 2]) };
  const overview = new Overview([layer], CLUSTER, found);
  overview.step(LATER);

  test('divides the data; what is both counts as zero', () => {
    const { totals } = overview.cells({ start: 0, bytesPerCell: CLUSTER, count: 16 });
    expect(named(totals)).toEqual({
      data: 7 * CLUSTER,
      dataZero: 4 * CLUSTER,
      dataSame: 3 * CLUSTER,
      zeroPlain: 2 * CLUSTER,
    });
  });

  test('is in cells of any size, and in totals of any range', () => {
    const cells = overview.cells({ start: 0, bytesPerCell: 8 * CLUSTER, count: 2 });
    expect(cell(cells, 0)).toEqual({ data: 128, dataZero: 96, dataSame: 32 });
    expect(cell(cells, 1)).toEqual({ data: 96, dataZero: 32, dataSame: 64, zeroPlain: 64 });
    expect(named(overview.totals(guestOffset(2.5 * CLUSTER), 2 * CLUSTER))).toEqual({
      dataZero: 1.5 * CLUSTER,
      dataSame: CLUSTER / 2,
    });
  });
});
