import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CELL_KINDS } from '../../../../src/qcow2/map/overview';
import { HOST_KINDS } from '../../../../src/qcow2/map/hostLayout';
import { FILE_KINDS, KIND_COUNT, KINDS } from '../../../../webview/map/kinds';
import { Bands, bandsOf, paintCells, sumShares, UNKNOWN, type Palette } from '../../../../webview/map/paint';
import { TILE_CELLS, TileCache } from '../../../../webview/map/tiles';

/** Kinds have one colour, holes have lines. */
const inks = Array.from({ length: 2 * KIND_COUNT }, (_, ink) => 100 + ink);
const palette: Palette = {
  inks: Uint32Array.from(inks),
  lines: Uint32Array.from(inks, (_, at) => 200 + at),
  every: Uint8Array.from(inks, (_, at) => (at < KIND_COUNT ? 0 : 2)),
  background: 1,
  unknown: 2,
  staged: 3,
};

it('knows the kinds in the order of the shares', () => {
  expect(KINDS).toEqual(CELL_KINDS);
  expect(FILE_KINDS.kinds).toEqual(HOST_KINDS);
});

describe('the bands of a cell', () => {
  const shares = fc.uint8Array({ minLength: KIND_COUNT, maxLength: KIND_COUNT });
  const count = (bands: Uint8Array, kind: number): number => bands.filter((band) => band === kind).length;

  it('give every kind that is present a pixel, if there are enough, and none to others', () => {
    fc.assert(
      fc.property(shares, fc.integer({ min: KIND_COUNT, max: 60 }), (cell, height) => {
        const bands = new Uint8Array(height).fill(77);
        bandsOf(cell, 0, KIND_COUNT, bands);
        if (cell.every((share) => share === 0)) {
          expect(count(bands, UNKNOWN)).toBe(height);
          return;
        }
        cell.forEach((share, kind) => {
          expect(count(bands, kind) > 0).toBe(share > 0);
        });
      }),
    );
  });

  it('are as high as the shares, to a pixel for each kind', () => {
    fc.assert(
      fc.property(shares, (cell) => {
        const total = cell.reduce((sum, share) => sum + share, 0);
        fc.pre(total > 0);
        const bands = new Uint8Array(40);
        bandsOf(cell, 0, KIND_COUNT, bands);
        cell.forEach((share, kind) => {
          expect(Math.abs(count(bands, kind) - (share / total) * 40)).toBeLessThanOrEqual(KIND_COUNT);
        });
      }),
    );
  });

  it('stand on each other from the bottom in the order of the legend', () => {
    const bands = new Uint8Array(4);
    bandsOf(
      Uint8Array.from(KINDS, (_, kind) => (kind === 0 ? 192 : kind === 4 ? 63 : 0)),
      0,
      KIND_COUNT,
      bands,
    );
    expect([...bands]).toEqual([4, 0, 0, 0]);
  });

  it('do not run over where there are more kinds than pixels', () => {
    const bands = new Uint8Array(3).fill(77);
    bandsOf(new Uint8Array(KIND_COUNT).fill(25), 0, KIND_COUNT, bands);
    expect(bands.every((band) => band < KIND_COUNT)).toBe(true);
  });
});

describe('the bands of a cell with holes', () => {
  /** Inks from the bottom. */
  const inksOf = (
    stored: Readonly<Record<number, number>>,
    hollow: Readonly<Record<number, number>>,
  ): number[] => {
    const [shares, holes] = [new Uint8Array(KIND_COUNT), new Uint8Array(KIND_COUNT)];
    for (let kind = 0; kind < KIND_COUNT; kind++) {
      holes[kind] = hollow[kind] ?? 0;
      shares[kind] = (stored[kind] ?? 0) + (hollow[kind] ?? 0);
    }
    const bands = new Bands(KIND_COUNT, 4);
    bands.fill({ shares, holes }, 0);
    return [...bands.out].reverse();
  };

  it('show for each kind what is stored, and above it what lies in holes', () => {
    expect(inksOf({ 3: 255 }, {})).toEqual([3, 3, 3, 3]);
    expect(inksOf({}, { 3: 255 })).toEqual(Array(4).fill(KIND_COUNT + 3));
    expect(inksOf({ 1: 64, 3: 64 }, { 1: 127 })).toEqual([1, KIND_COUNT + 1, KIND_COUNT + 1, 3]);
  });
});

