/**
 * Clusters for what a repair copies or rebuilds: behind the end of the file, since nothing that a damaged image says
 * of its own clusters can be relied on. So nothing that is there is ever overwritten, and undo finds all of it.
 */
import { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import type { WritableFile } from '../io/writableFile';
import {
  type ByteLength,
  type ClusterCount,
  type HostCluster,
  type HostOffset,
  plus,
  startOf,
} from '../units';

/** Bytes that may be copied whatever the size of the file. */
const LEAST_BUDGET = 64 * 2 ** 20;
/** Bytes copied at a time. */
const PIECE = 64 * 1024;

export class FreshClusters {
  /** First cluster that is not taken. */
  next: HostCluster;
  /** Bytes that may still be copied: a hostile image must not make the file grow without end. */
  #budget: number;

  /**
   * @param original the image as it was before the repair
   * @param first cluster behind everything
   */
  constructor(
    readonly file: WritableFile,
    readonly original: BlockFile,
    readonly clusterSize: ByteLength,
    first: HostCluster,
  ) {
    this.next = first;
    this.#budget = Math.max(LEAST_BUDGET, Math.min(original.size, original.allocatedBytes));
  }

  /**
   * Takes clusters in a row, all zero.
   * @returns offset of the first one, in bytes
   * @throws FormatError where the file cannot grow
   */
  take(count: ClusterCount): HostOffset {
    const offset = startOf(this.next, this.clusterSize);
    const size = count * this.clusterSize;
    if (offset + size > Number.MAX_SAFE_INTEGER) {
      throw new FormatError(this.file.name, 'image.tooLong', { limit: Number.MAX_SAFE_INTEGER });
    }
    this.next = plus(this.next, count);
    this.file.fill(offset, size);
    return offset;
  }

  /**
   * Copies what the image had at `offset` before the repair; what lies past its end is zero.
   * @returns where the copy is: as far into a cluster as `offset` was into its sector; undefined where too much was
   *   copied already
   */
  copy(offset: HostOffset, length: ByteLength): HostOffset | undefined {
    const { clusterSize, original } = this;
    const within = offset % 512;
    const count = Math.ceil((within + length) / clusterSize);
    if (count * clusterSize > this.#budget) return undefined;
    this.#budget -= count * clusterSize;
    const target = plus(this.take(count), within);
    const end = Math.min(length, original.size - offset);
    const buffer = new Uint8Array(Math.min(PIECE, Math.max(0, end)));
    for (let done = 0; done < end; done += PIECE) {
      const extent = original.extentAt(plus(offset, done));
      const bytes = buffer.subarray(0, Math.min(PIECE, end - done));
      if (extent.isHole && extent.end >= offset + done + bytes.length) continue;
      original.read(bytes, plus(offset, done));
      this.file.write(bytes, plus(target, done));
    }
    return target;
  }
}
