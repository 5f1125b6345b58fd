/**
 * A checksum of 53 bits that tells contents apart, not forgers: murmur3's mixing on two lanes of 32-bit words, about
 * a gigabyte a second, where a cryptographic hash would cost more than the work around it. It is written to journals:
 * it must not change.
 */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/**
 * @param bytes begins at a multiple of 4 in its buffer; its length is a multiple of 8
 * @returns a safe integer
 */
export const checksum = (bytes: Uint8Array): number =>
  checksumOf(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));

/** The same of the words from `start` to before `end`, an even number of them. */
export function checksumOf(words: Uint32Array, start = 0, end = words.length): number {
  let a = 0x9e3779b9;
  let b = 0x7f4a7c15 ^ (end - start);
  for (let at = start; at < end; at += 2) {
    let k = Math.imul(words[at]!, C1);
    a ^= Math.imul((k << 15) | (k >>> 17), C2);
    a = Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64 + b;
    k = Math.imul(words[at + 1]!, C2);
    b ^= Math.imul((k << 16) | (k >>> 16), C1);
    b = Math.imul((b << 11) | (b >>> 21), 5) + 0x38b34ae5 + a;
  }
  a = finish(a ^ b);
  b = finish(b + a);
  return (a & 0x1fffff) * 0x1_0000_0000 + (b >>> 0);
}

/** murmur3's finaliser. */
function finish(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
