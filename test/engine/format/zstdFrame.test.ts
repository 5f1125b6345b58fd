import { describe, expect, it } from 'vitest';
import { cutZstdFrame, modestFrameHeader, ZstdFrameError } from '../../../src/qcow2/format/zstdFrame';
import { decompressZstd } from '../../../src/qcow2/image/zstd';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** A raw block; the last one has bit 0 set. */
const raw = (content: readonly number[], isLast: boolean) => {
  const header = (content.length << 3) | (isLast ? 1 : 0);
  return [header & 0xff, (header >> 8) & 0xff, header >> 16, ...content];
};
const rle = (byte: number, count: number, isLast: boolean) => {
  const header = (count << 3) | 2 | (isLast ? 1 : 0);
  return [header & 0xff, (header >> 8) & 0xff, header >> 16, byte];
};
const bytes = (...parts: (readonly number[])[]) => Uint8Array.from(parts.flat());

/** Window of 128 KiB, no content size. */
const PLAIN = [...MAGIC, 0x00, 0x38];
/** A neighbour's bytes, which are no frame. */
const TRAIL = [1, 2, 3, 4, 5, 6, 7, 8];

function decompress(input: Uint8Array, size: number): number[] {
  const target = new Uint8Array(size);
  decompressZstd(input, target);
  return [...target];
}

describe('the end of a zstd frame', () => {
  it('is after its last block, whatever follows', () => {
    const input = bytes(PLAIN, raw([9, 9], false), rle(7, 3, true), TRAIL);
    const frame = cutZstdFrame(input, 0);
    expect(frame).toEqual({
      end: input.length - TRAIL.length,
      blocks: [
        { start: 6, end: 11 },
        { start: 11, end: 15 },
      ],
      hasChecksum: false,
    });
  });

  it('is after the checksum where there is one', () => {
    const frame = cutZstdFrame(bytes([...MAGIC, 0x04, 0x38], raw([1], true), [0, 0, 0, 0], TRAIL), 0);
    expect(frame).toMatchObject({ end: 14, hasChecksum: true });
  });

  it.each([
    ['one byte', [0x20, 5], 5],
    ['two bytes', [0x60, 5, 1], 0x105 + 256],
    ['four bytes', [0xa0, 1, 2, 3, 0], 0x030201],
    ['eight bytes', [0xe0, 0, 0, 0, 0, 1, 0, 0, 0], 2 ** 32],
  ])('is found with a content size of %s', (_name, descriptor, contentSize) => {
    const frame = cutZstdFrame(bytes(MAGIC, descriptor, raw([1], true)), 0);
    expect(frame).toMatchObject({ contentSize, end: 4 + descriptor.length + 4 });
  });

  it('is found for a skippable frame', () => {
    const skippable = [0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
    expect(cutZstdFrame(bytes(skippable, TRAIL), 0)).toEqual({ end: 10, blocks: [], hasChecksum: false });
  });

  it.each([
    ['no frame at all', TRAIL],
    ['an end within the header', [...MAGIC, 0x00]],
    ['an end within a block', [...PLAIN, ...raw([1, 2, 3], true).slice(0, 5)]],
    ['no last block', [...PLAIN, ...raw([1], false)]],
    ['a block of the reserved type', [...PLAIN, 0x07, 0, 0]],
    ['a block above 128 KiB', [...PLAIN, 0x0b, 0, 0x20, 1]],
    ['reserved bits', [...MAGIC, 0x08, 0x38, ...raw([1], true)]],
    ['a dictionary', [...MAGIC, 0x01, 0x38, 5, ...raw([1], true)]],
  ])('is refused for %s', (_name, input) => {
    expect(() => cutZstdFrame(bytes(input), 0)).toThrow(ZstdFrameError);
  });
});

describe('decompressing zstd', () => {
  it('ignores the bytes after the frame', () => {
    expect(decompress(bytes(PLAIN, raw([9, 8], false), rle(7, 3, true), TRAIL), 5)).toEqual([9, 8, 7, 7, 7]);
  });

  it('goes on with further frames until the cluster is full', () => {
    const skippable = [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9];
    const input = bytes(PLAIN, raw([1, 2], true), skippable, PLAIN, rle(3, 2, true), TRAIL);
    expect(decompress(input, 4)).toEqual([1, 2, 3, 3]);
  });

  it('refuses a stream that is shorter or longer than the cluster', () => {
    expect(() => decompress(bytes(PLAIN, raw([1, 2], true)), 3)).toThrow();
    expect(() => decompress(bytes(PLAIN, raw([1, 2, 3], true)), 2)).toThrow();
    expect(() => decompress(bytes(PLAIN, rle(1, 100000, true)), 512)).toThrow();
  });

  it('refuses a frame that is not as long as it says', () => {
    expect(() => decompress(bytes(MAGIC, [0x20, 9], raw([1, 2], true)), 2)).toThrow();
  });

  it('asks for little memory, whatever window is declared', () => {
    const huge = [...MAGIC, 0x00, 0xff];
    expect(decompress(bytes(huge, raw([1, 2], true)), 2)).toEqual([1, 2]);
    expect(modestFrameHeader(512, false)).toEqual(bytes(PLAIN));
  });
});
