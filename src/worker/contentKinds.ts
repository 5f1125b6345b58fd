/** Kinds of cells for a map of what the guest does with its disk, in place of the kinds of clusters. */
import type { DiskContents } from '../guest/diskContents';
import type { Ranges } from '../guest/ranges';
import { CELL_KINDS, type CellCounts, type CellKind } from '../qcow2/map/cellCounts';
import type { Recounting } from '../qcow2/map/overview';
import type { ByteLength } from '../qcow2/units';

/** In the order of the shares in `Cells`. */
export const CONTENT_KINDS = ['inUse', 'inDoubt', 'freeStored', 'freeAbsent', 'noSystem'] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

const [IN_USE, IN_DOUBT, FREE_STORED, FREE_ABSENT, NO_SYSTEM] = [0, 1, 2, 3, 4];

/** What takes space in the file of the top layer. */
const STORED: ReadonlySet<CellKind> = new Set<CellKind>([
  'data',
  'dataZero',
  'dataSame',
  'compressed',
  'zeroAllocated',
]);
const IS_STORED = CELL_KINDS.map((kind) => STORED.has(kind));

export const contentRecounting = ({ used, doubted, free }: DiskContents): Recounting => ({
  kinds: CONTENT_KINDS.length,
  into: (counts: CellCounts) => {
    const cursors = [new RangeCursor(used), new RangeCursor(doubted), new RangeCursor(free)] as const;
    const add = (start: number, length: ByteLength, kind: number): void => {
      const end = start + length;
      for (let at = start; at < end;) {
        const own = cursors.findIndex((cursor) => cursor.seek(at));
        const stop = Math.min(end, cursors[own]?.end ?? Math.min(...cursors.map((cursor) => cursor.start)));
        const isStored = IS_STORED[kind] === true;
        const kinds = [IN_USE, IN_DOUBT, isStored ? FREE_STORED : FREE_ABSENT];
        counts.add(at, stop - at, kinds[own] ?? NO_SYSTEM);
        at = stop;
      }
    };
    const { start, end, bytesPerCell } = counts;
    return { start, end, bytesPerCell, add };
  },
});

/** Goes forward through ascending ranges. */
class RangeCursor {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  #index = -1;

  constructor({ starts, ends }: Ranges) {
    this.#starts = starts;
    this.#ends = ends;
  }

  /** Of the range that `seek` has found; infinite behind the last one. */
  get start(): number {
    return this.#starts[this.#index] ?? Infinity;
  }

  get end(): number {
    return this.#ends[this.#index] ?? Infinity;
  }

  /** Finds the first range that ends after a byte, no less than in the call before. @returns whether it has the byte */
  seek(at: number): boolean {
    if (this.#index < 0) this.#index = this.#firstAfter(at);
    while (this.end <= at) this.#index++;
    return this.start <= at;
  }

  #firstAfter(at: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? Infinity) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
