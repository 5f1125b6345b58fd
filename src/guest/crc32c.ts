/**
 * CRC-32C (Castagnoli), without a final inversion: the checksum of ext4 (`metadata_csum`) and XFS v5. It goes eight bytes at a time:
 * all block bitmaps of 8 TiB are 256 MiB.
 */

/** What it begins with where nothing came before. */
export const CRC32C_START = 0xffffffff;

/** Eight tables of 256 entries: table k tells what a byte does that is followed by k others. */
const TABLES = tables(0x82f63b78);

function tables(polynomial: number): Uint32Array {
  const all = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : polynomial);
    all[byte] = crc;
  }
  for (let at = 256; at < all.length; at++) {
    const before = all[at - 256]!;
    all[at] = (before >>> 8) ^ all[before & 0xff]!;
  }
  return all;
}

/**
 * @param crc of the bytes before
 * @param end of the bytes that count, in `bytes`
 * @returns 32 bits, unsigned
 */
export function crc32c(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  const table = TABLES;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      table[1792 + (crc & 0xff)]! ^
      table[1536 + ((crc >>> 8) & 0xff)]! ^
      table[1280 + ((crc >>> 16) & 0xff)]! ^
      table[1024 + (crc >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^
      table[512 + bytes[at + 5]!]! ^
      table[256 + bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 0xff]!;
  return crc >>> 0;
}

/** The same of the four bytes of a little-endian number. */
export function crc32cOfNumber(crc: number, value: number): number {
  for (let shift = 0; shift < 32; shift += 8) crc = (crc >>> 8) ^ TABLES[(crc ^ (value >>> shift)) & 0xff]!;
  return crc >>> 0;
}

/** The same of two zeroes: what stands for a checksum within the bytes that it is of. */
export function crc32cOfZeroes(crc: number): number {
  crc = (crc >>> 8) ^ TABLES[crc & 0xff]!;
  return ((crc >>> 8) ^ TABLES[crc & 0xff]!) >>> 0;
}
