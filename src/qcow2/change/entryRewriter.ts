/**
 * Puts outcomes into L2 entries. Millions of entries come by: it works on the words, on runs of entries at once, and
 * gathers the host clusters that are given up into runs, across tables.
 */
import { HIGH, LOW } from '../format/bytes';
import { compressedClusters } from '../format/compressedDescriptor';
import { offsetOf, ZERO_LOW } from '../format/entryBits';
import { EntryKind } from '../format/l2Kind';
import { Outcome } from './decide';
import type { ImageWriter } from './imageWriter';
import type { Became } from './tally';

/** All 32 subclusters read as zero. */
const ALL_ZERO = 0xffffffff;

export class EntryRewriter {
  readonly #clusterSize: number;
  readonly #stride: number;
  /** Host clusters to give up, in bytes: what follows them joins them. */
  #given = { start: 0, end: 0 };

  constructor(readonly writer: ImageWriter) {
    this.#clusterSize = writer.header.clusterSize;
    this.#stride = writer.entries.stride;
  }

  /**
   * Makes an outcome of the entries from word `at` to before `end`, and gives up what they no longer refer to.
   * @param kind of the first one; the others continue it (`EntryReader.runEnd`)
   * @param outcome not `fallback`
   * @param count clusters that they stand for; more than they are where others continue them
   */
  rewrite(
    words: Uint32Array,
    at: number,
    end: number,
    kind: EntryKind,
    outcome: Outcome,
    count = (end - at) / this.#stride,
  ): Became {
    const isExtended = this.#stride === 4;
    switch (outcome) {
      case Outcome.unallocated:
        return this.#replace(words, at, end, kind, count, 0, 0) ? 'becameUnallocated' : 'unchanged';
      case Outcome.zero: {
        if (kind === EntryKind.zeroPlain) return 'unchanged';
        const [flag, zeroes] = isExtended ? [0, ALL_ZERO] : [ZERO_LOW, 0];
        return this.#replace(words, at, end, kind, count, flag, zeroes) ? 'becameZero' : 'unchanged';
      }
      case Outcome.zeroKeeping:
        return (isExtended ? setAllZero(words, at) : setZeroFlags(words, at, end))
          ? 'keptAllocation'
          : 'unchanged';
      case Outcome.nothing:
      case Outcome.fallback:
        return 'unchanged';
    }
  }

  /** Gives up what is still gathered. */
  finish(): void {
    const { start, end } = this.#given;
    const size = this.#clusterSize;
    if (end > start) this.writer.allocator.release(start / size, (end - start) / size);
    this.#given.start = this.#given.end = 0;
  }

  /** Makes entries ones without offset. @returns false where they were just that */
  #replace(
    words: Uint32Array,
    at: number,
    end: number,
    kind: EntryKind,
    count: number,
    low: number,
    zeroes: number,
  ): boolean {
    const isExtended = this.#stride === 4;
    const isSame =
      words[at + HIGH] === 0 &&
      words[at + LOW] === low &&
      (!isExtended || (words[at + 2 + HIGH] === zeroes && words[at + 2 + LOW] === 0));
    if (isSame) return false;
    this.#giveUp(kind, words[at + HIGH]!, words[at + LOW]!, count);
    words.fill(0, at, end);
    if (isExtended) words[at + 2 + HIGH] = zeroes;
    else if (low !== 0) for (let word = at + LOW; word < end; word += 2) words[word] = low;
    return true;
  }

  #giveUp(kind: EntryKind, high: number, low: number, count: number): void {
    if (kind === EntryKind.unallocated || kind === EntryKind.zeroPlain) return;
    const { header, allocator, context } = this.writer;
    if (kind === EntryKind.compressed) {
      const clusters = compressedClusters(high, low, header.clusterBits);
      allocator.release(clusters.first, clusters.count);
      return;
    }
    // An external data file has no refcounts.
    if (context.image.hasDataFile) return;
    const offset = offsetOf(high, low);
    if (offset !== this.#given.end) {
      this.finish();
      this.#given.start = offset;
    }
    this.#given.end = offset + count * this.#clusterSize;
  }
}

/** @returns false where they are all set; a run has them all or none */
function setZeroFlags(words: Uint32Array, at: number, end: number): boolean {
  if ((words[at + LOW]! & ZERO_LOW) !== 0) return false;
  for (let word = at + LOW; word < end; word += 2) words[word] = words[word]! | ZERO_LOW;
  return true;
}

/** Makes all subclusters of one entry read as zero. @returns false where they do */
function setAllZero(words: Uint32Array, at: number): boolean {
  if (words[at + 2 + HIGH] === ALL_ZERO && words[at + 2 + LOW] === 0) return false;
  words[at + 2 + HIGH] = ALL_ZERO;
  words[at + 2 + LOW] = 0;
  return true;
}
