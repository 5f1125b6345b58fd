/**
 * Persistent dirty bitmaps (qcow2.txt, "Bitmaps"): every bitmap that is recording has the changed guest bytes
 * marked in it, as QEMU does for each request. A table entry whose bits are all set needs no cluster.
 */
import { FormatError } from '../errors';
import type { Bitmap } from '../format/bitmapDirectory';
import { ALL_ONES, isBrokenBitmapEntry } from '../format/bitmapEntry';
import { dataView, entryHex } from '../format/bytes';
import { BEYOND_2_53_HIGH, offsetOf } from '../format/entryBits';
import { refuseBeyondFile } from '../format/beyondFile';
import { type ByteLength, clusterOf, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';
import type { Allocator } from './allocator';
import type { ChangeContext } from './context';
import { entryBytes } from './refcountBlocks';
import type { TallyCounter } from './tally';

/** @param ranges guest bytes, from the first of each pair to before the second */
export function markBitmaps(
  context: ChangeContext,
  allocator: Allocator,
  tally: TallyCounter,
  ranges: readonly (readonly [start: GuestOffset, end: GuestOffset])[],
): void {
  if (ranges.length === 0) return;
  for (const bitmap of context.image.bitmaps) {
    if (!bitmap.auto || bitmap.inUse) continue;
    const marker = new BitmapMarker(context, allocator, bitmap);
    for (const [start, end] of ranges) marker.mark(start, end);
    tally.bitmapsMarked.push(bitmap.name);
  }
}

class BitmapMarker {
  /** Bits of one table entry. */
  readonly #bitsPerEntry: number;
  readonly #clusterSize: ByteLength;

  constructor(
    readonly context: ChangeContext,
    readonly allocator: Allocator,
    readonly bitmap: Bitmap,
  ) {
    this.#clusterSize = context.image.header.clusterSize;
    this.#bitsPerEntry = this.#clusterSize * 8;
  }

  mark(start: GuestOffset, end: GuestOffset): void {
    const { file, image } = this.context;
    const { granularity, tableOffset } = this.bitmap;
    const bits = Math.ceil(image.size / granularity);
    const from = Math.floor(start / granularity);
    const to = Math.ceil(end / granularity);
    const first = Math.floor(from / this.#bitsPerEntry);
    const last = Math.ceil(to / this.#bitsPerEntry);
    const table = new Uint8Array((last - first) * 8);
    refuseBeyondFile(file, 'bitmap table', plus(tableOffset, first * 8), table.length);
    file.read(table, plus(tableOffset, first * 8));
    for (let index = first; index < last; index++) {
      const firstBit = index * this.#bitsPerEntry;
      const bitCount = Math.min(this.#bitsPerEntry, bits - firstBit);
      const fromBit = Math.max(0, from - firstBit);
      const toBit = Math.min(bitCount, to - firstBit);
      const entry = this.#entryAt(table, index, first);
      if (entry === 'all ones') continue;
      if (toBit - fromBit === bitCount) this.#setAll(index, entry);
      else this.#setSome(index, entry, fromBit, toBit);
    }
  }

  #setAll(index: number, offset: HostOffset): void {
    this.#setEntry(index, hostOffset(ALL_ONES));
    if (offset !== 0) this.allocator.release(clusterOf(offset, this.#clusterSize));
  }

  #setSome(index: number, offset: HostOffset, from: number, to: number): void {
    const { file } = this.context;
    let bitsAt = offset;
    if (bitsAt === 0) {
      bitsAt = this.allocator.allocateCluster();
      file.fill(bitsAt, this.#clusterSize);
      this.#setEntry(index, bitsAt);
    }
    const firstByte = Math.floor(from / 8);
    const bytes = new Uint8Array(Math.ceil(to / 8) - firstByte);
    file.read(bytes, plus(bitsAt, firstByte));
    for (let bit = from; bit < to; bit++) {
      const byte = (bit >>> 3) - firstByte;
      bytes[byte] = (bytes[byte] ?? 0) | (1 << (bit & 7));
    }
    file.write(bytes, plus(bitsAt, firstByte));
  }

  /** The offset of an entry's cluster; 0 where there is none, and all its bits are clear. */
  #entryAt(table: Uint8Array, index: number, first: number): HostOffset | 'all ones' {
    const view = dataView(table);
    const at = (index - first) * 8;
    const [high, low] = [view.getUint32(at), view.getUint32(at + 4)];
    const offset = offsetOf(high, low);
    if (isBrokenBitmapEntry(high, low, this.#clusterSize) || (high & BEYOND_2_53_HIGH) !== 0) {
      throw new FormatError(this.context.file.name, 'bitmap.entry', {
        offset: this.bitmap.tableOffset + index * 8,
        value: entryHex(high, low),
        limit: this.#clusterSize,
      });
    }
    if (offset !== 0) refuseBeyondFile(this.context.file, 'bitmap data', offset, 1);
    return offset === 0 && (low & ALL_ONES) !== 0 ? 'all ones' : offset;
  }

  #setEntry(index: number, value: HostOffset): void {
    this.context.file.write(entryBytes(value), plus(this.bitmap.tableOffset, index * 8));
  }
}
