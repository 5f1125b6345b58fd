/**
 * Compressed cluster payloads (qcow2.txt, "Compressed Clusters Descriptor"): raw deflate with a 12-bit window, or one
 * zstd frame. Where Node has no zstd, the frame is made of raw and run-length blocks (RFC 8878, 3.1.1.2).
 */
import * as zlib from 'node:zlib';

export type CompressionType = 'deflate' | 'zstd';

/**
 * Compresses one cluster. The result may be slightly longer than the cluster: a descriptor can hold up to twice the
 * cluster size, and readers must cope.
 */
export function compressCluster(cluster: Uint8Array, type: CompressionType): Uint8Array {
  if (type === 'deflate') return zlib.deflateRawSync(cluster, { windowBits: 12 });
  return 'zstdCompressSync' in zlib
    ? (zlib.zstdCompressSync as (input: Uint8Array) => Uint8Array)(cluster)
    : zstdFrame(cluster);
}

const ZSTD_MAGIC = 0xfd2fb528;
const RAW_BLOCK = 0;
const RLE_BLOCK = 1;
/** RFC 8878: no block decodes to more than 128 KiB. */
const LARGEST_BLOCK = 128 * 1024;
/** Small blocks, so that a frame has several and both kinds meet. */
const BLOCK = 4096;

/** A valid zstd frame without entropy coding: single segment, four-byte content size, no checksum. */
export function zstdFrame(cluster: Uint8Array): Uint8Array {
  const header = Buffer.alloc(9);
  header.writeUInt32LE(ZSTD_MAGIC, 0);
  header.writeUInt8(0b10_1_0_0_0_00, 4); // content size in 4 bytes, single segment
  header.writeUInt32LE(cluster.length, 5);
  const parts: Uint8Array[] = [header];
  for (let start = 0; start < cluster.length;) {
    const run = repeatedBytes(cluster, start);
    const isRun = run >= 16;
    const length = isRun ? run : rawLength(cluster, start);
    const isLast = start + length === cluster.length;
    parts.push(blockHeader(isLast, isRun ? RLE_BLOCK : RAW_BLOCK, length));
    parts.push(cluster.subarray(start, isRun ? start + 1 : start + length));
    start += length;
  }
  return Buffer.concat(parts);
}

function blockHeader(isLast: boolean, type: number, length: number): Uint8Array {
  const header = Buffer.alloc(3);
  header.writeUIntLE((length << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return header;
}

/** How many equal bytes follow from `start`, as far as one block goes. */
function repeatedBytes(cluster: Uint8Array, start: number): number {
  const end = Math.min(cluster.length, start + LARGEST_BLOCK);
  let at = start + 1;
  while (at < end && cluster[at] === cluster[start]) at++;
  return at - start;
}

/** Bytes from `start` to the next long run of equal bytes, at most one small block. */
function rawLength(cluster: Uint8Array, start: number): number {
  const end = Math.min(cluster.length, start + BLOCK);
  for (let at = start + 1; at < end; at += 16) if (repeatedBytes(cluster, at) >= 64) return at - start;
  return end - start;
}
