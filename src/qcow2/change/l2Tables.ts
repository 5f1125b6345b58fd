/**
 * Active L1 and L2 tables that change (qcow2.txt, "Cluster mapping"). A table is read as words, changed by a visitor,
 * and written where it changed: in place, or into a cluster of its own where there was none or a snapshot shares it. A
 * table in which nothing changed is neither allocated nor copied nor written; one in which no entry is left is given
 * up.
 */
import { HIGH, LOW, swapWords, wordsInPlace } from '../format/bytes';
import { COPIED_HIGH, withOffset } from '../format/entryBits';
import { decodeL1Entry } from '../format/l1Entry';
import { refuseBeyondFile } from '../format/beyondFile';
import { firstOf, type Scratch, SCRATCH_SIZE, scratchOf, withScratch } from '../image/scratch';
import { Fill } from '../io/fill';
import { isZero } from '../isZero';
import { clusterOf, hostOffset, type HostOffset } from '../units';
import type { Allocator } from './allocator';
import type { ChangeContext } from './context';
import type { TallyCounter } from './tally';

/** Bytes of L1 entries looked at together. */
const L1_WINDOW = 64 * 1024;
/** Bytes of entries from which on they are written as a fill, where they are equal or those of contiguous clusters. */
const LONG_FILL = 4096;

/** A table that is being looked at, and may be changed. */
export interface L2Table {
  /** Two for each 64 bits (`HIGH`, `LOW`); all zero where there is no table. */
  readonly words: Uint32Array;
  /** The same words, signed. */
  readonly signed: Int32Array;
  /** Offset in the file; 0 where there is no table. */
  readonly offset: HostOffset;
  /** Whether a snapshot shares the table: it is copied where it changes. */
  readonly isShared: boolean;
  /**
   * Says that words from `from` to before `to` were changed.
   * @param step by how much each of those 64 bits now is more than the one before it, where that is known
   */
  readonly changed: (from: number, to: number, step?: number) => void;
  /**
   * Allocates the cluster that the table is written to, where it cannot stay where it is: before what its entries will
   * refer to, so that this stays together. Only for a table that is going to change.
   */
  readonly allocate: () => void;
}

export class L2Tables {
  /** Tables written so far. */
  writes = 0;
  readonly #context: ChangeContext;
  readonly #allocator: Allocator;
  readonly #tally: TallyCounter;
  /** For a table that is larger than a scratch buffer. */
  #large: Scratch | undefined;
  #window: Uint32Array = new Uint32Array(0);
  /** Index of the first L1 entry in the window. */
  #windowStart = 0;

  constructor(context: ChangeContext, allocator: Allocator, tally: TallyCounter) {
    this.#context = context;
    this.#allocator = allocator;
    this.#tally = tally;
  }

  /** First L1 index from `index` on, and before `end`, that has a table; `end` where there is none. */
  nextTable(index: number, end: number): number {
    for (let next = index; next < end; next++) {
      const at = this.#l1Word(next);
      if ((this.#window[at]! | this.#window[at + 1]!) !== 0) return next;
    }
    return end;
  }

  /**
   * Shows the table of an L1 entry to `visit`, and writes what that changed.
   * @throws FormatError
   */
  edit(index: number, visit: (table: L2Table) => void): void {
    const { clusterSize } = this.#context.image.header;
    if (clusterSize > SCRATCH_SIZE) {
      this.#large ??= scratchOf(new Uint8Array(clusterSize));
      this.#editIn(this.#large, index, visit);
      return;
    }
    withScratch((scratch) => {
      this.#editIn(firstOf(scratch, clusterSize), index, visit);
    });
  }

  /** The table of an L1 entry as a fill, where it is known to be one without reading it. @throws FormatError */
  fillOf(index: number): { readonly offset: HostOffset; readonly fill: Fill } | undefined {
    const { file, image } = this.#context;
    const offset = this.#tableOffset(index);
    const fill = offset === 0 ? undefined : file.fillAt(offset, image.header.clusterSize);
    return fill && { offset, fill };
  }

  /** Makes the table of an L1 entry, which is at `offset` and becomes another, one fill. */
  fill(index: number, offset: HostOffset, high: number, low: number, step: number): void {
    const { file, image } = this.#context;
    const newPlace = (): HostOffset => this.#allocator.allocateCluster();
    this.#put(index, offset, (high | low | step) === 0, newPlace, (target) => {
      file.fill(target, image.header.clusterSize, high, low, step);
    });
  }

