/**
 * Walks the two-level table of an image (qcow2.txt, "Cluster mapping") over a range of guest bytes. Neither table
 * is ever held as a whole.
 */
import { FormatError } from '../errors';
import { HIGH, LOW, swapWords } from '../format/bytes';
import type { Fault } from '../format/faults';
import type { Header } from '../format/header';
import { decodeL1Entry } from '../format/l1Entry';
import type { L2Rules } from '../format/l2Kind';
import { refuseBeyondFile } from '../format/beyondFile';
import type { BlockFile } from '../io/blockFile';
import { alignDown, guestOffset, type GuestOffset, type HostOffset, plus } from '../units';
import { L2Cache, TABLE_PAGE } from './l2Cache';
import { NO_HOST, RunKind, type RunVisitor } from './layer';
import { RunCollector, type SingleRun } from './runCollector';
import { SCRATCH_SIZE, type Scratch, withScratch } from './scratch';
import { TableWalker } from './walkTable';

/** Tables remembered as one run each, at most. */
const MAX_SINGLE_RUNS = 4096;

/** Tables that need not be walked make a run together, of at most so many: a visitor wants to be asked in time. */
const KNOWN_TABLES_PER_RUN = 1024;

const UNALLOCATED: SingleRun = { kind: RunKind.unallocated, host: NO_HOST };

export class ActiveTables {
  readonly cache: L2Cache;
  readonly #walker: TableWalker;
  /**
   * Tables that are one run, by their offset. Nothing keeps an L1 table from naming one L2 table millions of times;
   * it is walked once.
   */
  readonly #singleRuns = new Map<number, SingleRun>();

  constructor(
    readonly file: BlockFile,
    readonly header: Header,
    readonly rules: L2Rules,
    /** Of the image: why its L1 table does not cover the disk, where it does not. */
    readonly faults: readonly Fault[] = [],
  ) {
    this.cache = new L2Cache(file);
    this.#walker = new TableWalker(rules);
  }

  /** Offset of an L1 entry in the file. */
  l1EntryOffset(index: number): HostOffset {
    return plus(this.header.l1TableOffset, index * 8);
  }

  /**
   * Offset of the L2 table of an L1 entry; 0 where there is none.
   * @throws FormatError for an entry that breaks the specification, or a table beyond the end of the file
   */
  l2TableOffset(index: number): HostOffset {
    const { file, header } = this;
    const table = this.#tableOffset(index);
    if (table !== 0)
      refuseBeyondFile(file, 'L2 table', table, this.#neededEntries(index) * header.l2EntrySize);
    return table;
  }

  /**
   * The same for one entry of the table: it can be read where the file ends behind it.
   * @throws FormatError, FileError
   */
  l2TableWith(index: number, entry: number): HostOffset {
    const table = this.#tableOffset(index);
    if (table !== 0) refuseBeyondFile(this.file, 'L2 table', table, (entry + 1) * this.header.l2EntrySize);
    return table;
  }

  /** The same, wherever the table lies. */
  #tableOffset(index: number): HostOffset {
    const { file, header } = this;
    this.#refuseUncovered(index);
    const entryOffset = this.l1EntryOffset(index);
    const { words, at } = this.#l1Words(index);
    return decodeL1Entry(file.name, words[at + HIGH]!, words[at + LOW]!, header.clusterSize, entryOffset);
  }