describe('painting cells', () => {
  /** A cache whose cells are of one kind each, `kindOf` cell. */
  function cacheOf(bytesPerCell: number, kindOf: (cell: number) => number, cells: number): TileCache {
    const cache = new TileCache(100, KIND_COUNT);
    cache.pin(bytesPerCell);
    for (let first = 0; first < cells; first += TILE_CELLS) {
      const shares = new Uint8Array(Math.min(TILE_CELLS, cells - first) * KIND_COUNT);
      for (let cell = 0; cell < shares.length / KIND_COUNT; cell++)
        shares[cell * KIND_COUNT + kindOf(first + cell)] = 255;
      cache.put(bytesPerCell, first / TILE_CELLS, {
        firstCell: first,
        shares,
        complete: true,
        generation: 1,
      });
    }
    return cache;
  }

  it('puts every cell where its row and column are, across tiles', () => {
    const columns = 37;
    const rows = 20;
    const cellSize = 5;
    const first = TILE_CELLS - 100;
    const end = TILE_CELLS + 400;
    const pixels = new Uint32Array(columns * rows * cellSize);
    const cache = cacheOf(1, (cell) => cell % KIND_COUNT, end);
    paintCells(pixels, { bytesPerCell: 1, first, end, columns, rows, cellSize, gap: 1 }, cache, palette);
    for (let index = 0; index < columns * rows; index++) {
      const top = Math.floor(index / columns) * cellSize * columns + (index % columns);
      const wanted = first + index < end ? 100 + ((first + index) % KIND_COUNT) : palette.background;
      for (let y = 0; y < cellSize - 1; y++) expect(pixels[top + y * columns]).toBe(wanted);
      expect(pixels[top + (cellSize - 1) * columns]).toBe(palette.background);
    }
  });

  it('stands in with coarser cells, and goes over to finer ones where they are', () => {
    const cache = cacheOf(4, () => 3, 4 * TILE_CELLS);
    const fine = new Uint8Array(TILE_CELLS * KIND_COUNT);
    for (let cell = 0; cell < TILE_CELLS; cell++) fine[cell * KIND_COUNT] = 255;
    cache.put(1, 1, { firstCell: TILE_CELLS, shares: fine, complete: true, generation: 1 });
    const pixels = new Uint32Array(20 * 3);
    paintCells(
      pixels,
      { bytesPerCell: 1, first: TILE_CELLS - 10, end: 1e9, columns: 20, rows: 1, cellSize: 3, gap: 1 },
      cache,
      palette,
    );
    expect([...pixels.subarray(0, 20)]).toEqual([
      ...Array<number>(10).fill(103),
      ...Array<number>(10).fill(100),
    ]);
  });

  it('draws lines as thick as the gap between cells', () => {
    const cache = cacheOf(1, () => 3, 1);
    const tile = cache.get(1, 0)!;
    cache.put(1, 0, { ...tile, holes: tile.shares });
    const pixels = new Uint32Array(8);
    paintCells(
      pixels,
      { bytesPerCell: 1, first: 0, end: 1, columns: 1, rows: 1, cellSize: 8, gap: 2 },
      cache,
      palette,
    );
    const [ink, line] = [100 + KIND_COUNT + 3, 200 + KIND_COUNT + 3];
    expect([...pixels]).toEqual([ink, ink, line, line, ink, ink, 1, 1]);
  });

  it('stripes what is not known', () => {
    const pixels = new Uint32Array(4);
    const stretch = { bytesPerCell: 1, first: 0, end: 1, columns: 1, rows: 1, cellSize: 4, gap: 1 };
    paintCells(pixels, stretch, new TileCache(1, KIND_COUNT), palette);
    expect([...pixels]).toEqual([2, 1, 2, 1]);
  });

  it('stripes what a tile from before the disk grew does not have', () => {
    const pixels = new Uint32Array(2 * 4);
    const stretch = { bytesPerCell: 1, first: 9, end: 11, columns: 2, rows: 1, cellSize: 4, gap: 1 };
    paintCells(
      pixels,
      stretch,
      cacheOf(1, () => 3, 10),
      palette,
    );
    expect([...pixels]).toEqual([103, 2, 103, 1, 103, 2, 1, 1]);
  });
});

it('sums shares over cells', () => {
  const shares = new Uint8Array(3 * KIND_COUNT).fill(2);
  const sums = new Float64Array(KIND_COUNT).fill(99);
  sumShares(shares, 1, 3, sums);
  expect([...sums]).toEqual(Array(KIND_COUNT).fill(4));
});
