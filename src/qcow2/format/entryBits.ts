/**
 * The bits of 64-bit table entries (qcow2.txt, "Cluster mapping", "Host cluster management", "Bitmaps"), as masks of an
 * entry's two words. They are numbers in this file alone; the linter refuses them elsewhere.
 */
import { hostOffset, type HostOffset } from '../units';
import type { RawEntry } from './bytes';

/** Bit 63 of an L1 or L2 entry, in its high word: the refcount is exactly one. */
export const COPIED_HIGH = 0x80000000;
/** Bit 62 of an L2 entry, in its high word. */
export const COMPRESSED_HIGH = 0x40000000;
/** Bits 0 to 61 of a compressed cluster's descriptor, in the high word: offset and sectors. */
export const DESCRIPTOR_HIGH = 0x3fffffff;
/** Bit 0 of a standard L2 entry in version 3: reads as zero. */
export const ZERO_LOW = 1;

/** Reserved bits of an L1 entry: 56 to 62, and 0 to 8. */
export const L1_RESERVED: RawEntry = { high: 0x7f000000, low: 0x1ff };
/** Reserved bits of a standard L2 entry: 56 to 61, and 1 to 8. */
export const L2_RESERVED: RawEntry = { high: 0x3f000000, low: 0x1fe };
/** Reserved bits of a refcount table entry: 0 to 8. */
export const REFCOUNT_TABLE_RESERVED: RawEntry = { high: 0, low: 0x1ff };
/** Reserved bits of a bitmap table entry: 56 to 63, and 1 to 8. */
export const BITMAP_TABLE_RESERVED: RawEntry = { high: 0xff000000, low: 0x1fe };

/** Bits 53 to 55, in the high word: no offset this program can handle has them. */
export const BEYOND_2_53_HIGH = 0x00e00000;
/** The same in a refcount table entry, of which the offset has bits 56 to 63 as well. */
export const REFCOUNT_BEYOND_2_53_HIGH = 0xffe00000;

/** The offset field of L1, L2 and bitmap table entries: bits 9 to 55. */
const OFFSET_HIGH = 0x00ffffff;
const OFFSET_LOW = 0xfffffe00;

/** Whether any of some bits is set. */
export const hasAny = (high: number, low: number, bits: RawEntry): boolean =>
  (high & bits.high) !== 0 || (low & bits.low) !== 0;

/** An entry without some bits. */
export const without = (high: number, low: number, bits: RawEntry): RawEntry => ({
  high: (high & ~bits.high) >>> 0,
  low: (low & ~bits.low) >>> 0,
});

/** The offset field, in bytes. */
export const offsetOf = (high: number, low: number): HostOffset =>
  hostOffset((high & OFFSET_HIGH) * 0x1_0000_0000 + ((low & OFFSET_LOW) >>> 0));

/**
 * The number of the cluster at the offset of `offsetOf`, a multiple of the cluster size; −1 where it has 31 bits or more. For
 * loops: nothing in it is wider than a 32-bit word, which may be signed.
 */
export function clusterNumber(high: number, low: number, clusterBits: number): number {
  const offset = high & OFFSET_HIGH;
  return offset >>> (clusterBits - 1) === 0 ? (offset << (32 - clusterBits)) | (low >>> clusterBits) : -1;
}

/** The offset in a refcount table entry, bits 9 to 63, in bytes: exact to 2^53. */
export const refcountBlockOffset = (high: number, low: number): HostOffset =>
  hostOffset(offsetOf(high, low) + (high >>> 24) * 2 ** 56);

/** Whether the offset field is not zero: less work than to make it a number of bytes. */
export const hasOffset = (high: number, low: number): boolean =>
  ((high & OFFSET_HIGH) | (low & OFFSET_LOW)) !== 0;

/**
 * An entry with another offset, and the other bits that it had.
 * @param offset in bytes, a multiple of 512
 */
export const withOffset = (high: number, low: number, offset: HostOffset): RawEntry => ({
  high: ((high & ~OFFSET_HIGH) | Math.floor(offset / 0x1_0000_0000)) >>> 0,
  low: ((low & ~OFFSET_LOW) | (offset % 0x1_0000_0000)) >>> 0,
});
