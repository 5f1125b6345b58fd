/**
 * The hot walk of the check: goes through the words of a piece of an L2 table, jumps over empty entries, takes sound
 * entries of contiguous clusters together, and hands everything else out one by one.
 */
import { HIGH, LOW } from '../format/bytes';
import { clusterNumber, COMPRESSED_HIGH, COPIED_HIGH, hasOffset, offsetOf } from '../format/entryBits';
import { isBitmapBroken, suspectBits, type L2Rules } from '../format/l2Kind';
import { endOfRun } from '../image/contiguous';
import type { Fill } from '../io/fill';
import { type ByteLength, type HostOffset, plus } from '../units';

export interface L2Visitor {
  /**
   * `count` uncompressed entries that break no rule, with host clusters from `host` on (bytes).
   * @param index of the first entry in the piece
   */
  run(index: number, count: number, host: HostOffset, isCopied: boolean): void;
  /**
   * The same for one entry: every number is a 32-bit word, since others would be made objects for each of millions of calls.
   * @param cluster number of the host cluster
   * @returns false if it should come as `run`
   */
  one?(index: number, cluster: number, isCopied: boolean): boolean;
  /**
   * Entries of a standard table from `at` on, of which the first is one of `isSoundCompressed`. There may be millions of them,
   * and a call for each would take longer than the work.
   * @param words of a piece, signed; `at` and `end` are indexes of words
   * @returns index of the first word that it did not take; if that is `at`, the entry comes as `single`
   */
  compressed?(words: Int32Array, at: number, end: number): number;
  /** An entry that is compressed, breaks a rule, or is of an image with an external data file. */
  single(index: number, high: number, low: number, zeroes: number, allocated: number): void;
}

/** Whether an entry is of a compressed cluster and has no COPIED flag. @param high its high word, signed */
export const isSoundCompressed = (high: number): boolean => high > 0 && (high & COMPRESSED_HIGH) !== 0;

export class L2Walk {
  readonly #oddHigh: number;
  readonly #oddLow: number;
  readonly #clusterSize: ByteLength;

  constructor(readonly rules: L2Rules) {
    const suspect = suspectBits(rules);
    this.#oddHigh = suspect.high | COMPRESSED_HIGH;
    this.#oddLow = suspect.low;
    this.#clusterSize = rules.clusterSize;
  }

  walk(words: Uint32Array, visitor: L2Visitor): void {
    if (this.rules.hasDataFile) this.#walkEach(words, visitor);
    else if (this.rules.extendedL2) this.#walkExtended(words, visitor);
    else this.#walkStandard(words, visitor);
  }

  /**
   * Walks entries that are one fill, all at once.
   * @param offset of the first one in the file; @param length of all, both in bytes
   * @returns false where that cannot be done: then the visitor was told nothing
   */
  walkFill(fill: Fill, offset: HostOffset, length: ByteLength, visitor: L2Visitor): boolean {
    const { rules } = this;
    if (rules.hasDataFile || rules.extendedL2) return false;
    const { high, low } = fill.wordAt(offset);
    const last = fill.wordAt(plus(offset, length - 8));
    // From entry to entry nothing but the place of the cluster changes, unless the last one leads too far.
    if (((high | last.high) & this.#oddHigh) !== 0 || (low & this.#oddLow) !== 0) return false;
    const host = offsetOf(high, low);
    if (fill.step === 0) return host === 0;
    if (host === 0) return false;
    visitor.run(0, length / 8, host, (high & COPIED_HIGH) !== 0);
    return true;
  }

  #walkStandard(table: Uint32Array, visitor: L2Visitor): void {
    // Signed words stay in registers; unsigned ones beyond 2^31 would become floating-point numbers.
    const words = new Int32Array(table.buffer, table.byteOffset, table.length);
    const end = words.length;
    const clusterSize = this.#clusterSize;
    const { clusterBits } = this.rules;
    const oddHigh = this.#oddHigh;
    const oddLow = this.#oddLow;
    for (let at = 0; at < end;) {
      const high = words[at + HIGH]!;
      const low = words[at + LOW]!;
      if ((high | low) === 0) {
        at += 2;
        continue;
      }
      if ((high & oddHigh) !== 0 || (low & oddLow) !== 0) {
        const next = isSoundCompressed(high) ? (visitor.compressed?.(words, at, end) ?? at) : at;
        if (next === at) visitor.single(at >>> 1, high >>> 0, low >>> 0, 0, 0);
        at = next === at ? at + 2 : next;
        continue;
      }
      if (!hasOffset(high, low)) {
        at += 2;
        continue;
      }
      const first = at;
      at = endOfRun(words, first, end, clusterSize);
      if (at - first === 2) {
        const cluster = clusterNumber(high, low, clusterBits);
        if (cluster >= 0 && visitor.one?.(first >>> 1, cluster, high < 0) === true) continue;
      }
      visitor.run(first >>> 1, (at - first) >>> 1, offsetOf(high, low), high < 0);
    }
  }

  #walkExtended(words: Uint32Array, visitor: L2Visitor): void {
    const end = words.length;
    for (let at = 0; at < end; at += 4) {
      const high = words[at + HIGH]!;
      const low = words[at + LOW]!;
      const zeroes = words[at + 2 + HIGH]!;
      const allocated = words[at + 2 + LOW]!;
      if ((high | low | allocated) === 0) continue;
      const host = offsetOf(high, low);
      const isOdd =
        (high & this.#oddHigh) !== 0 ||
        (low & this.#oddLow) !== 0 ||
        host === 0 ||
        isBitmapBroken(true, zeroes, allocated);
      if (isOdd) visitor.single(at >>> 2, high, low, zeroes, allocated);
      else visitor.run(at >>> 2, 1, host, (high & COPIED_HIGH) !== 0);
    }
  }

  #walkEach(words: Uint32Array, visitor: L2Visitor): void {
    const size = this.rules.extendedL2 ? 4 : 2;
    for (let at = 0; at < words.length; at += size) {
      const high = words[at + HIGH]!;
      const low = words[at + LOW]!;
      const zeroes = size === 4 ? words[at + 2 + HIGH]! : 0;
      const allocated = size === 4 ? words[at + 2 + LOW]! : 0;
      if ((high | low | zeroes | allocated) !== 0) {
        visitor.single(at / size, high, low, zeroes, allocated);
      }
    }
  }
}
