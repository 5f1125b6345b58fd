/**
 * Compressed cluster descriptor (qcow2.txt, "Compressed Clusters Descriptor"): the host offset of the compressed
 * bytes and how many 512-byte sectors they touch. Where one field ends and the other begins depends on the cluster
 * size.
 */
import { DESCRIPTOR_HIGH } from './entryBits';

const SECTOR = 512;

/** The lowest bit of the sector count; the offset has the bits below. */
export const sectorCountShift = (clusterBits: number): number => 62 - (clusterBits - 8);

/** The same in the high word: the shift is 49 to 61. */
const shiftHigh = (clusterBits: number): number => sectorCountShift(clusterBits) - 32;

/** The bits of the offset in the high word. Not `2 **`: this is asked for each of millions of clusters. */
const offsetHigh = (clusterBits: number): number => (1 << shiftHigh(clusterBits)) - 1;

const sectorsOf = (high: number, clusterBits: number): number =>
  ((high & DESCRIPTOR_HIGH) >>> shiftHigh(clusterBits)) + 1;

/** The bits of the offset, in the high word, that no offset up to 2^53 − 1 has. */
export const beyond2To53High = (clusterBits: number): number => offsetHigh(clusterBits) & ~0x1fffff;

/** First byte of the compressed stream, in bytes; may exceed 2^53, which the caller refuses. */
export function compressedOffset(high: number, low: number, clusterBits: number): number {
  return (high & offsetHigh(clusterBits)) * 0x1_0000_0000 + low;
}

/** Bytes from the stream's first byte to the end of its last sector; the stream may end before. */
export function compressedLength(high: number, low: number, clusterBits: number): number {
  return sectorsOf(high, clusterBits) * SECTOR - (low & (SECTOR - 1));
}

/** The bytes that a compressed cluster's sectors touch. */
export function compressedRegion(
  high: number,
  low: number,
  clusterBits: number,
): { readonly offset: number; readonly size: number } {
  return {
    offset: compressedOffset(high, low, clusterBits),
    size: compressedLength(high, low, clusterBits),
  };
}

/** The host clusters that a compressed cluster's sectors touch. */
export function compressedClusters(
  high: number,
  low: number,
  clusterBits: number,
): { readonly first: number; readonly count: number } {
  const { offset, size } = compressedRegion(high, low, clusterBits);
  const clusterSize = 1 << clusterBits;
  const first = Math.floor(offset / clusterSize);
  return { first, count: Math.ceil((offset + size) / clusterSize) - first };
}

/**
 * The number of the host cluster that all sectors of a compressed cluster lie in; −1 where there are several, or where it
 * has a number of 31 bits or more. For loops: nothing in it is wider than a 32-bit word, which may be signed.
 */
export function onlyCluster(high: number, low: number, clusterBits: number): number {
  const offset = high & offsetHigh(clusterBits);
  if (offset >>> (clusterBits - 1) !== 0) return -1;
  const clusterSize = 1 << clusterBits;
  const end = (low & (clusterSize - SECTOR)) + sectorsOf(high, clusterBits) * SECTOR;
  return end > clusterSize ? -1 : (offset << (32 - clusterBits)) | (low >>> clusterBits);
}

/** The high word of a descriptor with another number of sectors. */
export const withSectors = (high: number, clusterBits: number, sectors: number): number =>
  ((high & (~DESCRIPTOR_HIGH | offsetHigh(clusterBits))) | ((sectors - 1) << shiftHigh(clusterBits))) >>> 0;

/** The high word of a descriptor for the same sectors at another offset, of which the low word is `offset % 2 ** 32`. */
export const withCompressedOffset = (high: number, clusterBits: number, offset: number): number =>
  ((high & ~offsetHigh(clusterBits)) | Math.floor(offset / 0x1_0000_0000)) >>> 0;
