/** UTF-16 text of names. */

/** Halves of surrogate pairs without the other half, which are not text, are replaced. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** @param units UTF-16; the text ends at the first zero */
export function utf16Text(units: Uint16Array): string {
  const end = units.indexOf(0);
  return wellFormed(String.fromCharCode(...(end < 0 ? units : units.subarray(0, end))));
}
