/** Reads refcounts of host clusters (qcow2.txt, "Host cluster management"). */
import { HIGH, LOW } from '../format/bytes';
import type { Header } from '../format/header';
import { decodeRefcountTableEntry, refcountAt } from '../format/refcount';
import { countNonZero, refcountsPerBlock, wordOf } from '../format/refcountWidth';
import { refuseBeyondFile } from '../format/beyondFile';
import type { BlockFile } from '../io/blockFile';
import { alignDown, type HostCluster, hostOffset, type HostOffset, plus } from '../units';
import { TABLE_PAGE, type L2Cache } from './l2Cache';
import { SCRATCH_SIZE, withScratch } from './scratch';

export class Refcounts {
  readonly #perBlock: number;

  constructor(
    readonly file: BlockFile,
    readonly header: Header,
    readonly cache: L2Cache,
  ) {
    this.#perBlock = refcountsPerBlock(header.clusterSize, header.refcountBits);
  }

  /**
   * The refcount of a cluster of the image file; 0 for what no refcount block describes.
   * @throws FormatError, FileError
   */
  of(cluster: HostCluster): number {
    const block = this.#blockOffset(Math.floor(cluster / this.#perBlock));
    if (block === 0) return 0;
    const { refcountBits } = this.header;
    const { offset, within } = wordOf(block, cluster % this.#perBlock, refcountBits);
    refuseBeyondFile(this.file, 'refcount block', offset, 8);
    const bytes = new Uint8Array(8);
    this.file.read(bytes, offset);
    return refcountAt({ file: this.file.name, offset }, bytes, within, refcountBits);
  }

  /** Whether the file ends before the entry of the refcount table that a cluster's refcount is found by. */
  isCutOff(cluster: HostCluster): boolean {
    const index = Math.floor(cluster / this.#perBlock);
    return this.#hasEntry(index) && this.#entryOffset(index) >= this.file.size;
  }

  /**
   * How many of the clusters from 0 to `end` have a refcount; counting stops at `enough`.
   * @throws FormatError, FileError
   */
  countUsed(end: HostCluster, enough: number): number {
    return withScratch(({ bytes: buffer }) => {
      let used = 0;
      for (let first = 0; first < end && used < enough; first += this.#perBlock) {
        const block = this.#blockOffset(first / this.#perBlock);
        const count = Math.min(this.#perBlock, end - first);
        if (block !== 0) used += this.#countInBlock(buffer, block, count, enough - used);
      }
      return used;
    });
  }

  #countInBlock(buffer: Uint8Array, block: number, count: number, enough: number): number {
    const { refcountBits } = this.header;
    const perRead = (SCRATCH_SIZE * 8) / refcountBits;
    let used = 0;
    for (let done = 0; done < count && used < enough; done += perRead) {
      const step = Math.min(perRead, count - done);
      const bytes = buffer.subarray(0, Math.ceil((step * refcountBits) / 8));
      this.file.read(bytes, hostOffset(block + (done * refcountBits) / 8));
      used += countNonZero(bytes, step, refcountBits);
    }
    return used;
  }

  /** Offset of a refcount block in the file; 0 where there is none. */
  #blockOffset(index: number): HostOffset {
    const { clusterSize } = this.header;
    if (!this.#hasEntry(index)) return hostOffset(0);
    const offset = this.#entryOffset(index);
    const page = alignDown(offset, TABLE_PAGE);
    const words = this.cache.page(page);
    const at = (offset - page) / 4;
    return hostOffset(
      decodeRefcountTableEntry(this.file.name, words[at + HIGH]!, words[at + LOW]!, clusterSize, offset),
    );
  }

  #hasEntry(index: number): boolean {
    return index < (this.header.refcountTableClusters * this.header.clusterSize) / 8;
  }

  #entryOffset(index: number): HostOffset {
    return plus(this.header.refcountTableOffset, index * 8);
  }
}
