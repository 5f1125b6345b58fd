/** Numbers of bytes on the command line, as qemu-img takes them. */

const SUFFIXES = 'bkmgtpe';

/** As in QEMU, whose offsets are signed. */
const LIMIT = 2 ** 63;

/**
 * Reads decimal digits, a decimal fraction with a suffix (`1.5G`), or `0x…`; the suffixes `k M G T P E` (either
 * case) are powers of 1024, `b` is one byte.
 * @returns undefined for anything else, for a fraction of a byte, and from 2^63 on. Beyond 2^53 the number is not
 * exact, and past the end of every disk that is read here.
 */
export function parseByteCount(text: string): number | undefined {
  const match = /^(?:(0x[0-9a-f]+)|(\d+(?:\.\d+)?))([bkmgtpe]?)$/i.exec(text);
  if (match === null) return undefined;
  const [, hexDigits, decimal = '', suffix = ''] = match;
  const unit = 1024 ** Math.max(0, SUFFIXES.indexOf(suffix.toLowerCase()));
  // A fraction that does not come out even is cut off, but only where there is a unit to take it of.
  if (unit === 1 && decimal.includes('.')) return undefined;
  const value = Math.floor(Number(hexDigits ?? decimal) * unit);
  return value < LIMIT ? value : undefined;
}
