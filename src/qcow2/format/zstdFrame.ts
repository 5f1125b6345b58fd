/**
 * Finds the end of a zstd frame (RFC 8878, section 3.1). A compressed cluster is followed by whatever is in the rest
 * of its last sector, often its neighbour, and decoders fail on bytes that are no frame: the frame is cut out by
 * walking its block headers, without decoding anything.
 */
import { dataView } from './bytes';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** RFC 8878, section 3.1.1.2.4: no block is larger, compressed or not. */
const MAX_BLOCK_SIZE = 128 * 1024;

/** A cluster of 2 MiB needs 16: a bound on the work that tables of tiny blocks can cause. */
const MAX_BLOCKS = 16384;

export interface ZstdBlock {
  /** Of its three-byte header, in the input. */
  readonly start: number;
  /** First byte after it. */
  readonly end: number;
}

export interface ZstdFrame {
  /** First byte after the frame, in the input. */
  readonly end: number;
  /** Bytes it says it decodes to; absent where it does not say. */
  readonly contentSize?: number;
  /** None in a skippable frame. */
  readonly blocks: readonly ZstdBlock[];
  /** The four bytes after the last block are a checksum of the content. */
  readonly hasChecksum: boolean;
}

/** Why an input is no frame, in words. */
export class ZstdFrameError extends Error {}

/**
 * Cuts the frame that begins at `start`.
 * @throws ZstdFrameError for what is not a whole frame, or needs a dictionary
 */
export function cutZstdFrame(input: Uint8Array, start: number): ZstdFrame {
  const reader = new FrameReader(input, start);
  const magic = reader.number(4);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    reader.skip(reader.number(4));
    return { end: reader.at, blocks: [], hasChecksum: false };
  }
  if (magic !== FRAME_MAGIC) throw new ZstdFrameError('it is not a zstd frame');

  const descriptor = reader.number(1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  if ((descriptor & 0x08) !== 0) throw new ZstdFrameError('the zstd frame has reserved bits set');
  if (!isSingleSegment) reader.skip(1); // window descriptor
  const dictionary = reader.number([0, 1, 2, 4][descriptor & 3] ?? 0);
  if (dictionary !== 0) throw new ZstdFrameError('the zstd frame needs a dictionary');
  const contentSize = readContentSize(reader, descriptor >>> 6, isSingleSegment);

  const blocks = readBlocks(reader);
  if (hasChecksum) reader.skip(4);
  return { end: reader.at, blocks, hasChecksum, ...(contentSize === undefined ? {} : { contentSize }) };
}

function readContentSize(reader: FrameReader, flag: number, isSingleSegment: boolean): number | undefined {
  switch (flag) {
    case 0:
      return isSingleSegment ? reader.number(1) : undefined;
    case 1:
      return reader.number(2) + 256;
    case 2:
      return reader.number(4);
    default:
      return reader.number(4) + reader.number(4) * 0x1_0000_0000;
  }
}

function readBlocks(reader: FrameReader): ZstdBlock[] {
  const blocks: ZstdBlock[] = [];
  for (let isLast = false; !isLast;) {
    const start = reader.at;
    const header = reader.number(3);
    isLast = (header & 1) !== 0;
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3) throw new ZstdFrameError('a zstd block has the reserved type');
    if (size > MAX_BLOCK_SIZE) throw new ZstdFrameError('a zstd block is too large');
    reader.skip(type === 1 ? 1 : size); // one byte, repeated `size` times
    if (blocks.push({ start, end: reader.at }) > MAX_BLOCKS) {
      throw new ZstdFrameError('the zstd frame has too many blocks');
    }
  }
  return blocks;
}

/** Little-endian numbers from an input that may end anywhere. */
class FrameReader {
  readonly #view: DataView;

  constructor(
    input: Uint8Array,
    public at: number,
  ) {
    this.#view = dataView(input);
  }

  number(bytes: number): number {
    const start = this.at;
    this.skip(bytes);
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + this.#view.getUint8(start + i);
    return value;
  }

  skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#view.byteLength) throw new ZstdFrameError('the zstd frame is incomplete');
  }
}

/**
 * A header for the same blocks that asks for no more memory than `maxContent` bytes of content can need, whatever
 * the frame's own header declared. The content size is left out.
 * @param maxContent bytes; at most 2 MiB
 */
export function modestFrameHeader(maxContent: number, hasChecksum: boolean): Uint8Array {
  const windowLog = Math.max(17, Math.ceil(Math.log2(maxContent)));
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, hasChecksum ? 0x04 : 0, (windowLog - 10) << 3);
}
