/**
 * LZNT1 ([MS-XCA] 2.5): chunks of up to 4096 bytes, each stored or as literals and references to what is in front of them in
 * the chunk. How many bits of a reference are its distance grows with the place in the chunk.
 */
import { GuestError } from '../errors';

const CHUNK = 4096;
const IS_COMPRESSED = 0x8000;
const SIZE_MASK = 0xfff;
/** Length bits of a reference to begin with; distance bits are the others of 16. */
const MOST_LENGTH_BITS = 12;
const LEAST_LENGTH = 3;

/**
 * @param packed chunks, ended by a header of zero or the end
 * @param target filled; zeroes follow what the chunks hold
 * @throws GuestError `guest.value` where the chunks are damaged
 */
export function decompress(packed: Uint8Array, target: Uint8Array): void {
  let to = 0;
  for (let from = 0; to < target.length && from + 2 <= packed.length;) {
    const header = packed[from]! | (packed[from + 1]! << 8);
    if (header === 0) break;
    const start = from + 2;
    const end = start + (header & SIZE_MASK) + 1;
    if (end > packed.length) throw damaged(from, end, packed.length);
    const chunk = target.subarray(to, Math.min(to + CHUNK, target.length));
    let length: number;
    if ((header & IS_COMPRESSED) !== 0) length = decompressChunk(packed, start, end, chunk);
    else {
      length = Math.min(end - start, chunk.length);
      chunk.set(packed.subarray(start, start + length));
    }
    chunk.fill(0, length);
    to += chunk.length;
    from = end;
  }
  target.fill(0, to);
}

/** @returns bytes written */
function decompressChunk(packed: Uint8Array, start: number, end: number, chunk: Uint8Array): number {
  let to = 0;
  let lengthBits = MOST_LENGTH_BITS;
  for (let from = start; from < end;) {
    let flags = packed[from++]!;
    for (let item = 0; item < 8 && from < end; item++, flags >>= 1) {
      if ((flags & 1) === 0) {
        if (to >= chunk.length) throw damaged(from, to, chunk.length);
        chunk[to++] = packed[from++]!;
        continue;
      }
      if (from + 2 > end) throw damaged(from, from + 2, end);
      while (lengthBits > 4 && to > 1 << (16 - lengthBits)) lengthBits--;
      const reference = packed[from]! | (packed[from + 1]! << 8);
      from += 2;
      const distance = (reference >>> lengthBits) + 1;
      const length = (reference & ((1 << lengthBits) - 1)) + LEAST_LENGTH;
      if (distance > to || to + length > chunk.length) throw damaged(from, to + length, chunk.length);
      // Byte by byte: a reference may reach into what it makes.
      for (const stop = to + length; to < stop; to++) chunk[to] = chunk[to - distance]!;
    }
  }
  return to;
}

const damaged = (offset: number, value: number, limit: number): GuestError =>
  new GuestError('guest.value', { what: 'compressed contents', offset, value, limit });
