/**
 * Refcounts made what the references say (qcow2.txt, "Host cluster management"). Blocks that can stay are corrected in
 * place; missing ones, and a table that is too small, are made behind the end of the file.
 */
import { ClusterBits } from '../change/clusterSet';
import { refcountWidth, type RefcountWidth } from '../change/refcountWidth';
import type { CountedImage } from '../check/checkImage';
import type { ClusterCounts } from '../check/clusterCounts';
import { FormatError } from '../errors';
import { HIGH, LOW, wordsInPlace } from '../format/bytes';
import { MAX_REFCOUNT_TABLE_SIZE } from '../format/limits';
import { offsetOf } from '../format/offsetField';
import { refcountsPerBlock } from '../format/refcount';
import type { RepairWork } from './work';

/** Bytes of a block compared, and written, at a time. */
const PAGE = 4096;

export class RefcountMender {
  /** Clusters that had a refcount, and have none any more. */
  readonly freed = new ClusterBits();
  readonly #counts: ClusterCounts;
  readonly #width: RefcountWidth;
  readonly #perBlock: number;
  readonly #clusterSize: number;
  /** Offset of the block of each index that has one, in bytes. */
  readonly #blocks = new Map<number, number>();
  readonly #isNew = new Set<number>();
  #tableOffset: number;
  #tableClusters: number;

  /**
   * @param counted as the image is now: every entry of its refcount table leads to a block of its own
   * @param refcountBefore of a cluster as the repair found it, for the report
   */
  constructor(
    readonly work: RepairWork,
    readonly counted: CountedImage,
    readonly refcountBefore: (cluster: number) => number,
  ) {
    const { header } = counted.image;
    this.#counts = counted.counter.counts;
    this.#width = refcountWidth(header.refcountBits);
    this.#clusterSize = header.clusterSize;
    this.#perBlock = refcountsPerBlock(header.clusterSize, header.refcountBits);
    this.#tableOffset = header.refcountTableOffset;
    this.#tableClusters = header.refcountTableClusters;
    const table = new Uint8Array(header.refcountTableClusters * header.clusterSize);
    work.file.read(table, header.refcountTableOffset);
    const words = wordsInPlace(table);
    for (let index = 0; index * 2 < words.length; index++) {
      const offset = offsetOf(words[index * 2 + HIGH]!, words[index * 2 + LOW]!);
      if (offset !== 0) this.#blocks.set(index, offset);
    }
  }

