import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIND_COUNT } from '../../../../webview/map/kinds';
import { splitIntoTiles, TILE_CELLS, TileCache, type Tile } from '../../../../webview/map/tiles';

const tile = (firstCell: number): Tile => ({
  firstCell,
  shares: new Uint8Array(TILE_CELLS * KIND_COUNT),
  complete: true,
  generation: 1,
});

describe('the tile cache', () => {
  it('keeps no more than its capacity, and what was used last', () => {
    const cache = new TileCache(3, KIND_COUNT);
    cache.pin(1024);
    for (let index = 0; index < 3; index++) cache.put(1, index, tile(index * TILE_CELLS));
    cache.get(1, 0);
    cache.put(1, 3, tile(3 * TILE_CELLS));
    expect(cache.size).toBe(3);
    expect(cache.get(1, 0)).toBeDefined();
    expect(cache.get(1, 1)).toBeUndefined();
  });

  it('never drops the tiles of the whole disk', () => {
    const cache = new TileCache(4, KIND_COUNT);
    cache.pin(1024);
    cache.put(1024, 0, tile(0));
    for (let index = 0; index < 100; index++) cache.put(1, index, tile(index * TILE_CELLS));
    expect(cache.get(1024, 0)).toBeDefined();
    expect(cache.size).toBeLessThanOrEqual(4);
  });

  it('finds the nearest coarser tile while a finer one is missing', () => {
    const cache = new TileCache(10, KIND_COUNT);
    cache.pin(16);
    cache.put(16, 0, tile(0));
    expect(cache.find(1, 5000)).toMatchObject({ cellsPerCell: 16 });
    cache.put(4, 0, tile(0));
    expect(cache.find(1, 5000)).toMatchObject({ cellsPerCell: 4 });
    cache.put(1, 1, tile(TILE_CELLS));
    expect(cache.find(1, 5000)).toMatchObject({ cellsPerCell: 1 });
    expect(cache.find(16, TILE_CELLS + 1)).toBeUndefined();
  });
});

describe('an answer cut into tiles', () => {
  it('loses and repeats nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 * TILE_CELLS }), fc.nat({ max: 5 }), (cells, firstTile) => {
        const shares = new Uint8Array(cells * KIND_COUNT).map((_, index) => index % 251);
        const answer = { shares, holes: shares.toReversed(), complete: true };
        const tiles = splitIntoTiles(answer, KIND_COUNT, firstTile * TILE_CELLS, 7);
        expect(tiles.map(({ firstCell }) => firstCell)).toEqual(
          tiles.map((_, index) => (firstTile + index) * TILE_CELLS),
        );
        expect(Buffer.concat(tiles.map((part) => part.shares)).equals(Buffer.from(shares))).toBe(true);
        const holes = Buffer.concat(tiles.map((part) => part.holes ?? new Uint8Array()));
        expect(holes.equals(Buffer.from(answer.holes))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
