/**
 * Writes guest data: in place where the cluster is the image's own, else into a new cluster that gets the rest of the
 * old one's content. What a guest read before in the rest of a cluster it reads afterwards; old bytes of a host cluster
 * never show.
 */
import { isZero } from '../isZero';
import { NO_HOST } from '../image/layer';
import { UnsupportedError } from '../errors';
import { HIGH, LOW } from '../format/bytes';
import { compressedClusters } from '../format/compressedDescriptor';
import { COPIED_HIGH, offsetOf, withOffset } from '../format/entryBits';
import { EntryKind, hasHostCluster, isCompressed } from '../format/l2Kind';
import { SUBCLUSTERS } from '../format/limits';
import { readGuest } from '../image/read';
import {
  type ByteLength,
  clusterOf,
  guestOffset,
  type GuestOffset,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
  rawHostOffset,
  startOf,
} from '../units';
import type { ImageWriter } from './imageWriter';
import type { L2Table } from './l2Tables';
import type { Became } from './tally';
import { forEachNonZero, zeroFill } from './zeroBytes';

/** What to write from guest offset `start` to `end`. */
interface Content {
  readonly start: GuestOffset;
  readonly end: GuestOffset;
  /** Absent: zeroes. */
  readonly bytes?: Uint8Array;
  /** For the tally. */
  readonly became: Became;
}

/** A cluster that is being written; positions are bytes within it. */
interface Target {
  readonly guest: GuestOffset;
  readonly host: HostOffset;
  /** What is asked for. */
  readonly from: number;
  readonly to: number;
  /** What has to be written: more, where the rest of a (sub)cluster comes along. */
  readonly low: number;
  readonly high: number;
  /** The host cluster holds nothing of this guest cluster yet. */
  readonly isNew: boolean;
}

export class DataWriter {
  readonly #clusterSize: ByteLength;
  readonly #subclusterSize: ByteLength;
  /** Zeroes to be filled in, in bytes of the data file: neighbours become one fill. */
  #fill = { start: hostOffset(0), end: hostOffset(0) };

  constructor(readonly writer: ImageWriter) {
    this.#clusterSize = writer.header.clusterSize;
    this.#subclusterSize = writer.header.subclusterSize;
  }

  /** Writes `bytes` at guest offset `start`. */
  write(bytes: Uint8Array, start: GuestOffset): void {
    this.#write({ start, end: plus(start, bytes.length), bytes, became: 'written' });
  }

  /** Writes zeroes as data, but where they are already. */
  writeZeroes(start: GuestOffset, end: GuestOffset, became: Became): void {
    this.#write({ start, end, became });
  }

