/**
 * Byte counts in words, the same in the command line, the editor and the page, and rounded as QEMU rounds them
 * (util/cutils.c, `size_to_str`): three significant digits and a unit, `1.06 MiB`. Not translated, so that what is shown
 * can be compared with what `qemu-img` prints.
 */

const UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** @param bytes ≥ 0 */
export function sizeText(bytes: number): string {
  // From 1000 of a unit on, the next one is used, so that three digits are enough.
  let exponent = 0;
  while (exponent < UNITS.length - 1 && bytes / 1024 ** exponent >= 1000) exponent++;
  return `${threeDigits(bytes / 1024 ** exponent)} ${UNITS[exponent]}B`;
}

/** With nothing rounded, as `parseBytes` reads it: `3 MiB`, or `3145729` without a unit. @param bytes ≥ 0 */
export function exactSizeText(bytes: number): string {
  let exponent = 0;
  while (exponent < UNITS.length - 1 && bytes > 0 && bytes % 1024 ** (exponent + 1) === 0) exponent++;
  const count = bytes / 1024 ** exponent;
  return exponent === 0 ? String(count) : `${count} ${UNITS[exponent]}B`;
}

/** C's `%0.3g` for a value from 0 up to, not including, 1000, but without an exponent where that is rounded to 1000. */
function threeDigits(value: number): string {
  const wholeDigits = value >= 100 ? 3 : value >= 10 ? 2 : value >= 1 || value === 0 ? 1 : 0;
  const scale = 10 ** (3 - wholeDigits);
  return String(roundHalfEven(value * scale) / scale);
}

/** C rounds what lies exactly between two to the even one; sizes are binary fractions, so this does happen. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
