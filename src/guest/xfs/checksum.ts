/** The checksums of XFS v5: CRC-32C with the field itself counted as zero, inverted, and stored little-endian. */
import { CRC32C_START, crc32c, crc32cOfNumber } from '../crc32c';

/** The checksum of `bytes` whose field is at `at`, at least 4 bytes before their end. */
export function checksumOf(bytes: Uint8Array, at: number): number {
  const before = crc32c(CRC32C_START, bytes, 0, at);
  return ~crc32c(crc32cOfNumber(before, 0), bytes, at + 4) >>> 0;
}

export function hasRightChecksum(bytes: Uint8Array, at: number): boolean {
  const stored = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  return stored === checksumOf(bytes, at);
}
