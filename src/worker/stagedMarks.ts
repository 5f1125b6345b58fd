/**
 * The bytes of the guest disk, or of the image file, that differ from those on disk: what the map marks. A small number of
 * ranges is kept exactly; beyond that, neighbours are merged in ever coarser steps, so that memory stays bounded.
 */
import { firstIndex } from '../qcow2/bits';
import type { CellsRequest } from '../qcow2/map/overview';
import type { ByteLength } from '../qcow2/units';

/** 2 MiB of them. */
const MAX_RANGES = 2 ** 17;

/** Reports ranges of bytes in ascending order. */
type Ranges = (visit: (start: number, length: ByteLength) => undefined) => void;

export class StagedMarks {
  /** Exact, even if ranges were merged. */
  readonly bytes: ByteLength;
  /** Start and end of each range, ascending; neighbours do not touch. */
  readonly #bounds: Float64Array;

  /** @param clusterSize the first step in which ranges are merged, in bytes */
  constructor(forEachRange: Ranges, clusterSize: ByteLength, limit = MAX_RANGES) {
    const bounds: number[] = [];
    let bytes = 0;
    let step = 0;
    forEachRange((start, length) => {
      bytes += length;
      addTo(bounds, start, start + length, step);
      while (bounds.length / 2 > limit) {
        step = Math.max(clusterSize, step * 2);
        coarsen(bounds, step);
      }
      return undefined;
    });
    this.bytes = bytes;
    this.#bounds = Float64Array.from(bounds);
  }

  /** Whether anything from `start` on is marked. */
  touches(start: number, length: ByteLength): boolean {
    const at = this.#firstEndingAfter(start);
    return (this.#bounds[at] ?? Infinity) < start + length;
  }

  /** The marked share of each cell, 0 to 255, and never 0 if anything is marked; undefined if nothing is marked at all. */
  shares({ start, bytesPerCell, count }: CellsRequest): Uint8Array | undefined {
    const bounds = this.#bounds;
    const end = start + count * bytesPerCell;
    let at = this.#firstEndingAfter(start);
    if ((bounds[at] ?? Infinity) >= end) return undefined;
    const shares = new Uint8Array(count);
    for (; ; at += 2) {
      const [from = end, to = end] = bounds.subarray(at, at + 2);
      if (from >= end) return shares;
      addRange(shares, Math.max(start, from) - start, Math.min(end, to) - start, bytesPerCell);
    }
  }

  /** Index in `bounds` of the first range that ends after a byte. */
  #firstEndingAfter(byte: number): number {
    const bounds = this.#bounds;
    return 2 * firstIndex(bounds.length / 2, (index) => (bounds[index * 2 + 1] ?? Infinity) <= byte);
  }
}

/** @param step 0 leaves the range unchanged */
function addTo(bounds: number[], from: number, to: number, step: number): void {
  const start = step === 0 ? from : Math.floor(from / step) * step;
  const end = step === 0 ? to : Math.ceil(to / step) * step;
  const last = bounds.at(-1);
  if (last !== undefined && last >= start) bounds[bounds.length - 1] = Math.max(last, end);
  else bounds.push(start, end);
}

function coarsen(bounds: number[], step: number): void {
  const before = bounds.splice(0);
  for (const [at, from] of before.entries()) {
    if (at % 2 === 0) addTo(bounds, from, before[at + 1] ?? from, step);
  }
}

/** @param from offset from the start of the first cell, in bytes */
function addRange(shares: Uint8Array, from: number, to: number, bytesPerCell: ByteLength): void {
  for (let cell = Math.floor(from / bytesPerCell); cell * bytesPerCell < to; cell++) {
    const inCell = Math.min(to, (cell + 1) * bytesPerCell) - Math.max(from, cell * bytesPerCell);
    const share = (shares[cell] ?? 0) + Math.max(1, Math.round((inCell / bytesPerCell) * 255));
    shares[cell] = Math.min(255, share);
  }
}
