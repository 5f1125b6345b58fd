/** Bits of 32-bit words. */

/** Of a word that is not 0. */
export const trailingZeroes = (word: number): number => 31 - Math.clz32(word & -word);

/** How many are set (Warren, Hacker's Delight, 5-1). */
export function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
