/** Runs of entries in contiguous clusters: this is where walks over large images spend their time. */
import { HIGH, LOW } from '../format/bytes';
import { endOfRising } from '../io/simd';

/**
 * Where the entry at `first` stops being continued: the entries from there on have its flags and the clusters behind its
 * own, or are the same. A run ends at a multiple of 4 GiB, where the high word would have to be counted up.
 * @param words an L2 table's; signed ones stay in registers, unsigned ones beyond 2^31 are floating point numbers to V8
 * @param first index of an entry's first word
 * @param end index of the first word that is not looked at
 * @param rise from entry to entry, in bytes: the size of a cluster, or 0
 */
export function endOfRun(words: Int32Array, first: number, end: number, rise: number): number {
  // Integers for certain, for the same reason.
  const step = rise | 0;
  const [high, low] = [HIGH, LOW];
  const start = words[first + low]!;
  let at = first + 2;
  if (at >= end || words[at + low] !== ((start + step) | 0)) return at;
  const stop = Math.min(end, first + 2 * Math.ceil((0x1_0000_0000 - (start >>> 0)) / step));
  const flags = words[first + high]!;
  const twice = step << 1;
  let next = (start + step) | 0;
  // Where the one after eight is as it should be, more of them are likely to be.
  if (at + 16 < stop && words[at + 16 + low] === ((next + (step << 3)) | 0)) {
    const wide = endOfRising(words, at, stop, next, flags, step);
    next = (next + Math.imul(step, (wide - at) >> 1)) | 0;
    at = wide;
  }
  // Four at a time: one branch for all of them.
  for (; at + 8 <= stop; at += 8) {
    const differs =
      (words[at + low]! ^ next) |
      (words[at + high]! ^ flags) |
      (words[at + 2 + low]! ^ ((next + step) | 0)) |
      (words[at + 2 + high]! ^ flags) |
      (words[at + 4 + low]! ^ ((next + twice) | 0)) |
      (words[at + 4 + high]! ^ flags) |
      (words[at + 6 + low]! ^ ((next + twice + step) | 0)) |
      (words[at + 6 + high]! ^ flags);
    if (differs !== 0) break;
    next = (next + twice + twice) | 0;
  }
  for (; at < stop && words[at + low] === next && words[at + high] === flags; at += 2) {
    next = (next + step) | 0;
  }
  return at;
}
