/** Tells what L2 entries are, from their words; what breaks the specification is refused by `decodeL2Entry`. */
import { HIGH, LOW, type RawEntry } from '../format/bytes';
import { compressedLength, compressedOffset } from '../format/compressedDescriptor';
import { decodeL2Entry, isCompressed, isDataAtZero, L2_ZERO_LOW, suspectBits } from '../format/l2Entry';
import { offsetOf } from '../format/offsetField';
import type { ActiveTables } from '../image/activeTables';
import { endOfRun } from '../image/contiguous';
import { clusterOf, type GuestOffset, type HostOffset, plus, rawHostOffset } from '../units';
import type { ClusterRun } from './clusterSet';
import { EntryKind } from './decide';

/** Bit 63 of an L1 or L2 entry, in its high word: the refcount is exactly one. */
export const COPIED_HIGH = 0x80000000;

export class EntryReader {
  /** Words of an entry: 2, or 4 with extended L2. */
  readonly stride: number;
  readonly #suspect: RawEntry;
  readonly #rules: ActiveTables['rules'];

  constructor(tables: ActiveTables) {
    this.#rules = tables.rules;
    this.#suspect = suspectBits(tables.rules);
    this.stride = tables.rules.extendedL2 ? 4 : 2;
  }

  /**
   * The kind of the entry at `at` in `words`, a whole table.
   * @param table offset of the table in the file, for errors
   * @param guest offset of the entry's cluster
   * @throws FormatError
   */
  kindAt(words: Uint32Array, at: number, table: HostOffset, guest: GuestOffset): EntryKind {
    const high = words[at + HIGH]!;
    const low = words[at + LOW]!;
    if (this.stride === 4) return this.#extendedKind(words, at, table, guest);
    if ((high | low) === 0) return EntryKind.unallocated;
    const isSuspect = (high & this.#suspect.high) !== 0 || (low & this.#suspect.low) !== 0;
    if (isCompressed(high)) {
      this.#checkCompressed(words, at, table, guest);
      return EntryKind.compressed;
    }
    const offset = offsetOf(high, low);
    if (isSuspect || (this.#rules.hasDataFile && offset !== rawHostOffset(guest)))
      this.#decode(words, at, table, guest);
    const hasZeroFlag = (low & L2_ZERO_LOW) !== 0;
    if (offset === 0 && (hasZeroFlag || !isDataAtZero(this.#rules, high))) {
      return hasZeroFlag ? EntryKind.zeroPlain : EntryKind.unallocated;
    }
    return hasZeroFlag ? EntryKind.zeroAllocated : EntryKind.data;
  }

  /**
   * End of the run of entries, in words, that begins at `at`: equal ones, or ones whose host clusters follow each other.
   * Compressed and extended entries stand by themselves.
   * @param end of the entries to look at; @param kind of the one at `at`
   */
  runEnd(words: Int32Array, at: number, end: number, kind: EntryKind): number {
    const rise = this.riseOf(kind);
    return rise === undefined ? at + this.stride : endOfRun(words, at, end, rise);
  }

  /** By how many bytes the entries of a run of some kind rise; undefined where each stands by itself. */
  riseOf(kind: EntryKind): number | undefined {
    if (this.stride === 4 || kind === EntryKind.compressed) return undefined;
    const hasHost = kind === EntryKind.data || kind === EntryKind.zeroAllocated;
    return hasHost ? this.#rules.clusterSize : 0;
  }

  /** The host clusters that a compressed entry's sectors touch. */
  compressedClusters(high: number, low: number): ClusterRun {
    const { clusterBits, clusterSize } = this.#rules;
    const offset = compressedOffset(high, low, clusterBits);
    const first = clusterOf(offset, clusterSize);
    const end = Math.ceil((offset + compressedLength(high, low, clusterBits)) / clusterSize);
    return { first, count: end - first };
  }

  #extendedKind(words: Uint32Array, at: number, table: HostOffset, guest: GuestOffset): EntryKind {
    const high = words[at + HIGH]!;
    const low = words[at + LOW]!;
    const zeroes = words[at + 2 + HIGH]!;
    const allocated = words[at + 2 + LOW]!;
    if (isCompressed(high)) {
      this.#checkCompressed(words, at, table, guest);
      return EntryKind.compressed;
    }
    const offset = offsetOf(high, low);
    const hasHost = offset !== 0 || isDataAtZero(this.#rules, high);
    const isSuspect =
      (high & this.#suspect.high) !== 0 ||
      (low & this.#suspect.low) !== 0 ||
      (zeroes & allocated) !== 0 ||
      (!hasHost && allocated !== 0) ||
      (hasHost && this.#rules.hasDataFile && offset !== rawHostOffset(guest));
    if (isSuspect) this.#decode(words, at, table, guest);
    return hasHost ? EntryKind.data : EntryKind.unallocated;
  }

  #checkCompressed(words: Uint32Array, at: number, table: HostOffset, guest: GuestOffset): void {
    const { clusterBits, hasDataFile } = this.#rules;
    const host = compressedOffset(words[at + HIGH]!, words[at + LOW]!, clusterBits);
    if (hasDataFile || host > Number.MAX_SAFE_INTEGER) this.#decode(words, at, table, guest);
  }

  /** Checks an entry thoroughly; throws if it breaks a rule. */
  #decode(words: Uint32Array, at: number, table: HostOffset, guest: GuestOffset): void {
    const place = { entryOffset: plus(table, at * 4), guest };
    const entry = { high: words[at + HIGH]!, low: words[at + LOW]! };
    const bitmap = this.stride === 4 ? { high: words[at + 2 + HIGH]!, low: words[at + 2 + LOW]! } : undefined;
    decodeL2Entry(this.#rules, place, entry, bitmap);
  }
}
