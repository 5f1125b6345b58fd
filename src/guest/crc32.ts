/** CRC-32 with the reflected polynomial 0xEDB88320, as GPT (UEFI 5.3.2) and LVM2 use it. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
  return value;
});

/**
 * Continues a checksum; nothing is inverted before or after.
 * @param state of what came before, or the initial value
 */
export function updateCrc32(state: number, bytes: Uint8Array): number {
  let crc = state;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc >>> 0;
}

/** The usual CRC-32: all bits set at the start, all inverted at the end. */
export const crc32 = (bytes: Uint8Array): number => (updateCrc32(0xffffffff, bytes) ^ 0xffffffff) >>> 0;