  #write(content: Content): void {
    const { header, tables, context } = this.writer;
    const { start, end } = content;
    if (start >= end) return;
    const { encryption } = context.image;
    if (encryption !== undefined) {
      throw new UnsupportedError(context.file.name, 'encrypted.write', { value: encryption.toUpperCase() });
    }
    for (let index = Math.floor(start / header.l2Span); index * header.l2Span < end; index++) {
      const tableStart = guestOffset(index * header.l2Span);
      tables.edit(index, (table) => {
        this.#writeInTable(table, tableStart, {
          from: Math.max(start, tableStart),
          to: Math.min(end, tableStart + header.l2Span),
          content,
        });
      });
      // Zeroes are written in pieces of a longer walk, which reports.
      if (content.bytes === undefined) context.progress.checkCancelled();
      else this.writer.checkProgress(start, tableStart + header.l2Span, end);
    }
    this.#flushFill();
  }

  #writeInTable(
    table: L2Table,
    tableStart: GuestOffset,
    { from, to, content }: { readonly from: number; readonly to: number; readonly content: Content },
  ): void {
    const size = this.#clusterSize;
    const first = Math.floor((from - tableStart) / size);
    const end = Math.ceil((to - tableStart) / size);
    let next = NO_HOST;
    for (let index = first, runEnd = first; index < end; index++) {
      const guest = plus(tableStart, index * size);
      const isNew = this.#needsCluster(table, index, guest);
      if (isNew && index >= runEnd) {
        // Neighbours that need a cluster get neighbours.
        runEnd = index + 1;
        while (runEnd < end && this.#needsCluster(table, runEnd, plus(tableStart, runEnd * size))) runEnd++;
        table.allocate();
        const cluster = this.writer.allocator.allocate(runEnd - index, this.#clusterBehind(table, index));
        next = startOf(cluster, size);
      }
      const newHost = isNew ? next : NO_HOST;
      if (isNew) next = plus(next, size);
      this.#writeCluster(table, index, newHost, {
        guest,
        from: Math.max(0, from - guest),
        to: Math.min(size, to - guest),
        content,
      });
    }
  }

  /** Whether an entry has no host cluster, or none that may be written to. */
  #needsCluster({ words, offset }: L2Table, index: number, guest: GuestOffset): boolean {
    const { entries, context } = this.writer;
    const at = index * entries.stride;
    const kind = entries.kindAt(words, at, offset, guest);
    if (context.image.hasDataFile) return false;
    return !hasHostCluster(kind) || (words[at + HIGH]! & COPIED_HIGH) === 0;
  }

  /** The host cluster behind that of the entry before `index`; undefined where that entry has none. */
  #clusterBehind({ words }: L2Table, index: number): HostCluster | undefined {
    const at = (index - 1) * this.writer.entries.stride;
    if (at < 0 || isCompressed(words[at + HIGH]!)) return undefined;
    const offset = offsetOf(words[at + HIGH]!, words[at + LOW]!);
    return offset === 0 ? undefined : plus(clusterOf(offset, this.#clusterSize), 1);
  }

  /** @param newHost `NO_HOST` where the cluster is written in place */
  #writeCluster(
    table: L2Table,
    index: number,
    newHost: HostOffset,
    part: {
      readonly guest: GuestOffset;
      readonly from: number;
      readonly to: number;
      readonly content: Content;
    },
  ): void {
    const { entries, tally, context } = this.writer;
    const { words } = table;
    const { guest, from, to, content } = part;
    const at = index * entries.stride;
    const kind = entries.kindAt(words, at, table.offset, guest);
    const [oldHigh, oldLow] = [words[at + HIGH]!, words[at + LOW]!];
    const allocated = this.#allocatedSubclusters(words, at, kind);
    const { low, high } = this.#extent(kind, newHost >= 0, allocated, from, to);
    const inPlace = context.image.hasDataFile ? rawHostOffset(guest) : offsetOf(oldHigh, oldLow);
    const host = newHost < 0 ? inPlace : newHost;
    const isWritten = this.#put({ guest, host, from, to, low, high, isNew: newHost >= 0 }, content);
    const isChanged = this.#setEntry(table, at, host, low, high);
    tally.add(isWritten || isChanged ? content.became : 'unchanged', 1, to - from);
    if (newHost >= 0) this.#release(kind, oldHigh, oldLow);
  }

  /** A bit for each subcluster that has data; without extended L2, all or none. */
  #allocatedSubclusters(words: Uint32Array, at: number, kind: EntryKind): number {
    if (kind !== EntryKind.data) return 0;
    return this.writer.entries.stride === 4 ? words[at + 2 + LOW]! : 0xffffffff;
  }

  /** Which bytes of the cluster have to be written. */
  #extent(
    kind: EntryKind,
    isNew: boolean,
    allocated: number,
    from: number,
    to: number,
  ): { readonly low: number; readonly high: number } {
    const size = this.#subclusterSize;
    if (kind === EntryKind.compressed) return { low: 0, high: this.#clusterSize };
    const first = Math.floor(from / size);
    const last = Math.ceil(to / size) - 1;
    if (!isNew) {
      return {
        low: hasBit(allocated, first) ? from : first * size,
        high: hasBit(allocated, last) ? to : (last + 1) * size,
      };
    }
    if (allocated === 0 || size === this.#clusterSize) return { low: first * size, high: (last + 1) * size };
    // Data of a shared cluster moves with it, and what lies between, as QEMU has it.
    const lowest = 31 - Math.clz32(allocated & -allocated);
    const highest = 31 - Math.clz32(allocated);
    return { low: Math.min(first, lowest) * size, high: (Math.max(last, highest) + 1) * size };
  }

  /** @returns false where zeroes were to be written and are there already */
  #put(target: Target, content: Content): boolean {
    const { guest, host, from, to, low } = target;
    const { writer } = this;
    const { bytes } = content;
    const high = this.#highEnd(target);
    const isWhole = low === from && high <= to;
    if (isWhole && bytes !== undefined) {
      const at = guest + from - content.start;
      writer.dataFile.write(bytes.subarray(at, at + to - from), plus(host, from));
    } else if (isWhole) {
      return this.#zero(target);
    } else {
      const buffer = this.#withRest(target, high);
      if (bytes !== undefined) {
        const at = guest + from - content.start;
        buffer.set(bytes.subarray(at, at + to - from), from - low);
      }
      if (isZero(buffer)) return this.#zero({ ...target, from: low, to: high });
      writer.dataFile.write(buffer, plus(host, low));
    }
    writer.hasWrittenData = true;
    return true;
  }

  /** An external data file does not get longer than the disk. */
  #highEnd({ guest, high }: Target): number {
    const { context, header } = this.writer;
    return context.image.hasDataFile ? Math.min(high, header.size - guest) : high;
  }

  /** What a guest reads around the part that is written; zero in it, and past the end of the disk. */
  #withRest({ guest, from, to, low }: Target, high: number): Uint8Array {
    const { layers, header } = this.writer;
    const buffer = new Uint8Array(high - low);
    const end = Math.min(high, header.size - guest);
    if (low < from) readGuest(layers, buffer.subarray(0, from - low), plus(guest, low));
    if (to < end) readGuest(layers, buffer.subarray(to - low, end - low), plus(guest, to));
    return buffer;
  }

  /** @returns false where a cluster of the image's own is zero there already */
  #zero({ host, from, to, isNew }: Target): boolean {
    const { writer } = this;
    if (!isNew && host + to <= writer.dataFile.size && this.#isZeroAt(plus(host, from), plus(host, to)))
      return false;
    if (this.#fill.end !== host + from) {
      this.#flushFill();
      this.#fill = { start: plus(host, from), end: plus(host, from) };
    }
    this.#fill.end = plus(host, to);
    writer.hasWrittenData = true;
    return true;
  }

  #isZeroAt(start: HostOffset, end: HostOffset): boolean {
    let isZeroThere = true;
    forEachNonZero(this.writer.dataFile, start, end, () => {
      isZeroThere = false;
    });
    return isZeroThere;
  }

  #flushFill(): void {
    const { start, end } = this.#fill;
    if (end > start) zeroFill(this.writer.dataFile, start, end - start);
    this.#fill = { start: hostOffset(0), end: hostOffset(0) };
  }

  /** Makes the entry say that the bytes from `low` to `high` of its cluster are at `host`. */
  #setEntry({ words, changed }: L2Table, at: number, host: HostOffset, low: number, high: number): boolean {
    const { stride } = this.writer.entries;
    const before = words.slice(at, at + stride);
    const entry = withOffset(COPIED_HIGH, 0, host);
    words[at + HIGH] = entry.high;
    words[at + LOW] = entry.low;
    if (stride === 4) {
      const mask = bitsBetween(
        Math.floor(low / this.#subclusterSize),
        Math.ceil(high / this.#subclusterSize),
      );
      words[at + 2 + HIGH] = before[2 + HIGH]! & ~mask;
      words[at + 2 + LOW] = before[2 + LOW]! | mask;
    }
    const isChanged = before.some((word, index) => word !== words[at + index]);
    if (isChanged) changed(at, at + stride);
    return isChanged;
  }

  /** Gives up what an entry referred to. */
  #release(kind: EntryKind, high: number, low: number): void {
    const { allocator, header } = this.writer;
    if (kind === EntryKind.compressed) {
      const { first, count } = compressedClusters(high, low, header.clusterBits);
      allocator.release(first, count);
    } else if (hasHostCluster(kind)) {
      allocator.release(hostCluster(offsetOf(high, low) / this.#clusterSize));
    }
  }
}

const hasBit = (bits: number, index: number): boolean => ((bits >>> index) & 1) !== 0;

/** Bits `from` to before `to`. */
export function bitsBetween(from: number, to: number): number {
  const upTo = to === SUBCLUSTERS ? 0xffffffff : 2 ** to - 1;
  return (upTo & ~(2 ** from - 1)) >>> 0;
}
