/**
 * Cache of fetched cells, in tiles of 4096, which panning mostly hits. The least recently used tiles are dropped; those
 * of the coarsest level, the whole disk, are kept: finer views fall back to them until their own cells arrive.
 */
/** Cells per tile; the last tile of a level may have fewer. */
export const TILE_CELLS = 4096;

export interface Tile {
  /** The first cell, counted from the start of the disk. */
  readonly firstCell: number;
  /** A share for each kind of a cell (messages.ts, `Cells`). */
  readonly shares: Uint8Array;
  /** False until the worker has scanned all of it. */
  readonly complete: boolean;
  /** As `shares`, of what lies in holes of a file; absent if nothing does. */
  readonly holes?: Uint8Array | undefined;
  /** Staged share of each cell, 0 to 255; absent if nothing is staged. */
  readonly staged?: Uint8Array | undefined;
  /** Counted by the loader; an older tile is still drawn, but fetched again. */
  readonly generation: number;
}

/** The tile that has the shares of a cell, perhaps of a coarser level. */
export interface Source {
  readonly tile: Tile;
  /** Number of cells of the wanted level in one cell of `tile`. */
  readonly cellsPerCell: number;
}

export class TileCache {
  /** Tiles by level and index, the least recently used first. */
  readonly #tiles = new Map<string, Tile>();
  #pinnedLevel = 0;

  readonly #capacity: number;

  /**
   * @param capacity tiles kept, besides those of the pinned level; a tile takes 50 KiB
   * @param kindCount shares of a cell
   */
  constructor(
    capacity: number,
    readonly kindCount: number,
  ) {
    this.#capacity = capacity;
  }

  /** The level (`bytesPerCell`) whose tiles are never dropped. */
  pin(bytesPerCell: number): void {
    this.#pinnedLevel = bytesPerCell;
  }

  get(bytesPerCell: number, index: number): Tile | undefined {
    const key = keyOf(bytesPerCell, index);
    const tile = this.#tiles.get(key);
    if (tile) {
      this.#tiles.delete(key);
      this.#tiles.set(key, tile);
    }
    return tile;
  }

  put(bytesPerCell: number, index: number, tile: Tile): void {
    const key = keyOf(bytesPerCell, index);
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    if (this.#tiles.size > this.#capacity) this.#dropOldest();
  }

  clear(): void {
    this.#tiles.clear();
  }

  get size(): number {
    return this.#tiles.size;
  }

  /** The tile that contains a cell, or the nearest coarser one, up to the pinned level. */
  find(bytesPerCell: number, cell: number): Source | undefined {
    let cellsPerCell = 1;
    for (let level = bytesPerCell; ; level *= 2, cellsPerCell *= 2) {
      const tile = this.get(level, Math.floor(cell / cellsPerCell / TILE_CELLS));
      if (tile) return { tile, cellsPerCell };
      if (level >= this.#pinnedLevel) return undefined;
    }
  }

  #dropOldest(): void {
    const pinned = `${this.#pinnedLevel}:`;
    for (const key of this.#tiles.keys()) {
      if (key.startsWith(pinned)) continue;
      this.#tiles.delete(key);
      return;
    }
  }
}

const keyOf = (bytesPerCell: number, index: number): string => `${bytesPerCell}:${index}`;

/** What an answer has of its cells. */
export type TileContent = Pick<Tile, 'shares' | 'holes' | 'staged' | 'complete'>;

/** Splits an answer into tiles; `firstCell` is a multiple of `TILE_CELLS`. */
export function splitIntoTiles(
  { shares, holes, staged, complete }: TileContent,
  kindCount: number,
  firstCell: number,
  generation: number,
): readonly Tile[] {
  const tiles: Tile[] = [];
  const tileBytes = TILE_CELLS * kindCount;
  for (let at = 0; at < shares.length; at += tileBytes) {
    tiles.push({
      firstCell: firstCell + at / kindCount,
      shares: shares.slice(at, at + tileBytes),
      complete,
      generation,
      holes: holes?.slice(at, at + tileBytes),
      staged: staged?.slice(at / kindCount, at / kindCount + TILE_CELLS),
    });
  }
  return tiles;
}
