/**
 * Refcounts made what the references say (qcow2.txt, "Host cluster management"). Blocks that can stay are corrected in
 * place; missing ones, and a table that is too small, are made behind the end of the file.
 */
import { hex } from '../../text/hex';
import { ClusterBits } from '../clusterSet';
import type { CountedImage } from '../check/checkImage';
import type { ClusterCounts } from '../check/clusterCounts';
import type { DiskRefcounts } from '../check/diskRefcounts';
import { FormatError } from '../errors';
import { offsetOf } from '../format/entryBits';
import { MAX_REFCOUNT_TABLE_SIZE } from '../format/limits';
import { onesOnDisk, refcountsPerBlock, refcountWidth, type RefcountWidth } from '../format/refcountWidth';
import { forEachEntry, readRefcountTable } from '../image/tableEntries';
import {
  type ByteLength,
  type ClusterCount,
  clusterOf,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
  startOf,
} from '../units';
import type { RepairExample } from '../repairAction';
import type { RepairWork } from './work';

/** Bytes of a block compared, and written, at a time. */
const PAGE = 4096;

export class RefcountRepairer {
  /** Clusters that had a refcount, and have none any more. */
  readonly freed = new ClusterBits();
  readonly #counts: ClusterCounts;
  readonly #width: RefcountWidth;
  readonly #perBlock: number;
  readonly #clusterSize: ByteLength;
  /** Offset of the block of each index that has one, in bytes. */
  readonly #blocks = new Map<number, HostOffset>();
  readonly #isNew = new Set<number>();
  /** A block of refcounts of one. */
  readonly #ones: Buffer;
  readonly #scratch: Buffer;
  #tableOffset: HostOffset;
  #tableClusters: number;

  /**
   * @param counted as the image is now: every entry of its refcount table leads to a block of its own
   * @param original refcounts as the repair found them, for the report
   */
  constructor(
    readonly work: RepairWork,
    readonly counted: CountedImage,
    readonly original: DiskRefcounts,
  ) {
    const { header } = counted.image;
    this.#counts = counted.counter.counts;
    this.#width = refcountWidth(header.refcountBits);
    this.#clusterSize = header.clusterSize;
    this.#perBlock = refcountsPerBlock(header.clusterSize, header.refcountBits);
    this.#ones = onesOnDisk(this.#perBlock, header.refcountBits);
    this.#scratch = Buffer.alloc(header.clusterSize);
    this.#tableOffset = header.refcountTableOffset;
    this.#tableClusters = header.refcountTableClusters;
    forEachEntry(readRefcountTable(work.file, header), (index, high, low) => {
      const offset = offsetOf(high, low);
      if (offset !== 0) this.#blocks.set(index, offset);
    });
  }

  /**
   * Lowers what is too high, and nothing else. A block that something else uses, too, stays as it is: written, it would
   * change an L2 table, or data of the guest.
   */
  lower(): void {
    // References are counted no further than refcounts go: narrow ones do not tell one from more.
    const overflows = this.counted.findings.kept.filter(({ kind }) => kind === 'refcountOverflow');
    const beyond = new Set(overflows.map(({ host }) => host));
    for (const [index, offset] of this.#blocks) {
      const isShared = this.#counts.of(clusterOf(offset, this.#clusterSize)) > 1 || beyond.has(offset);
      if (!isShared) this.#repairBlock(index, offset, true);
    }
  }

  /** Makes all of them right. */
  repair(): void {
    this.#addBlocks();
    for (const [index, offset] of this.#blocks) this.#repairBlock(index, offset, false);
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
        const at = plus(this.#tableOffset, index * 8);
        this.work.setWide(at, offset);
        this.#refer(offset, 1, needed);
        this.work.log.did('refcountsRebuilt', {
          at,
          host: offset,
          structure: 'refcount block',
          becomes: hex(offset),
        });
      }
    }
  }

