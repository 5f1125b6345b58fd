/** Whether bytes are all zero, as fast as they can be compared. */
const ZEROES = Buffer.alloc(64 * 1024);

export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROES.length) {
    const end = Math.min(bytes.length, at + ZEROES.length);
    if (ZEROES.compare(bytes, at, end, 0, end - at) !== 0) return false;
  }
  return true;
}
