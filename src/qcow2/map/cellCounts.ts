/** Bytes by kind for each of many equal cells of a disk or a file, and their sums, as one typed array. */
import type { ByteLength } from '../units';

/** The kinds a person tells apart in the map; the order is the order of counts in `Cells`. */
export const CELL_KINDS = [
  'data',
  'dataZero',
  'dataSame',
  'zeroAllocated',
  'zeroPlain',
  'compressed',
  'unallocated',
  'backing1',
  'backing2',
  'backing3',
  'backingUnknown',
  'invalid',
  'missing',
] as const;
export type CellKind = (typeof CELL_KINDS)[number];

/** Most cells of one view, and of the whole-disk scan. */
export const MAX_CELLS = 2 ** 18;

/** All runs begin and end at multiples of this, so counting in sectors keeps the sums in 32 bits. */
export const SECTOR = 512;

export class CellCounts {
  /** Sectors, `kinds` a cell. A cell of 2^35 bytes (2^53 by 2^18) has 2^26 of them. */
  readonly #sectors: Uint32Array;
  /** Bytes by kind, over all cells. */
  readonly totals: Float64Array;

  readonly #size: ByteLength;
  readonly #kinds: number;

  /**
   * @param start first byte of the first cell; @param bytesPerCell a multiple of 512
   * @param size bytes of the disk: the last cell may have fewer than `bytesPerCell`
   * @param kinds how many there are
   */
  constructor(
    readonly start: number,
    readonly bytesPerCell: ByteLength,
    readonly count: number,
    size: ByteLength,
    kinds: number = CELL_KINDS.length,
  ) {
    this.#size = size;
    this.#kinds = kinds;
    this.totals = new Float64Array(kinds);
    this.#sectors = new Uint32Array(count * kinds);
  }

  get end(): number {
    return Math.min(this.start + this.count * this.bytesPerCell, this.#size);
  }

  /** Counts bytes of one kind; the stretch lies within the cells. */
  add(start: number, length: ByteLength, kind: number): void {
    const kinds = this.#kinds;
    this.totals[kind]! += length;
    let cell = Math.floor((start - this.start) / this.bytesPerCell);
    let left = length;
    let room = this.start + (cell + 1) * this.bytesPerCell - start;
    while (left > room) {
      this.#sectors[cell * kinds + kind]! += room / SECTOR;
      left -= room;
      cell++;
      room = this.bytesPerCell;
    }
    this.#sectors[cell * kinds + kind]! += left / SECTOR;
  }

  /** Adds up the bytes by kind of the cells from `first` to, not including, `end`. */
  sum(first: number, end: number, into: Float64Array): void {
    const kinds = this.#kinds;
    for (let cell = first; cell < end; cell++) {
      for (let kind = 0; kind < kinds; kind++) into[kind]! += this.#sectors[cell * kinds + kind]! * SECTOR;
    }
  }

  /**
   * Shares of `count` wider cells, each of `group` cells of these from `first` on.
   * @returns `kinds` numbers from 0 to 255 a cell; a kind that is present is never 0
   */
  shares(first: number, group: number, count: number): Uint8Array {
    const kinds = this.#kinds;
    const shares = new Uint8Array(count * kinds);
    const bytes = new Float64Array(kinds);
    for (let cell = 0; cell < count; cell++) {
      const from = first + cell * group;
      if (from >= this.count) break;
      bytes.fill(0);
      this.sum(from, Math.min(from + group, this.count), bytes);
      const start = this.start + from * this.bytesPerCell;
      const length = Math.min(group * this.bytesPerCell, this.#size - start);
      for (let kind = 0; kind < kinds; kind++) shares[cell * kinds + kind] = share(bytes[kind]!, length);
    }
    return shares;
  }
}

function share(bytes: number, of: number): number {
  return bytes === 0 ? 0 : Math.max(1, Math.round((bytes / of) * 255));
}
