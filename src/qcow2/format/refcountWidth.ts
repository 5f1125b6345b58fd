/**
 * Refcounts of all widths (qcow2.txt, "Refcount block entry"): read, written and counted here and nowhere else. Less than
 * a byte: several in one, the first in its lowest bits; more: big-endian.
 */
import type { BlockFile } from '../io/blockFile';
import { dataView } from './bytes';

export interface RefcountWidth {
  /** 1, 2, 4, 8, 16, 32 or 64. */
  readonly bits: number;
  /** The largest refcount; 2^53 − 1 stands for that of 64 bits. */
  readonly max: number;
  /** Beyond 2^53 it is rounded, which `max` then refuses. */
  get(block: Uint8Array, index: number): number;
  set(block: Uint8Array, index: number, refcount: number): void;
  /** Decodes as many as `target` is long, a byte each; what is more than `most` (at most 255) is `most`. */
  toBytes(block: Uint8Array, target: Uint8Array, most: number): void;
}

const WIDTHS: ReadonlyMap<number, RefcountWidth> = new Map(
  [1, 2, 4, 8, 16, 32, 64].map((bits) => [bits, bits < 8 ? narrow(bits) : bits < 64 ? wide(bits) : widest()]),
);

export const refcountWidth = (bits: number): RefcountWidth => WIDTHS.get(bits)!;

function narrow(bits: number): RefcountWidth {
  const mask = (1 << bits) - 1;
  return {
    bits,
    max: mask,
    get: (block, index) => (block[(index * bits) >>> 3]! >>> ((index * bits) & 7)) & mask,
    set: (block, index, refcount) => {
      const at = (index * bits) >>> 3;
      const shift = (index * bits) & 7;
      block[at] = (block[at]! & ~(mask << shift)) | (refcount << shift);
    },
    toBytes: (block, target, most) => {
      for (let index = 0; index < target.length; index++) {
        const refcount = (block[(index * bits) >>> 3]! >>> ((index * bits) & 7)) & mask;
        target[index] = refcount < most ? refcount : most;
      }
    },
  };
}

function wide(bits: number): RefcountWidth {
  const bytes = bits / 8;
  return {
    bits,
    max: Math.min(2 ** bits - 1, Number.MAX_SAFE_INTEGER),
    get: (block, index) => {
      const end = (index + 1) * bytes;
      let refcount = 0;
      for (let at = end - bytes; at < end; at++) refcount = refcount * 256 + block[at]!;
      return refcount;
    },
    set: (block, index, refcount) => {
      let left = refcount;
      for (let at = (index + 1) * bytes - 1; at >= index * bytes; at--) {
        block[at] = left & 0xff;
        left = Math.floor(left / 256);
      }
    },
    toBytes: (block, target, most) => {
      for (let index = 0; index < target.length; index++) {
        const last = (index + 1) * bytes - 1;
        let byte = block[last]!;
        for (let at = last - bytes + 1; at < last; at++) if (block[at] !== 0) byte = most;
        target[index] = byte < most ? byte : most;
      }
    },
  };
}

/** Two halves of 32 bits: only the sum of them is rounded. */
function widest(): RefcountWidth {
  const half = wide(32);
  return {
    ...wide(64),
    get: (block, index) => half.get(block, index * 2) * 2 ** 32 + half.get(block, index * 2 + 1),
  };
}

/** Refcounts in one refcount block, which is one cluster. */
export const refcountsPerBlock = (clusterSize: number, bits: number): number => (clusterSize * 8) / bits;

/**
 * One refcount of a block, by itself.
 * @param block bytes from the start of the file
 * @returns rounded beyond 2^53
 * @throws FileError
 */
export function readRefcount(
  file: Pick<BlockFile, 'read'>,
  block: number,
  index: number,
  width: RefcountWidth,
): number {
  const { offset, within } = wordOf(block, index, width.bits);
  const bytes = new Uint8Array(8);
  file.read(bytes, offset);
  return width.get(bytes, within);
}

/** The eight bytes that a refcount lies in, whatever its width, and which one it is of those in them. */
export function wordOf(
  block: number,
  index: number,
  bits: number,
): { readonly offset: number; readonly within: number } {
  const bit = index * bits;
  return { offset: block + Math.floor(bit / 64) * 8, within: (bit % 64) / bits };
}

/** The bytes of `count` refcounts of one; whole bytes. */
export function onesOnDisk(count: number, bits: number): Buffer {
  const word = Buffer.alloc(8);
  const width = refcountWidth(bits);
  for (let index = 0; index < 64 / bits; index++) width.set(word, index, 1);
  return Buffer.alloc((count * bits) / 8, word);
}

/**
 * How many of the first `count` refcounts of a block are not zero. Bytes need no swapping for that.
 * @param block begins at a multiple of 8 in its buffer
 */
export function countNonZero(block: Uint8Array, count: number, bits: number): number {
  switch (bits) {
    case 64: {
      const words = new Uint32Array(block.buffer, block.byteOffset, count * 2);
      let found = 0;
      for (let i = 0; i < words.length; i += 2) if ((words[i]! | words[i + 1]!) !== 0) found++;
      return found;
    }
    case 32:
      return countNonZeroItems(new Uint32Array(block.buffer, block.byteOffset, count));
    case 16:
      return countNonZeroItems(new Uint16Array(block.buffer, block.byteOffset, count));
    case 8:
      return countNonZeroItems(block.subarray(0, count));
    default: {
      const width = refcountWidth(bits);
      let found = 0;
      for (let index = 0; index < count; index++) if (width.get(block, index) !== 0) found++;
      return found;
    }
  }
}

function countNonZeroItems(items: Uint8Array | Uint16Array | Uint32Array): number {
  let found = 0;
  for (let i = 0; i < items.length; i++) if (items[i] !== 0) found++;
  return found;
}

/** The exact value of a refcount of 64 bits, which a number may not hold. */
export const exactRefcount = (block: Uint8Array, index: number): bigint =>
  dataView(block).getBigUint64(index * 8);