  /** Lowers what is too high, and nothing else. */
  lower(): void {
    for (const [index, offset] of this.#blocks) this.#mendBlock(index, offset, true);
  }

  /** Makes all of them right. */
  mend(): void {
    this.#addBlocks();
    for (const [index, offset] of this.#blocks) this.#mendBlock(index, offset, false);
  }

  /** Blocks for all clusters that are referred to; the new ones are, too. */
  #addBlocks(): void {
    const needed = new Set<number>();
    this.#forEachNeeded((index) => needed.add(index));
    for (;;) {
      const missing = [...needed].filter((index) => !this.#blocks.has(index)).sort((a, b) => a - b);
      const last = missing.at(-1);
      if (last === undefined) return;
      if (last >= (this.#tableClusters * this.#clusterSize) / 8) {
        this.#moveTable(last + 1, needed);
        continue;
      }
      for (const index of missing) {
        const offset = this.work.fresh.take(1);
        this.#blocks.set(index, offset);
        this.#isNew.add(index);
        this.work.setWide(this.#tableOffset + index * 8, offset);
        this.#refer(offset, 1, needed);
        const at = this.#tableOffset + index * 8;
        this.work.log.did('refcountsRebuilt', {
          at,
          host: offset,
          structure: 'refcount block',
          becomes: offset,
        });
      }
    }
  }

  /** A larger table: what was in the old one is written anew, and the old one given up. */
  #moveTable(entries: number, needed: Set<number>): void {
    const { work } = this;
    const most = Math.floor(MAX_REFCOUNT_TABLE_SIZE / this.#clusterSize);
    const least = Math.ceil(((entries + 1) * 8) / this.#clusterSize);
    if (least > most) {
      throw new FormatError(work.file.name, 'refcount.tableFull', {
        value: least * this.#clusterSize,
        limit: MAX_REFCOUNT_TABLE_SIZE,
      });
    }
    const clusters = Math.min(most, Math.ceil(least * 1.5));
    const offset = work.fresh.take(clusters);
    for (const [index, block] of this.#blocks) work.setWide(offset + index * 8, block);
    this.#counts.forget(this.#tableOffset / this.#clusterSize, this.#tableClusters);
    work.log.did('refcountsRebuilt', {
      at: 48,
      host: this.#tableOffset,
      structure: 'refcount table',
      found: this.#tableOffset,
      becomes: offset,
    });
    work.setHeader('refcount_table_offset', offset);
    work.setHeader('refcount_table_clusters', clusters);
    this.#tableOffset = offset;
    this.#tableClusters = clusters;
    this.#refer(offset, clusters, needed);
  }

  #refer(offset: number, clusters: number, needed: Set<number>): void {
    const first = offset / this.#clusterSize;
    this.#counts.add(first, clusters, 1);
    for (let index = Math.floor(first / this.#perBlock); index * this.#perBlock < first + clusters; index++) {
      needed.add(index);
    }
  }

  /** Visits the indexes of blocks that clusters with references need. */
  #forEachNeeded(visit: (index: number) => void): void {
    const size = 2 ** this.#counts.pageBits;
    const step = Math.min(size, this.#perBlock);
    const nothing = new Uint8Array(step);
    for (let page = 0; page * size < this.work.fresh.next; page++) {
      const counts = this.#counts.page(page);
      if (counts === undefined) continue;
      for (let at = 0; at < size; at += step) {
        if (Buffer.compare(counts.subarray(at, at + step), nothing) === 0) continue;
        visit(Math.floor((page * size + at) / this.#perBlock));
      }
    }
  }

  #mendBlock(index: number, offset: number, onlyLowers: boolean): void {
    const { work } = this;
    work.progress.checkCancelled();
    const before = Buffer.alloc(this.#clusterSize);
    work.file.read(before, offset);
    const after = this.#wanted(index, before, onlyLowers);
    if (before.equals(after)) return;
    this.#tell(index, before, after);
    for (let at = 0; at < after.length; at += PAGE) {
      const page = after.subarray(at, at + PAGE);
      if (!page.equals(before.subarray(at, at + PAGE))) work.file.write(page, offset + at);
    }
  }

  #wanted(index: number, before: Buffer, onlyLowers: boolean): Buffer {
    const first = index * this.#perBlock;
    const bytes = onlyLowers ? Buffer.from(before) : Buffer.alloc(this.#clusterSize);
    // QEMU does not look at refcounts of what is not in the file.
    const end = onlyLowers
      ? Math.min(this.#perBlock, this.counted.counter.knownClusters - first)
      : this.#perBlock;
    for (let at = 0; at < end; at++) {
      const references = this.#counts.of(first + at);
      const isRight = onlyLowers ? this.#width.get(before, at) <= references : references === 0;
      if (!isRight) this.#width.set(bytes, at, references);
    }
    return bytes;
  }

  #tell(index: number, before: Buffer, after: Buffer): void {
    const first = index * this.#perBlock;
    for (let at = 0; at < this.#perBlock; at++) {
      const cluster = first + at;
      const is = this.#width.get(after, at);
      const was = this.#isNew.has(index) ? this.refcountBefore(cluster) : this.#width.get(before, at);
      if (is === was) continue;
      const host = cluster * this.#clusterSize;
      this.work.log.did(is > was ? 'refcountRaised' : 'refcountLowered', { host, found: was, becomes: is });
      if (is === 0) this.freed.add(cluster);
    }
  }
}
