/**
 * Compressed clusters of type zstd: by node:zlib where it can (Node 22.15 on), else by `zstddec`, the reference
 * decoder as WebAssembly. Both get one frame at a time, cut out of what follows it, under a header that asks for
 * little memory.
 */
import { ZSTDDecoder } from 'zstddec';
import { cutZstdFrame, modestFrameHeader, type ZstdFrame } from '../format/zstdFrame';
import { release, stepFor, zlib } from '../io/zlib';
import type { ByteLength } from '../units';

const decoder = new ZSTDDecoder();

/**
 * Makes the decoder ready; a program that reads images waits for it once, when it starts. WebAssembly is the only
 * part of the engine that cannot be had synchronously, and nothing is done where node:zlib has zstd.
 */
export async function prepareZstd(): Promise<void> {
  if (zlib().zstdDecompressSync === undefined) await decoder.init();
}

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
function decodeFrame(input: Uint8Array, frame: ZstdFrame, target: Uint8Array): ByteLength {
  const [first] = frame.blocks;
  if (first === undefined) return 0;
  const whole = withHeader(
    modestFrameHeader(target.length, frame.hasChecksum),
    input.subarray(first.start, frame.end),
  );
  const { zstdDecompressSync } = zlib();
  const limit = target.length;
  const chunkSize = stepFor(limit);
  const content = zstdDecompressSync?.(whole, { maxOutputLength: limit, chunkSize });
  if (content === undefined) return decodeInWebAssembly(whole, target);
  target.set(content);
  const { length } = content;
  release(content, chunkSize);
  return length;
}

/** A frame is put together here: one after the other would be garbage. */
let scratch = new Uint8Array(0);

function withHeader(header: Uint8Array, blocks: Uint8Array): Uint8Array {
  const length = header.length + blocks.length;
  if (scratch.length < length) scratch = new Uint8Array(length);
  scratch.set(header);
  scratch.set(blocks, header.length);
  return scratch.subarray(0, length);
}

/** The library reports an error as a negative length, which comes out as nothing: what is empty is an error here. */
function decodeInWebAssembly(frame: Uint8Array, target: Uint8Array): ByteLength {
  const content = decoder.decode(frame, target.length);
  const { length } = content;
  if (length === 0) throw new Error('the zstd frame is broken, or longer than a cluster');
  target.set(content);
  release(content, length);
  return length;
}
