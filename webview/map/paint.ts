/**
 * Turns the shares of cells into pixels. Every cell is painted one pixel wide and in its full height; the canvas then
 * stretches the result sideways in one call, so that a window full of cells takes a few tens of thousands of pixel
 * writes per frame. A mixed cell shows its kinds as bands, stacked from the bottom in the order of the legend.
 */
import { TILE_CELLS, type TileCache } from './tiles';

/** Colours as pixels of an `ImageData` seen through a `Uint32Array` (little endian: 0xAABBGGRR). */
export interface Palette {
  /** Of each kind, then of each kind where the file has a hole. */
  readonly inks: Uint32Array;
  /** Of their lines, where they have some. */
  readonly lines: Uint32Array;
  /** Which lines those are: the last one of so many; 0 for inks without. */
  readonly every: Uint8Array;
  readonly background: number;
  /** Not scanned yet: thin stripes on the background. */
  readonly unknown: number;
  /** Marks staged cells. */
  readonly staged: number;
}

/** In `bands`: the kind of this pixel is unknown. */
export const UNKNOWN = 255;

/** The shares of one cell, from `at` on. */
export interface CellShares {
  readonly shares: Uint8Array;
  /** What lies in holes of a file; `shares` counts it, too. */
  readonly holes?: Uint8Array | undefined;
}

/** Divides the pixels of cells among their inks (`Palette`). */
export class Bands {
  readonly #kindCount: number;
  /** For each kind, what is stored and what lies in holes. */
  readonly #split: Uint8Array;
  readonly out: Uint8Array;

  /** @param height pixels of a cell */
  constructor(kindCount: number, height: number) {
    this.#kindCount = kindCount;
    this.#split = new Uint8Array(2 * kindCount);
    this.out = new Uint8Array(height);
  }

  /** Fills `out` from the bottom with the inks of one cell. */
  fill({ shares, holes }: CellShares, at: number): void {
    const kinds = this.#kindCount;
    if (holes === undefined) {
      bandsOf(shares, at, kinds, this.out);
      return;
    }
    const split = this.#split;
    for (let kind = 0; kind < kinds; kind++) {
      const hole = holes[at + kind] ?? 0;
      split[2 * kind] = Math.max(0, (shares[at + kind] ?? 0) - hole);
      split[2 * kind + 1] = hole;
    }
    const { out } = this;
    bandsOf(split, 0, 2 * kinds, out);
    for (let y = 0; y < out.length; y++) {
      const part = out[y] ?? UNKNOWN;
      if (part !== UNKNOWN) out[y] = (part >>> 1) + (part & 1) * kinds;
    }
  }

  unknown(): void {
    this.out.fill(UNKNOWN);
  }
}

/**
 * Divides `out.length` pixels among the kinds of one cell in proportion to its shares. Every kind that is present
 * gets at least one pixel, if there are enough. Fills `out` from the bottom (its last element) with kind indexes, or with
 * `UNKNOWN` where all shares are 0.
 */
export function bandsOf(shares: Uint8Array, at: number, kindCount: number, out: Uint8Array): void {
  let total = 0;
  let present = 0;
  let single = UNKNOWN;
  for (let kind = 0; kind < kindCount; kind++) {
    const share = shares[at + kind] ?? 0;
    if (share === 0) continue;
    total += share;
    present++;
    single = kind;
  }
  if (present <= 1) {
    out.fill(single);
    return;
  }
  let filled = 0;
  let seen = 0;
  let left = present;
  for (let kind = 0; kind < kindCount; kind++) {
    const share = shares[at + kind] ?? 0;
    if (share === 0) continue;
    seen += share;
    left--;
    const upTo = Math.min(Math.max(Math.round((seen / total) * out.length), filled + 1), out.length - left);
    for (; filled < upTo; filled++) out[out.length - 1 - filled] = kind;
  }
}

/** The cells to paint: whole rows of `columns`, from `first`; cells from `end` on are left empty. */
export interface CellGrid {
  readonly bytesPerCell: number;
  readonly first: number;
  readonly end: number;
  readonly columns: number;
  readonly rows: number;
  /** Pixels from a row to the next, and how many of them stay empty below the cell. */
  readonly cellSize: number;
  readonly gap: number;
}

/** Paints `columns × (rows · cellSize)` pixels. */
export function paintCells(pixels: Uint32Array, stretch: CellGrid, cache: TileCache, palette: Palette): void {
  const { columns, cellSize, gap, first, end } = stretch;
  const { kindCount } = cache;
  pixels.fill(palette.background);
  const bands = new Bands(kindCount, cellSize - gap);
  const last = Math.min(end, first + stretch.columns * stretch.rows);
  let cell = first;
  while (cell < last) {
    const source = cache.find(stretch.bytesPerCell, cell);
    // A coarser tile may stand in for several finer ones; look again at the next finer tile.
    const stop = Math.min(last, nextTile(cell));
    if (source === undefined) bands.unknown();
    for (; cell < stop; cell++) {
      if (source) {
        const inTile = Math.floor(cell / source.cellsPerCell) - source.tile.firstCell;
        // A tile from before the disk grew may be shorter.
        if (inTile * kindCount < source.tile.shares.length) bands.fill(source.tile, inTile * kindCount);
        else bands.unknown();
      }
      const row = Math.floor((cell - first) / columns);
      const top = row * cellSize * columns + (cell - first - row * columns);
      paintBands(pixels, top, columns, bands.out, gap, palette);
    }
  }
}

const nextTile = (cell: number): number => (Math.floor(cell / TILE_CELLS) + 1) * TILE_CELLS;

/**
 * Paints the bands of one cell downwards, one pixel wide.
 * @param start index of the topmost pixel
 * @param columns pixels of a row
 * @param thickness pixels of a line
 */
export function paintBands(
  pixels: Uint32Array,
  start: number,
  columns: number,
  bands: Uint8Array,
  thickness: number,
  palette: Palette,
): void {
  let at = start;
  for (let y = 0; y < bands.length; y++, at += columns) {
    const ink = bands[y] ?? UNKNOWN;
    if (ink !== UNKNOWN) {
      const every = palette.every[ink] ?? 0;
      const isLine = every > 0 && Math.floor(y / thickness) % every === every - 1;
      pixels[at] = (isLine ? palette.lines : palette.inks)[ink] ?? palette.background;
    } else if (y % 2 === 0) pixels[at] = palette.unknown;
  }
}

/**
 * Sums the shares of a range of cells, each with the same weight.
 * @param out one sum per kind; overwritten
 */
export function sumShares(shares: Uint8Array, fromCell: number, toCell: number, out: Float64Array): void {
  out.fill(0);
  for (let cell = fromCell; cell < toCell; cell++) {
    for (let kind = 0; kind < out.length; kind++) {
      out[kind] = (out[kind] ?? 0) + (shares[cell * out.length + kind] ?? 0);
    }
  }
}
