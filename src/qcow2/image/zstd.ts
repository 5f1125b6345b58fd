/**
 * zstd: node:zlib's where it exists (Node 22.15 on), else `fzstd`, in JavaScript. Both get one frame at a time, cut
 * out and under a header that cannot make them allocate at will.
 */
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { cutZstdFrame, modestFrameHeader, type ZstdFrame } from '../format/zstdFrame';

/** The part of node:zlib that older versions, and their types, do not have. */
interface NativeZstd {
  readonly zstdDecompressSync?: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
}

const native = (zlib as NativeZstd).zstdDecompressSync;

/**
 * Decompresses frames from `input` until `target` is full; what follows them is ignored.
 * @returns bytes written; fewer than `target.length` never
 * @throws Error, of any kind, where that is impossible
 */
export function decompressZstd(input: Uint8Array, target: Uint8Array): number {
  let at = 0;
  let filled = 0;
  while (filled < target.length) {
    const frame = cutZstdFrame(input, at);
    const got = decodeFrame(input, frame, target.subarray(filled));
    if (frame.contentSize !== undefined && frame.contentSize !== got) {
      throw new Error('the zstd frame is not as long as it says');
    }
    filled += got;
    at = frame.end;
  }
  return filled;
}

function decodeFrame(input: Uint8Array, frame: ZstdFrame, target: Uint8Array): number {
  if (frame.blocks.length === 0) return 0;
  return native === undefined
    ? decodeInScript(input, frame, target)
    : decodeNatively(native, input, frame, target);
}

function decodeNatively(
  decode: Exclude<NativeZstd['zstdDecompressSync'], undefined>,
  input: Uint8Array,
  frame: ZstdFrame,
  target: Uint8Array,
): number {
  const blocks = input.subarray(frame.blocks[0]?.start ?? frame.end, frame.end);
  const whole = Buffer.concat([modestFrameHeader(target.length, frame.hasChecksum), blocks]);
  const content = decode(whole, { maxOutputLength: target.length });
  target.set(content);
  return content.length;
}

/** Block by block, so that a frame that grows too large is noticed before it is held. Checksums are not verified. */
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
  return filled;
}
