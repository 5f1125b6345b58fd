/**
 * The arithmetic of a hex dump of any size: lines, the visible part, and a scrollbar for positions that no browser can
 * scroll to (1 PiB has 2^46 lines of 16 bytes; elements are limited to 2^25 pixels).
 */

/** Smallest length of the scrollbar's thumb, CSS pixels. */
export const SHORTEST_THUMB = 24;

export const lineCount = (size: number, bytesPerLine: number): number => Math.ceil(size / bytesPerLine);

/** Limits the top line so that the last line is at the bottom at most. */
export function clampTop(top: number, lines: number, linesShown: number): number {
  return Math.min(Math.max(0, Math.floor(top)), Math.max(0, lines - linesShown));
}

export interface Thumb {
  /** Pixels from the track's start. */
  readonly at: number;
  readonly length: number;
}

/** Position of the thumb on a track of `track` pixels. */
export function thumbOf(top: number, lines: number, linesShown: number, track: number): Thumb {
  if (lines <= linesShown) return { at: 0, length: track };
  const length = Math.min(track, Math.max(SHORTEST_THUMB, (linesShown / lines) * track));
  return { at: (top / (lines - linesShown)) * (track - length), length };
}

/** The top line for a thumb that was dragged to `at`. */
export function topOfThumb(at: number, lines: number, linesShown: number, track: number): number {
  const { length } = thumbOf(0, lines, linesShown, track);
  const way = track - length;
  if (way <= 0) return 0;
  return clampTop(Math.round((at / way) * (lines - linesShown)), lines, linesShown);
}

/** A run of bytes that are all zero or all nonzero; drawn as one element. */
export interface ByteRun {
  readonly isZero: boolean;
  readonly bytes: Uint8Array;
}

/** Splits the bytes of a line into runs of zero and nonzero bytes. */
export function runsOf(bytes: Uint8Array): readonly ByteRun[] {
  const runs: ByteRun[] = [];
  let start = 0;
  for (let at = 1; at <= bytes.length; at++) {
    if (at < bytes.length && (bytes[at] === 0) === (bytes[start] === 0)) continue;
    runs.push({ isZero: bytes[start] === 0, bytes: bytes.subarray(start, at) });
    start = at;
  }
  return runs;
}

/** `48 69 21`. */
export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** Printable ASCII as it is, everything else as a dot. */
export const textOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
