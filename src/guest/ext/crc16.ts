/** CRC-16, the checksum of `gdt_csum` (`lib/crc16.c` of the kernel), without a final inversion. */

/** What it begins with where nothing came before. */
export const CRC16_START = 0xffff;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xa001);
  return crc;
});

/** @param crc of the bytes before */
export function crc16(crc: number, bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!;
  return crc;
}