  /** The L1 table of a damaged image may have fewer entries than the disk needs, or none that can be read. */
  #refuseUncovered(index: number): void {
    const { l1Size, l2Span, size } = this.header;
    if (index < l1Size) return;
    const parts: readonly Fault['part'][] = ['features', 'L1 table', 'disk size'];
    const fault = this.faults.find(({ part, blocks }) => blocks === 'repair' && parts.includes(part));
    if (fault !== undefined) throw new FormatError(this.file.name, fault.problem.code, fault.problem);
    const facts = { value: l1Size, limit: Math.ceil(size / l2Span) };
    throw new FormatError(this.file.name, 'header.l1TooSmall', facts);
  }

  /** A page of the L1 table, and where in it the words of an entry are. */
  #l1Words(index: number): { readonly words: Uint32Array; readonly at: number } {
    const offset = this.l1EntryOffset(index);
    const page = alignDown(offset, TABLE_PAGE);
    return { words: this.cache.page(page), at: (offset - page) / 4 };
  }

  /** Entries of a table that stand for bytes of the disk: all of them, but in the last table. */
  #neededEntries(index: number): number {
    const { size, l2Span, clusterSize, l2Entries } = this.header;
    return Math.min(l2Entries, Math.ceil((size - index * l2Span) / clusterSize));
  }

  /** As `Layer.forEachRun`. */
  forEachRun(start: GuestOffset, end: GuestOffset, visit: RunVisitor): void {
    const to = guestOffset(Math.min(end, this.header.size));
    if (start >= to) return;
    const runs = new RunCollector(start, to, visit);
    try {
      this.#walkTables(start, to, runs);
    } catch (error) {
      // What was found before the broken entry is sound.
      if (error instanceof FormatError) runs.flush();
      throw error;
    }
    runs.flush();
  }

  #walkTables(start: GuestOffset, to: GuestOffset, runs: RunCollector): void {
    const { l1Size, l2Span, clusterSize, l2Entries } = this.header;
    const end = Math.ceil(to / l2Span);
    for (let index = Math.floor(start / l2Span); index < end && !runs.stopped;) {
      const guest = guestOffset(index * l2Span);
      const table = this.#tableOffset(index);
      if (table === 0) {
        const next = this.#skipEmptyEntries(index + 1, Math.min(end, l1Size));
        runs.add(guest, (next - index) * l2Span, RunKind.unallocated, NO_HOST);
        index = next;
        continue;
      }
      const known = this.#singleRuns.get(table) ?? this.#unread(table);
      if (known !== undefined) {
        runs.add(guest, l2Span, known.kind, known.host);
        if (index % KNOWN_TABLES_PER_RUN === 0) runs.flush();
        index++;
        continue;
      }
      const first = Math.max(0, Math.floor((start - guest) / clusterSize));
      const last = Math.min(l2Entries, Math.ceil((to - guest) / clusterSize));
      const count = Math.min(last, this.#entriesInFile(table)) - first;
      const wasWalked = count <= 0 || this.#walkEntries(table, guest, first, count, runs);
      const missing = last - first - Math.max(0, count);
      if (missing > 0 && wasWalked) {
        const entries = plus(table, (last - missing) * this.header.l2EntrySize);
        runs.add(
          plus(guest, (last - missing) * clusterSize),
          missing * clusterSize,
          RunKind.missing,
          entries,
        );
      }
      // A walk that was stopped has not seen all of the table.
      if (count === l2Entries && wasWalked) this.#remember(table, runs.single(guest));
      // A run ends with its table at the latest, so that a visitor can stop a walk over a huge disk in time.
      runs.flush();
      index++;
    }
  }

  #remember(table: HostOffset, run: SingleRun | undefined): void {
    if (run !== undefined && this.#singleRuns.size < MAX_SINGLE_RUNS) this.#singleRuns.set(table, run);
  }

  /** Entries of a table before the end of the file. */
  #entriesInFile(table: HostOffset): number {
    return Math.max(0, Math.floor((this.file.size - table) / this.header.l2EntrySize));
  }

  /**
   * A table that need not be read: one beyond the end of the file, or in a hole of a sparse file, where it is all zero.
   * Such a file can be long, and reading it would take as long.
   */
  #unread(table: HostOffset): SingleRun | undefined {
    const { file, header } = this;
    if (table >= file.size) return { kind: RunKind.missing, host: table };
    if (file.allocatedBytes * 2 > file.size || !file.knowsHoles) return undefined;
    const extent = file.extentAt(table);
    return extent.isHole && extent.end >= table + header.clusterSize ? UNALLOCATED : undefined;
  }

  /** The first L1 entry from `index` on, and before `end`, that is not zero. */
  #skipEmptyEntries(index: number, end: number): number {
    let next = index;
    while (next < end) {
      const { words, at } = this.#l1Words(next);
      const stop = Math.min(words.length, at + (end - next) * 2);
      let word = at;
      while (word < stop && (words[word]! | words[word + 1]!) === 0) word += 2;
      next += (word - at) / 2;
      if (word < stop) break;
    }
    return next;
  }

  /**
   * Few entries come from the cache, many are read past it.
   * @returns false where the visitor has asked to stop
   */
  #walkEntries(
    table: HostOffset,
    guest: GuestOffset,
    first: number,
    count: number,
    runs: RunCollector,
  ): boolean {
    const { l2EntrySize, clusterSize } = this.header;
    const offset = plus(table, first * l2EntrySize);
    const start = plus(guest, first * clusterSize);
    if (count * l2EntrySize <= TABLE_PAGE) return this.#walkCached(offset, start, count, runs);
    return withScratch((scratch) => this.#walkInBulk(scratch, offset, start, count, runs));
  }

  #walkCached(offset: HostOffset, guest: GuestOffset, count: number, runs: RunCollector): boolean {
    const { l2EntrySize, clusterSize } = this.header;
    for (let done = 0; done < count;) {
      const entryOffset = plus(offset, done * l2EntrySize);
      const page = alignDown(entryOffset, TABLE_PAGE);
      const within = entryOffset - page;
      const step = Math.min(count - done, (TABLE_PAGE - within) / l2EntrySize);
      const words = this.cache.page(page);
      const piece = {
        words,
        signed: new Int32Array(words.buffer, words.byteOffset, words.length),
        first: within / 4,
        count: step,
        guest: plus(guest, done * clusterSize),
        entryOffset,
      };
      if (!this.#walker.walk(piece, runs)) return false;
      done += step;
    }
    return true;
  }

  #walkInBulk(
    scratch: Scratch,
    offset: HostOffset,
    guest: GuestOffset,
    count: number,
    runs: RunCollector,
  ): boolean {
    const { l2EntrySize, clusterSize } = this.header;
    const { bytes: buffer, words, signed } = scratch;
    const most = SCRATCH_SIZE / l2EntrySize;
    for (let done = 0; done < count;) {
      const step = Math.min(count - done, most);
      const entryOffset = plus(offset, done * l2EntrySize);
      const bytes = step === most ? buffer : buffer.subarray(0, step * l2EntrySize);
      this.file.read(bytes, entryOffset);
      swapWords(bytes);
      const piece = {
        words,
        signed,
        first: 0,
        count: step,
        guest: plus(guest, done * clusterSize),
        entryOffset,
      };
      if (!this.#walker.walk(piece, runs)) return false;
      done += step;
    }
    return true;
  }
}
