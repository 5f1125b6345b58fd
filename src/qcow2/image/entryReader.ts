/**
 * Tells what the L2 entries of a table are, and where runs of them end, for loops over millions of entries. What breaks
 * the specification is refused, by `decodeL2Entry`.
 */
import { HIGH, LOW } from '../format/bytes';
import { beyond2To53High } from '../format/compressedDescriptor';
import { decodeL2Entry } from '../format/l2Entry';
import {
  EntryKind,
  entryKind,
  hasHostCluster,
  isBitmapBroken,
  suspectBits,
  type L2Rules,
} from '../format/l2Kind';
import { guestOffset } from '../units';
import { endOfRun } from './contiguous';

export class EntryReader {
  /** Words of an entry: 2, or 4 with extended L2. */
  readonly stride: number;
  /** Bits that no sound entry has. */
  readonly #suspectHigh: number;
  readonly #suspectLow: number;
  /** The same for compressed clusters. */
  readonly #tooLargeHigh: number;

  constructor(readonly rules: L2Rules) {
    const { high, low } = suspectBits(rules);
    this.#suspectHigh = high;
    this.#suspectLow = low;
    this.#tooLargeHigh = beyond2To53High(rules.clusterBits);
    this.stride = rules.extendedL2 ? 4 : 2;
  }

  /**
   * The kind of the entry at `at` in `words`.
   * @param table where the first of the words is in the file, for errors
   * @param guest offset of the entry's cluster
   * @throws FormatError
   */
  kindAt(words: Uint32Array, at: number, table: number, guest: number): EntryKind {
    const high = words[at + HIGH]!;
    const low = words[at + LOW]!;
    if ((high | low) === 0 && this.stride === 2) return EntryKind.unallocated;
    const { rules } = this;
    const kind = entryKind(rules, high, low);
    if (kind === EntryKind.compressed) {
      if ((high & this.#tooLargeHigh) !== 0 || rules.hasDataFile) this.#refuse(words, at, table, guest);
      return kind;
    }
    const isSuspect =
      (high & this.#suspectHigh) !== 0 ||
      (low & this.#suspectLow) !== 0 ||
      rules.hasDataFile ||
      (this.stride === 4 &&
        isBitmapBroken(hasHostCluster(kind), words[at + 2 + HIGH]!, words[at + 2 + LOW]!));
    if (isSuspect) this.#refuse(words, at, table, guest);
    return kind;
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
    return hasHostCluster(kind) ? this.rules.clusterSize : 0;
  }

  /** Throws where the entry breaks a rule: some that look suspicious do not. */
  #refuse(words: Uint32Array, at: number, table: number, guest: number): void {
    const place = { entryOffset: table + at * 4, guest: guestOffset(guest) };
    const entry = { high: words[at + HIGH]!, low: words[at + LOW]! };
    const bitmap = this.stride === 4 ? { high: words[at + 2 + HIGH]!, low: words[at + 2 + LOW]! } : undefined;
    decodeL2Entry(this.rules, place, entry, bitmap);
  }
}
