/**
 * The hot walk: turns the words of a piece of an L2 table into runs. It tests each entry for all broken rules at
 * once and jumps over equal or contiguous entries; what looks wrong is left to `decodeL2Entry`, which says why.
 */
import { trailingZeroes } from '../bits';
import { HIGH, LOW, type RawEntry } from '../format/bytes';
import { compressedOffset } from '../format/compressedDescriptor';
import {
  decodeL2Entry,
  isCompressed,
  isDataAtZero,
  L2_ZERO_LOW,
  suspectBits,
  type L2Rules,
} from '../format/l2Entry';
import { SUBCLUSTERS } from '../format/limits';
import { offsetOf } from '../format/offsetField';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';
import { endOfRun } from './contiguous';
import { NO_HOST, RunKind } from './layer';
import type { RunCollector } from './runCollector';

/** A piece of an L2 table. */
export interface TablePiece {
  readonly words: Uint32Array;
  /** The same words, signed. */
  readonly signed: Int32Array;
  /** Index in `words` of the first entry's first word. */
  readonly first: number;
  /** Entries. */
  readonly count: number;
  /** Guest offset of the first entry's cluster. */
  readonly guest: GuestOffset;
  /** Offset of the first entry in the file, for errors. */
  readonly entryOffset: HostOffset;
}

export class TableWalker {
  readonly #suspect: RawEntry;
  readonly #clusterSize: ByteLength;

  constructor(readonly rules: L2Rules) {
    this.#suspect = suspectBits(rules);
    this.#clusterSize = rules.clusterSize;
  }

  /**
   * @returns false once the visitor has asked to stop
   * @throws FormatError on an entry that breaks the specification
   */
  walk(piece: TablePiece, runs: RunCollector): boolean {
    return this.rules.extendedL2 ? this.#walkExtended(piece, runs) : this.#walkStandard(piece, runs);
  }

