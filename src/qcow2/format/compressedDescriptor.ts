/**
 * Compressed cluster descriptor (qcow2.txt, "Compressed Clusters Descriptor"): the host offset of the compressed
 * bytes and how many 512-byte sectors they touch. Where one field ends and the other begins depends on the cluster
 * size.
 */
import { type ByteLength, hostOffset, type HostOffset } from '../units';

/** The lowest bit of the sector count; the offset has the bits below. */
export const sectorCountShift = (clusterBits: number): number => 62 - (clusterBits - 8);

/** First byte of the compressed stream, in bytes; may exceed 2^53, which the caller refuses. */
export function compressedOffset(high: number, low: number, clusterBits: number): HostOffset {
  // The shift is 49 to 61: always in the high word.
  const highBits = sectorCountShift(clusterBits) - 32;
  // Not `2 **`: this is called for each of millions of clusters.
  return hostOffset((high & ((1 << highBits) - 1)) * 0x1_0000_0000 + low);
}

/** Bytes from the stream's first byte to the end of its last sector; the stream may end before. */
export function compressedLength(high: number, low: number, clusterBits: number): ByteLength {
  const highBits = sectorCountShift(clusterBits) - 32;
  const additionalSectors = (high & 0x3fffffff) >>> highBits;
  return (additionalSectors + 1) * 512 - (low & 511);
}
