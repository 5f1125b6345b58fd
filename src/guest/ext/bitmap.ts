/** Block bitmaps: runs of bits that are not set, and checksums. Most bitmaps are all zeroes or all ones, and cost little. */
import { crc32c } from '../crc32c';
import type { Superblock } from './superblock';

/**
 * @param bytes longer than the bits that count, by whole words of 32 bits; aligned to 4
 * @param bits that count
 * @param visit hears of runs, ascending, not touching each other: the first bit, and the one behind the last
 */
export function forEachFreeBits(
  bytes: Uint8Array,
  bits: number,
  visit: (start: number, end: number) => void,
): void {
  const words = wordsOf(bytes);
  let start = -1;
  for (let at = 0; at < bits;) {
    const word = words[at >>> 5]!;
    if (word === 0 || word === 0xffffffff) {
      if ((word === 0) !== start >= 0) {
        if (start >= 0) visit(start, at);
        start = word === 0 ? at : -1;
      }
      let next = (at >>> 5) + 1;
      while (next < words.length && words[next] === word) next++;
      at = next << 5;
      continue;
    }
    for (const end = Math.min(at + 32, bits); at < end; at++) {
      const isFree = (bytes[at >>> 3]! & (1 << (at & 7))) === 0;
      if (isFree === start >= 0) continue;
      if (!isFree) visit(start, at);
      start = isFree ? at : -1;
    }
  }
  if (start >= 0) visit(start, bits);
}

/** All zeroes and all ones are the same in either byte order: only those are looked for in whole words. */
const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);

/** Compares bitmaps with the checksums of their descriptors. */
export class BitmapChecksums {
  readonly #superblock: Superblock;
  /** Bytes that count. */
  readonly #length: number;
  readonly #uniform = new Map<number, number>();

  constructor(superblock: Superblock) {
    this.#superblock = superblock;
    this.#length = superblock.blocksPerGroup / superblock.clusterRatio / 8;
  }

  /** @param expected as in the descriptor. @returns true, too, where bitmaps have no checksum */
  isRight(bitmap: Uint8Array, expected: number): boolean {
    if (!this.#superblock.hasMetadataChecksums) return true;
    const mask = this.#superblock.descriptorSize > 32 ? 0xffffffff : 0xffff;
    return (this.#checksumOf(bitmap) & mask) >>> 0 === expected;
  }

  #checksumOf(bitmap: Uint8Array): number {
    const { seed } = this.#superblock;
    const first = bitmap[0]!;
    if (!isUniform(bitmap)) return crc32c(seed, bitmap, 0, this.#length);
    const known = this.#uniform.get(first) ?? crc32c(seed, bitmap, 0, this.#length);
    this.#uniform.set(first, known);
    return known;
  }
}

function isUniform(bytes: Uint8Array): boolean {
  const words = wordsOf(bytes);
  const first = words[0]!;
  if (first !== 0 && first !== 0xffffffff) return false;
  for (let at = 1; at < words.length; at++) if (words[at] !== first) return false;
  return true;
}