  #walkStandard(piece: TablePiece, runs: RunCollector): boolean {
    const { words, signed, first } = piece;
    const end = first + piece.count * 2;
    const clusterSize = this.#clusterSize;
    let guest = piece.guest;
    for (let at = first; at < end;) {
      const high = words[at + HIGH]!;
      const low = words[at + LOW]!;
      let next: number;
      let kind: RunKind;
      let host = NO_HOST;
      if ((high | low) === 0) {
        kind = RunKind.unallocated;
        next = endOfRun(signed, at, end, 0);
      } else if (isCompressed(high)) {
        kind = RunKind.compressed;
        host = this.#compressedHost(piece, at, high, low);
        next = at + 2;
      } else {
        kind = this.#standardKind(piece, at, high, low);
        const rises = hasHost(kind);
        if (rises) host = offsetOf(high, low);
        next = endOfRun(signed, at, end, rises ? clusterSize : 0);
      }
      const length = ((next - at) >>> 1) * clusterSize;
      if (!runs.add(guest, length, kind, host)) return false;
      guest = guestOffset(guest + length);
      at = next;
    }
    return true;
  }

  /** The kind of an entry that is neither zero nor compressed. */
  #standardKind(piece: TablePiece, at: number, high: number, low: number): RunKind {
    const { rules } = this;
    if ((high & this.#suspect.high) !== 0 || (low & this.#suspect.low) !== 0 || rules.hasDataFile) {
      this.#decode(piece, at);
    }
    const isZero = (low & L2_ZERO_LOW) !== 0;
    if (offsetOf(high, low) === 0 && (isZero || !isDataAtZero(rules, high))) {
      return isZero ? RunKind.zeroPlain : RunKind.unallocated;
    }
    return isZero ? RunKind.zeroAllocated : RunKind.data;
  }

  #compressedHost(piece: TablePiece, at: number, high: number, low: number): HostOffset {
    const host = compressedOffset(high, low, this.rules.clusterBits);
    if (host > Number.MAX_SAFE_INTEGER || this.rules.hasDataFile) this.#decode(piece, at);
    return host;
  }

  #walkExtended(piece: TablePiece, runs: RunCollector): boolean {
    const { words, first } = piece;
    const end = first + piece.count * 4;
    const clusterSize = this.#clusterSize;
    let guest = piece.guest;
    for (let at = first; at < end; at += 4, guest = guestOffset(guest + clusterSize)) {
      const high = words[at + HIGH]!;
      const low = words[at + LOW]!;
      const zeroes = words[at + 2 + HIGH]!;
      const allocated = words[at + 2 + LOW]!;
      if (isCompressed(high)) {
        const host = this.#compressedHost(piece, at, high, low);
        if (!runs.add(guest, clusterSize, RunKind.compressed, host)) return false;
        continue;
      }
      const hasOffset = this.#hasOffset(piece, at, high, low, zeroes, allocated);
      const host = hasOffset ? offsetOf(high, low) : NO_HOST;
      if (!this.#addSubclusters(runs, guest, host, zeroes, allocated)) return false;
    }
    return true;
  }

  /** Checks an extended entry that is not compressed, and tells whether it has a host cluster. */
  #hasOffset(
    piece: TablePiece,
    at: number,
    high: number,
    low: number,
    zeroes: number,
    allocated: number,
  ): boolean {
    const { rules } = this;
    const suspicious =
      (high & this.#suspect.high) !== 0 ||
      (low & this.#suspect.low) !== 0 ||
      (zeroes & allocated) !== 0 ||
      rules.hasDataFile;
    if (suspicious) this.#decode(piece, at);
    if (offsetOf(high, low) !== 0 || isDataAtZero(rules, high)) return true;
    if (allocated !== 0) this.#decode(piece, at);
    return false;
  }

  #addSubclusters(
    runs: RunCollector,
    guest: GuestOffset,
    host: HostOffset,
    zeroes: number,
    allocated: number,
  ): boolean {
    const size = this.#clusterSize / SUBCLUSTERS;
    for (let index = 0; index < SUBCLUSTERS;) {
      const isZero = (zeroes >>> index) & 1;
      const isAllocated = (allocated >>> index) & 1;
      // The bits that differ from this subcluster's, from here on up; the lowest one ends the run.
      const differ = ((isZero ? ~zeroes : zeroes) | (isAllocated ? ~allocated : allocated)) >>> index;
      const count = differ === 0 ? SUBCLUSTERS - index : trailingZeroes(differ);
      const at = index * size;
      const kind = subclusterKind(host >= 0, isZero !== 0, isAllocated !== 0);
      const place = host < 0 ? NO_HOST : hostOffset(host + at);
      if (!runs.add(guestOffset(guest + at), count * size, kind, place)) return false;
      index += count;
    }
    return true;
  }

  /** Checks the entry at `at` thoroughly; throws if it breaks a rule. */
  #decode(piece: TablePiece, at: number): void {
    const { words } = piece;
    const { extendedL2, clusterSize } = this.rules;
    const size = extendedL2 ? 4 : 2;
    const index = (at - piece.first) / size;
    const entryOffset = plus(piece.entryOffset, index * size * 4);
    const guest = guestOffset(piece.guest + index * clusterSize);
    const entry = { high: words[at + HIGH]!, low: words[at + LOW]! };
    const bitmap = extendedL2 ? { high: words[at + 2 + HIGH]!, low: words[at + 2 + LOW]! } : undefined;
    decodeL2Entry(this.rules, { entryOffset, guest }, entry, bitmap);
  }
}

const hasHost = (kind: RunKind): boolean => kind === RunKind.data || kind === RunKind.zeroAllocated;

/** Unallocated subclusters keep the kind that says whether there is a host cluster. */
function subclusterKind(hasOffset: boolean, isZero: boolean, isAllocated: boolean): RunKind {
  if (isZero) return hasOffset ? RunKind.zeroAllocated : RunKind.zeroPlain;
  if (isAllocated) return RunKind.data;
  return hasOffset ? RunKind.unallocatedSubcluster : RunKind.unallocated;
}