  #editIn({ bytes, words, signed }: Scratch, index: number, visit: (table: L2Table) => void): void {
    const offset = this.#tableOffset(index);
    if (offset === 0) bytes.fill(0);
    else this.#context.file.read(bytes, offset);
    swapWords(bytes);
    let from = Infinity;
    let to = 0;
    let step: number | undefined;
    const changed = (first: number, end: number, knownStep?: number): void => {
      step = from > to ? knownStep : undefined;
      from = Math.min(from, first);
      to = Math.max(to, end);
    };
    let place: HostOffset | undefined;
    const allocate = (): void => {
      if (!this.#isOwn(index, offset)) place ??= this.#allocator.allocateCluster();
    };
    const isShared = offset !== 0 && !this.#isOwn(index, offset);
    visit({ words, signed, offset, isShared, changed, allocate });
    if (from >= to) return;
    const newPlace = (): HostOffset => place ?? this.#allocator.allocateCluster();
    this.#put(index, offset, isAllZero(words), newPlace, (target) => {
      if (target === offset) this.#write(words, target, from, to, step);
      else this.#write(words, target, 0, words.length);
    });
  }

  /** Has a table that changed written: where it is, or where nothing else refers to it. */
  #put(
    index: number,
    offset: HostOffset,
    isEmpty: boolean,
    newPlace: () => HostOffset,
    writeTo: (target: HostOffset) => void,
  ): void {
    this.writes++;
    if (isEmpty) this.#giveUp(index, offset);
    else if (this.#isOwn(index, offset)) writeTo(offset);
    else this.#moveTo(newPlace(), index, offset, writeTo);
  }

  #tableOffset(index: number): HostOffset {
    const { file, image } = this.#context;
    const { header, tables } = image;
    const at = this.#l1Word(index);
    const [high, low] = [this.#window[at + HIGH]!, this.#window[at + LOW]!];
    const offset = decodeL1Entry(file.name, high, low, header.clusterSize, tables.l1EntryOffset(index));
    if (offset === 0) return hostOffset(0);
    const { size, l2Span, clusterSize, l2Entries, l2EntrySize } = header;
    const entries = Math.min(l2Entries, Math.ceil((size - index * l2Span) / clusterSize));
    refuseBeyondFile(file, 'L2 table', offset, entries * l2EntrySize);
    return offset;
  }

  /** There is a table, and nothing else refers to it. */
  #isOwn(index: number, offset: HostOffset): boolean {
    if (offset === 0) return false;
    const { clusterSize } = this.#context.image.header;
    const isCopied = (this.#window[this.#l1Word(index) + HIGH]! & COPIED_HIGH) !== 0;
    return isCopied && this.#allocator.refcounts.peek(clusterOf(offset, clusterSize)) <= 1;
  }

  #giveUp(index: number, offset: HostOffset): void {
    this.#setL1(index, hostOffset(0));
    this.#allocator.release(clusterOf(offset, this.#context.image.header.clusterSize));
    this.#tally.l2TablesGivenUp++;
  }

  #moveTo(offset: HostOffset, index: number, old: HostOffset, writeTo: (target: HostOffset) => void): void {
    const { clusterSize } = this.#context.image.header;
    writeTo(offset);
    this.#setL1(index, offset);
    if (old === 0) {
      this.#tally.l2TablesAllocated++;
      return;
    }
    this.#tally.l2TablesCopied++;
    this.#allocator.release(clusterOf(old, clusterSize));
  }

  /** Writes words of the table at `offset`; they are no words any more afterwards. */
  #write(words: Uint32Array, offset: HostOffset, from: number, to: number, knownStep?: number): void {
    const { file, image } = this.#context;
    const [start, length] = [offset + from * 4, (to - from) * 4];
    if (length >= LONG_FILL && knownStep !== undefined) {
      file.fill(hostOffset(start), length, words[from + HIGH], words[from + LOW], knownStep);
      return;
    }
    const bytes = Buffer.from(words.buffer, words.byteOffset + from * 4, length);
    // Swapping again puts the bytes back into the order of the file.
    swapWords(bytes);
    const fill =
      length >= LONG_FILL ? Fill.found(bytes, hostOffset(start), image.header.clusterSize) : undefined;
    if (fill === undefined) file.write(bytes, hostOffset(start));
    else file.fill(hostOffset(start), length, fill.high, fill.low, fill.step);
  }

  #setL1(index: number, offset: HostOffset): void {
    const at = this.#l1Word(index);
    const { high, low } = withOffset(offset === 0 ? 0 : COPIED_HIGH, 0, offset);
    const entry = Buffer.alloc(8);
    entry.writeUInt32BE(high, 0);
    entry.writeUInt32BE(low, 4);
    this.#window[at + HIGH] = high;
    this.#window[at + LOW] = low;
    this.#context.file.write(entry, this.#context.image.tables.l1EntryOffset(index));
  }

  /** Where in the window the words of an L1 entry are. */
  #l1Word(index: number): number {
    const at = (index - this.#windowStart) * 2;
    if (at >= 0 && at < this.#window.length) return at;
    const { image, file } = this.#context;
    const entries = Math.min(L1_WINDOW / 8, image.header.l1Size - index);
    const bytes = new Uint8Array(entries * 8);
    file.read(bytes, image.tables.l1EntryOffset(index));
    this.#window = wordsInPlace(bytes);
    this.#windowStart = index;
    return 0;
  }
}

const isAllZero = (words: Uint32Array): boolean =>
  isZero(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
