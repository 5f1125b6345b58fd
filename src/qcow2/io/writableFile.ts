/** A file that can be changed: what the engine writes an image through. */
import type { ByteLength, HostOffset } from '../units';
import type { BlockFile } from './blockFile';
import type { Fill } from './fill';

export interface WritableFile extends BlockFile {
  /** Length in bytes as it is now. */
  readonly size: ByteLength;

  /**
   * Puts `bytes`, which are copied, at `offset`. Writing past the end makes the file longer; a gap before `offset`
   * reads as zeroes.
   */
  write(bytes: Uint8Array, offset: HostOffset): void;

  /**
   * Fills a range with one 64-bit word over and over, given as its two halves; the file has it big-endian.
   * @param offset bytes, a multiple of 8
   * @param length bytes, a multiple of 8; may be terabytes
   * @param step what each word is more than the one before it, below 2^31
   */
  fill(offset: HostOffset, length: ByteLength, high?: number, low?: number, step?: number): void;

  /** The fill that all of a stretch is, where that is known without reading it. */
  fillAt(offset: HostOffset, length: ByteLength): Fill | undefined;
}
