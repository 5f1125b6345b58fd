/** LZNT1, on chunks written by hand. */
import { describe, expect, test } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import { decompress } from '../../../../src/guest/ntfs/lznt1';

function decompressed(packed: readonly number[], size: number): string {
  const target = new Uint8Array(size).fill(0x7e);
  decompress(Uint8Array.from(packed), target);
  return Buffer.from(target).toString('latin1');
}

const codes = (text: string): number[] => [...Buffer.from(text, 'latin1')];
const chunk = (data: readonly number[], flag = 0xb000): number[] => {
  const header = flag | (data.length - 1);
  return [header & 0xff, header >> 8, ...data];
};

describe('LZNT1', () => {
  test('copies literals and references, also those that reach into what they make', () => {
    // "abc", then 6 bytes from 3 in front: distance 3, length 6.
    const reference = ((3 - 1) << 12) | (6 - 3);
    const data = [0b1000, ...codes('abc'), reference & 0xff, reference >> 8];
    expect(decompressed(chunk(data), 12)).toBe('abcabcabc\0\0\0');
  });

  test('takes more bits for distances further on in a chunk', () => {
    // 17 literals: from there on, distances have 5 bits.
    const reference = ((17 - 1) << 11) | (17 - 3);
    const data = [
      0,
      ...codes('abcdefgh'),
      0,
      ...codes('ijklmnop'),
      0b10,
      ...codes('q'),
      reference & 0xff,
      reference >> 8,
    ];
    expect(decompressed(chunk(data), 34)).toBe('abcdefghijklmnopqabcdefghijklmnopq');
  });

  test('fills a chunk that ends early with zeroes, and goes on with the next', () => {
    const two = [...chunk([0, ...codes('ab')]), ...chunk(codes('cd'), 0x3000)];
    expect(decompressed(two, 4098)).toBe(`ab${'\0'.repeat(4094)}cd`);
  });

  test('ends at a header of zero', () => {
    expect(decompressed([...chunk([0, ...codes('ab')]), 0, 0, 1, 2], 4)).toBe('ab\0\0');
  });

  test.each([
    ['a reference to in front of the chunk', chunk([0b10, ...codes('a'), 0, 0x10])],
    ['a reference that is cut off', chunk([0b1, 0])],
    ['a chunk that reaches beyond the end', [0xff, 0xbf, 0, 1]],
    ['more than a chunk holds', chunk([0b10, ...codes('a'), 0xff, 0x0f, ...Array<number>(20).fill(0)])],
  ])('refuses %s', (_, packed) => {
    expect(() => decompressed(packed, 4096)).toThrow(GuestError);
  });
});
