/**
 * Compressed clusters of type zstd: by node:zlib where it can (Node 22.15 on), else by `fzstd`. Both get one frame at
 * a time, cut out of what follows it, under a header that asks for little memory.
 */
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { dataView } from '../format/bytes';
import { cutZstdFrame, modestFrameHeader, type ZstdFrame } from '../format/zstdFrame';
import { xxh64Low } from './xxh64';

/** The part of node:zlib that older versions, and their types, do not have. */
interface NativeZstd {
  readonly zstdDecompressSync?: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
}

const { zstdDecompressSync } = zlib as NativeZstd;

/**
 * Decompresses frames from `input` until `target` is full; what follows them is ignored.
 * @throws Error, of any kind, where they do not fill it exactly
 */
export function decompressZstd(input: Uint8Array, target: Uint8Array): void {
  for (let at = 0, filled = 0; filled < target.length;) {
    const frame = cutZstdFrame(input, at);
    const got = decodeFrame(input, frame, target.subarray(filled));
    if (frame.contentSize !== undefined && frame.contentSize !== got) {
      throw new Error('the zstd frame is not as long as it says');
    }
    filled += got;
    at = frame.end;
  }
}

/** @returns bytes written to the start of `target` */
function decodeFrame(input: Uint8Array, frame: ZstdFrame, target: Uint8Array): number {
  const [first] = frame.blocks;
  if (first === undefined) return 0;
  if (zstdDecompressSync === undefined) return decodeInScript(input, frame, target);
  const header = modestFrameHeader(target.length, frame.hasChecksum);
  const whole = Buffer.concat([header, input.subarray(first.start, frame.end)]);
  const content = zstdDecompressSync(whole, { maxOutputLength: target.length });
  target.set(content);
  return content.length;
}

/**
 * Block by block, so that a frame that grows too large is noticed before it is held. `fzstd` leaves the checksum to
 * its caller.
 */
function decodeInScript(input: Uint8Array, frame: ZstdFrame, target: Uint8Array): number {
  let filled = 0;
  const decoder = new Decompress((content) => {
    if (filled + content.length > target.length) throw new Error('the zstd frame is longer than a cluster');
    target.set(content, filled);
    filled += content.length;
  });
  decoder.push(modestFrameHeader(target.length, false));
  frame.blocks.forEach(({ start, end }, index) => {
    decoder.push(input.subarray(start, end), index === frame.blocks.length - 1);
  });
  if (frame.hasChecksum) {
    const expected = dataView(input).getUint32(frame.end - 4, true);
    if (xxh64Low(target.subarray(0, filled)) !== expected) throw new Error('the zstd checksum is wrong');
  }
  return filled;
}
