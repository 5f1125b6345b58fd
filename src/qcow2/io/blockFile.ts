/**
 * Bytes at offsets: what the engine reads an image through. Everything is synchronous (ARCHITECTURE.md,
 * "The engine is synchronous and runs in a thread").
 */
import type { ByteLength, HostOffset } from '../units';
import type { KnownFills } from './knownFills';

export interface BlockFile {
  /** The path, for messages. */
  readonly name: string;
  /** Length in bytes when it was opened. */
  readonly size: ByteLength;
  /** Bytes of storage behind the file (`st_blocks` × 512); a sparse file has fewer than `size`. */
  readonly allocatedBytes: ByteLength;
  /** Whether `extentAt` can tell holes from data; without native calls everything counts as data. */
  readonly knowsHoles: boolean;
  /** What is known of it without reading; absent where nothing is remembered. */
  readonly knownFills?: KnownFills;
  /**
   * The number of the open file in this process, by which other threads can read it too. Absent where the bytes are not just
   * those of one open file.
   */
  readonly descriptor?: number | undefined;

  /**
   * Fills `target` with the bytes at `offset`. What lies past the end of the file reads as zeroes, as QEMU's
   * block layer has it.
   * @throws FileError `file.read` when the system refuses, `file.shrank` when bytes that were there at opening
   *   are gone.
   */
  read(target: Uint8Array, offset: HostOffset): void;

  /**
   * The stretch of data or hole that `offset` lies in, from `offset` on. Past the end of the file it is a hole
   * that ends at `Infinity`.
   */
  extentAt(offset: HostOffset): FileExtent;

  /**
   * Announces that some of a stretch, in bytes, will be read soon: the disk reads all of it forward meanwhile. Absent where
   * that would change nothing.
   * @returns false where it cannot be announced
   */
  readAhead?(offset: HostOffset, length: ByteLength): boolean;

  close(): void;
}

export interface FileExtent {
  readonly isHole: boolean;
  /** First byte after the extent. */
  readonly end: HostOffset;
}
