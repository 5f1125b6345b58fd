/** The hot walk: turns the words of a piece of an L2 table into runs, and jumps over equal or contiguous entries. */
import { trailingZeroes } from '../bits';
import { HIGH, LOW } from '../format/bytes';
import { compressedOffset } from '../format/compressedDescriptor';
import { offsetOf } from '../format/entryBits';
import { EntryKind, hasHostCluster, type L2Rules } from '../format/l2Kind';
import { SUBCLUSTERS } from '../format/limits';
import { endOfRun } from './contiguous';
import { EntryReader } from './entryReader';
import { RunKind } from './layer';
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
  readonly guest: number;
  /** Offset of the first entry in the file, for errors. */
  readonly entryOffset: number;
}

export class TableWalker {
  readonly #entries: EntryReader;

  constructor(readonly rules: L2Rules) {
    this.#entries = new EntryReader(rules);
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
    const entries = this.#entries;
    const end = first + piece.count * 2;
    const { clusterBits, clusterSize } = this.rules;
    const table = piece.entryOffset - first * 4;
    let guest = piece.guest;
    for (let at = first; at < end;) {
      const kind = entries.kindAt(words, at, table, guest);
      let next = at + 2;
      let host = -1;
      if (kind === EntryKind.compressed) {
        host = compressedOffset(words[at + HIGH]!, words[at + LOW]!, clusterBits);
      } else {
        const hasHost = hasHostCluster(kind);
        if (hasHost) host = offsetOf(words[at + HIGH]!, words[at + LOW]!);
        next = endOfRun(signed, at, end, hasHost ? clusterSize : 0);
      }
      const length = ((next - at) >>> 1) * clusterSize;
      if (!runs.add(guest, length, kind, host)) return false;
      guest += length;
      at = next;
    }
    return true;
  }

  #walkExtended(piece: TablePiece, runs: RunCollector): boolean {
    const { words, first } = piece;
    const end = first + piece.count * 4;
    const { clusterBits, clusterSize } = this.rules;
    const table = piece.entryOffset - first * 4;
    let guest = piece.guest;
    for (let at = first; at < end; at += 4, guest += clusterSize) {
      const kind = this.#entries.kindAt(words, at, table, guest);
      const high = words[at + HIGH]!;
      const low = words[at + LOW]!;
      if (kind === EntryKind.compressed) {
        if (!runs.add(guest, clusterSize, kind, compressedOffset(high, low, clusterBits))) return false;
        continue;
      }
      const host = hasHostCluster(kind) ? offsetOf(high, low) : -1;
      if (!this.#addSubclusters(runs, guest, host, words[at + 2 + HIGH]!, words[at + 2 + LOW]!)) return false;
    }
    return true;
  }

  #addSubclusters(
    runs: RunCollector,
    guest: number,
    host: number,
    zeroes: number,
    allocated: number,
  ): boolean {
    const size = this.rules.clusterSize / SUBCLUSTERS;
    for (let index = 0; index < SUBCLUSTERS;) {
      const isZero = (zeroes >>> index) & 1;
      const isAllocated = (allocated >>> index) & 1;
      // The bits that differ from this subcluster's, from here on up; the lowest one ends the run.
      const differ = ((isZero ? ~zeroes : zeroes) | (isAllocated ? ~allocated : allocated)) >>> index;
      const count = differ === 0 ? SUBCLUSTERS - index : trailingZeroes(differ);
      const at = index * size;
      const kind = subclusterKind(host >= 0, isZero !== 0, isAllocated !== 0);
      if (!runs.add(guest + at, count * size, kind, host < 0 ? -1 : host + at)) return false;
      index += count;
    }
    return true;
  }
}

/** Unallocated subclusters keep the kind that says whether there is a host cluster. */
function subclusterKind(hasOffset: boolean, isZero: boolean, isAllocated: boolean): RunKind {
  if (isZero) return hasOffset ? RunKind.zeroAllocated : RunKind.zeroPlain;
  if (isAllocated) return RunKind.data;
  return hasOffset ? RunKind.unallocatedSubcluster : RunKind.unallocated;
}
