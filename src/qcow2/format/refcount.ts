/** Refcount table entries and refcount blocks of all widths (qcow2.txt, "Host cluster management"). */
import { FormatError, type ProblemFacts } from '../errors';
import type { ByteLength, HostOffset } from '../units';
import { entryHex, dataView, safeNumber } from './bytes';
import { offsetOf, RESERVED_BEYOND_2_53 } from './offsetField';

/** Bits 0 to 8. */
const RESERVED_LOW = 0x1ff;

/**
 * The offset of a refcount block in bytes; 0 where there is none, and all refcounts it would have are 0.
 * @param entryOffset where the entry is, for the error
 * @throws FormatError
 */
export function decodeRefcountTableEntry(
  file: string,
  high: number,
  low: number,
  clusterSize: ByteLength,
  entryOffset: HostOffset,
): number {
  const facts = (): ProblemFacts => ({
    what: 'refcount table entry',
    offset: entryOffset,
    value: entryHex(high, low),
  });
  if ((low & RESERVED_LOW) !== 0) {
    throw new FormatError(file, 'entry.reserved', { ...facts(), limit: '0x1ff' });
  }
  if ((low & (clusterSize - 1)) !== 0) {
    throw new FormatError(file, 'entry.misaligned', { ...facts(), limit: clusterSize });
  }
  if ((high & (RESERVED_BEYOND_2_53 | 0xff000000)) !== 0)
    throw new FormatError(file, 'entry.tooLarge', facts());
  return offsetOf(high, low);
}

/** Refcounts in one refcount block, which is one cluster. */
export const refcountsPerBlock = (clusterSize: ByteLength, refcountBits: number): number =>
  (clusterSize * 8) / refcountBits;

/** Where a piece of a refcount block is, for errors. */
export interface RefcountPlace {
  readonly file: string;
  /** Bytes. */
  readonly offset: HostOffset;
}

/**
 * One refcount out of a piece of a block.
 * @param bits width of a refcount: 1, 2, 4, 8, 16, 32 or 64
 * @throws FormatError `value.tooLarge` for a 64-bit refcount beyond 2^53 − 1
 */
export function refcountAt(place: RefcountPlace, block: Uint8Array, index: number, bits: number): number {
  const view = dataView(block);
  switch (bits) {
    case 64:
      return safeNumber(place.file, view.getBigUint64(index * 8), 'refcount', place.offset + index * 8);
    case 32:
      return view.getUint32(index * 4);
    case 16:
      return view.getUint16(index * 2);
    case 8:
      return view.getUint8(index);
    default:
      return narrowRefcount(block, index, bits);
  }
}

/** One of several in a byte: the first one is in the lowest bits. */
function narrowRefcount(block: Uint8Array, index: number, bits: number): number {
  const perByte = 8 / bits;
  return (block[Math.floor(index / perByte)]! >>> ((index % perByte) * bits)) & ((1 << bits) - 1);
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
      let found = 0;
      for (let index = 0; index < count; index++) if (narrowRefcount(block, index, bits) !== 0) found++;
      return found;
    }
  }
}

function countNonZeroItems(items: Uint8Array | Uint16Array | Uint32Array): number {
  let found = 0;
  for (let i = 0; i < items.length; i++) if (items[i] !== 0) found++;
  return found;
}