  /** A larger table: what was in the old one is written again, and the old one given up. */
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
    for (const [index, block] of this.#blocks) work.setWide(plus(offset, index * 8), block);
    this.#counts.forget(clusterOf(this.#tableOffset, this.#clusterSize), this.#tableClusters);
    work.log.did('refcountsRebuilt', {
      at: hostOffset(48),
      host: this.#tableOffset,
      structure: 'refcount table',
      found: hex(this.#tableOffset),
      becomes: hex(offset),
    });
    work.setHeader('refcount_table_offset', offset);
    work.setHeader('refcount_table_clusters', clusters);
    this.#tableOffset = offset;
    this.#tableClusters = clusters;
    this.#refer(offset, clusters, needed);
  }

  #refer(offset: HostOffset, clusters: ClusterCount, needed: Set<number>): void {
    const first = clusterOf(offset, this.#clusterSize);
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

  #repairBlock(index: number, offset: HostOffset, onlyLowers: boolean): void {
    const { work } = this;
    work.progress.checkCancelled();
    const before = this.#scratch;
    work.file.read(before, offset);
    const after = onlyLowers ? this.#lowered(index, before) : this.#wanted(index);
    if (before.equals(after)) return;
    this.#tell(index, before, after);
    for (let at = 0; at < after.length; at += PAGE) {
      const page = after.subarray(at, at + PAGE);
      if (page.equals(before.subarray(at, at + PAGE))) continue;
      // So are most: a terabyte's are next to nothing then.
      if (isOneWord(page)) {
        work.file.fill(plus(offset, at), page.length, page.readUInt32BE(0), page.readUInt32BE(4));
      } else {
        work.file.write(page, plus(offset, at));
      }
    }
  }

  /** What a block shall be: the references. */
  #wanted(index: number): Buffer {
    const first = hostCluster(index * this.#perBlock);
    if (this.#haveOneEach(first)) return this.#ones;
    const bytes = Buffer.alloc(this.#clusterSize);
    for (let at = 0; at < this.#perBlock; at++) {
      const references = this.#counts.of(plus(first, at));
      if (references !== 0) this.#width.set(bytes, at, references);
    }
    return bytes;
  }

  /** The same for those that are too high alone. */
  #lowered(index: number, before: Buffer): Buffer {
    const first = hostCluster(index * this.#perBlock);
    const bytes = Buffer.from(before);
    // QEMU does not look at refcounts of what is not in the file.
    const end = Math.min(this.#perBlock, this.counted.counter.knownClusters - first);
    for (let at = 0; at < end; at++) {
      const references = this.#counts.of(plus(first, at));
      if (this.#width.get(before, at) > references) this.#width.set(bytes, at, references);
    }
    return bytes;
  }

  /** Whether each of a block's clusters has one reference. */
  #haveOneEach(first: number): boolean {
    const size = 2 ** this.#counts.pageBits;
    const step = Math.min(size, this.#perBlock);
    for (let cluster = first; cluster < first + this.#perBlock; cluster += step) {
      const page = this.#counts.page(Math.floor(cluster / size));
      const from = cluster % size;
      if (page === undefined || page[from] !== 1 || !isOneByte(page.subarray(from, from + step)))
        return false;
    }
    return true;
  }

  #tell(index: number, before: Buffer, after: Buffer): void {
    const first = hostCluster(index * this.#perBlock);
    const isNew = this.#isNew.has(index);
    if (after === this.#ones && (isNew ? this.#wereZero(first) : isOneByte(before) && before[0] === 0)) {
      this.#note(first, this.#perBlock, 0, 1);
      return;
    }
    const wasAt = (at: number): number =>
      isNew ? (this.original.of(plus(first, at)) ?? 0) : this.#width.get(before, at);
    for (let at = 0; at < this.#perBlock;) {
      const is = this.#width.get(after, at);
      const was = wasAt(at);
      let end = at + 1;
      while (end < this.#perBlock && this.#width.get(after, end) === is && wasAt(end) === was) end++;
      if (is !== was) this.#note(plus(first, at), end - at, was, is);
      at = end;
    }
  }

  /** Whether the image, as the repair found it, had no refcounts for a block's clusters. */
  #wereZero(first: number): boolean {
    const size = 2 ** this.original.pageBits;
    for (let page = Math.floor(first / size); page * size < first + this.#perBlock; page++) {
      if (!this.original.isAllZero(this.original.page(page))) return false;
    }
    return true;
  }

  /** Clusters in a row get another refcount. */
  #note(first: HostCluster, count: number, was: number, is: number): void {
    const { log } = this.work;
    const kind = is > was ? 'refcountRaised' : 'refcountLowered';
    const facts = (cluster: HostCluster): RepairExample => ({
      host: startOf(cluster, this.#clusterSize),
      found: was,
      becomes: is,
    });
    let done = 0;
    for (; done < count && !log.isFull(kind); done++) log.did(kind, facts(plus(first, done)));
    if (done < count) log.did(kind, facts(plus(first, done)), count - done);
    if (is === 0) this.freed.add(first, count);
  }
}

/** All bytes are the same. */
const isOneByte = (bytes: Uint8Array): boolean => repeatsAfter(bytes, 1);

/** A word of eight bytes over and over. */
const isOneWord = (bytes: Uint8Array): boolean => repeatsAfter(bytes, 8);

function repeatsAfter(bytes: Uint8Array, distance: number): boolean {
  const shifted = bytes.subarray(distance);
  return Buffer.compare(bytes.subarray(0, bytes.length - distance), shifted) === 0;
}
