/**
 * Hands out host clusters in contiguous runs, the lowest one first, and makes the refcount blocks and the refcount table
 * that they need, outside the run. A cluster is free when its refcount is 0 in the image as staged and on disk, and no
 * state that undo or redo can reach uses it: so no cluster has different roles before and after one save.
 */
import { FormatError } from '../errors';
import { headerField } from '../format/headerFields';
import { MAX_REFCOUNT_TABLE_SIZE } from '../format/limits';
import {
  type ByteLength,
  type ClusterCount,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
  startOf,
} from '../units';
import type { ChangeContext } from './context';
import { ClusterBits } from '../clusterSet';
import { entryBytes, RefcountBlocks } from './refcountBlocks';
import type { TallyCounter } from './tally';

export class Allocator {
  readonly refcounts: RefcountBlocks;
  /** Clusters whose refcount fell to 0. */
  readonly freed = new ClusterBits();
  readonly allocated = new ClusterBits();
  /** Clusters to give up one reference to, when the change is finished. */
  readonly #released = new ClusterBits();
  readonly #context: ChangeContext;
  readonly #tally: TallyCounter;
  readonly #clusterSize: ByteLength;
  /** First cluster that is beyond every possible file. */
  readonly #limit: HostCluster;
  /** By a number of clusters: the cluster below which no free run is that long. Nothing becomes free within a change. */
  readonly #searched = new Map<number, number>();

  constructor(context: ChangeContext, tally: TallyCounter) {
    const { header } = context.image;
    this.#context = context;
    this.#tally = tally;
    this.#clusterSize = header.clusterSize;
    this.#limit = hostCluster(Math.floor(Number.MAX_SAFE_INTEGER / header.clusterSize));
    this.refcounts = new RefcountBlocks(context.file, header, this.freed);
  }

  /** One cluster, as its offset in bytes. */
  allocateCluster(): HostOffset {
    return startOf(this.allocate(1), this.#clusterSize);
  }

  /**
   * `count` free clusters in a row, the lowest ones; their refcounts are 1 from now on. The refcount blocks that describe
   * them never lie between them.
   * @param wish the first cluster, where those from there on are free
   * @returns the first cluster
   * @throws FormatError where the image cannot grow
   */
  allocate(count: ClusterCount, wish?: HostCluster): HostCluster {
    for (;;) {
      const isFree = wish !== undefined && this.#isFreeRun(wish, count);
      const first = isFree ? wish : this.#lowestRun(count);
      if (this.#addMissingBlock(first, count)) continue;
      this.#take(first, count);
      return first;
    }
  }

  /**
   * Gives up one reference to each cluster of a run. The refcounts drop when the change is finished, in ascending order,
   * whatever order they are given up in; until then nothing is handed out again.
   */
  release(first: HostCluster, count = 1): void {
    this.#released.add(first, count, (cluster) => {
      this.refcounts.adjust(cluster, 1, -1);
    });
  }

  /** Drops the refcounts of what was given up, and writes all refcounts that changed. */
  finish(): void {
    this.#released.forEachRun((first, count) => {
      this.refcounts.adjust(first, count, -1);
    });
    this.refcounts.flush();
  }

  #take(first: HostCluster, count: ClusterCount): void {
    this.refcounts.adjust(first, count, 1);
    this.allocated.add(first, count);
  }

  #isFree(cluster: HostCluster): boolean {
    return this.refcounts.get(cluster) === 0 && this.#isFreeElsewhere(cluster);
  }

  #isFreeElsewhere(cluster: HostCluster): boolean {
    const { disk, held } = this.#context;
    return !held.has(cluster) && disk.refcountOf(cluster) === 0;
  }

  #lowestRun(count: ClusterCount): HostCluster {
    let from = 0;
    for (const [length, cluster] of this.#searched) if (length <= count) from = Math.max(from, cluster);
    const first = this.#freeRun(hostCluster(from), count);
    this.#searched.set(count, first);
    return first;
  }

  /** First of the lowest `count` free clusters in a row, from `from` on. */
  #freeRun(from: HostCluster, count: ClusterCount): HostCluster {
    for (let start = this.#nextFree(from, count); ;) {
      const end = this.#endOfFree(plus(start, 1), plus(start, count));
      if (end === start + count) return start;
      start = this.#nextFree(plus(end, 1), count);
    }
  }

  #isFreeRun(first: HostCluster, count: ClusterCount): boolean {
    return first + count <= this.#limit && this.#endOfFree(first, plus(first, count)) === first + count;
  }

  /** The first cluster from `from` on that is not free; at most `end`. */
  #endOfFree(from: HostCluster, end: HostCluster): HostCluster {
    let cluster = from;
    while (cluster < end && this.#isFree(cluster)) cluster++;
    return cluster;
  }

  /** The lowest free cluster from `from` on that `count` clusters have room behind. */
  #nextFree(from: HostCluster, count: ClusterCount): HostCluster {
    const { file, progress } = this.#context;
    const { perBlock } = this.refcounts;
    const end = this.#limit - count + 1;
    for (let cluster = from; cluster < end;) {
      // Block by block: nothing keeps a table from naming one full block a million times.
      progress.checkCancelled();
      const stop = hostCluster(Math.min((Math.floor(cluster / perBlock) + 1) * perBlock, end));
      cluster = this.refcounts.nextUnused(cluster, stop);
      while (cluster < stop && !this.#isFreeElsewhere(cluster)) {
        cluster = this.refcounts.nextUnused(plus(cluster, 1), stop);
      }
      if (cluster < stop) return cluster;
    }
    throw new FormatError(file.name, 'image.tooLong', { limit: Number.MAX_SAFE_INTEGER });
  }

  /**
   * Makes a refcount block that `count` free clusters from `first` on need and do not have: in the lowest free cluster,
   * which another block describes, or this one itself.
   * @returns whether one was missing
   */
  #addMissingBlock(first: HostCluster, count: ClusterCount): boolean {
    const { refcounts } = this;
    const { perBlock } = refcounts;
    const last = Math.floor((first + count - 1) / perBlock);
    for (let index = Math.floor(first / perBlock); index <= last; index++) {
      if (refcounts.hasBlock(hostCluster(index * perBlock))) continue;
      if (index >= refcounts.tableEntries) {
        this.#moveTable(hostCluster(Math.max(first, refcounts.tableEntries * perBlock)));
        return true;
      }
      const place = this.#lowestRun(1);
      const described = refcounts.hasBlock(place) ? index : Math.floor(place / perBlock);
      refcounts.addBlock(described, startOf(place, this.#clusterSize));
      this.#tally.refcountBlocksAdded++;
      this.#take(place, 1);
      return true;
    }
    return false;
  }

  /**
   * Makes a larger refcount table, in free clusters from `first` on, which the old one does not describe: the blocks
   * that describe it, then the table.
   */
  #moveTable(first: HostCluster): void {
    const { refcounts } = this;
    const { perBlock } = refcounts;
    let tableClusters = refcounts.tableClusters;
    let blocks = 1;
    let start = first;
    for (;;) {
      start = this.#freeRun(first, blocks + tableClusters);
      const end = start + blocks + tableClusters;
      const blocksNeeded = Math.ceil(end / perBlock) - Math.floor(start / perBlock);
      const clustersNeeded = this.#tableClustersFor(Math.ceil(end / perBlock));
      if (blocksNeeded <= blocks && clustersNeeded <= tableClusters) break;
      blocks = Math.max(blocks, blocksNeeded);
      tableClusters = Math.max(tableClusters, clustersNeeded);
    }
    this.#writeTable(plus(start, blocks), tableClusters);
    const firstBlock = Math.floor(start / perBlock);
    const lastBlock = Math.floor((start + blocks + tableClusters - 1) / perBlock);
    const used = lastBlock - firstBlock + 1;
    for (let index = 0; index < used; index++) {
      refcounts.addBlock(firstBlock + index, hostOffset((start + index) * this.#clusterSize));
      this.#tally.refcountBlocksAdded++;
    }
    this.#take(start, used);
    this.#take(plus(start, blocks), tableClusters);
  }

  /** Clusters of a table with `entries` entries and half as many to spare. */
  #tableClustersFor(entries: number): number {
    const size = this.#clusterSize;
    const most = Math.floor(MAX_REFCOUNT_TABLE_SIZE / size);
    const needed = Math.ceil((entries * 8) / size);
    if (needed > most) {
      throw new FormatError(this.#context.file.name, 'refcount.tableFull', {
        value: needed * size,
        limit: MAX_REFCOUNT_TABLE_SIZE,
      });
    }
    return Math.min(most, Math.ceil((entries * 8 * 1.5) / size));
  }

  /** Copies the table to its new place, makes the header point there, and gives up the old one. */
  #writeTable(first: HostCluster, clusters: ClusterCount): void {
    const { refcounts } = this;
    const { file } = this.#context;
    const size = this.#clusterSize;
    const old = { offset: refcounts.tableOffset, clusters: refcounts.tableClusters };
    const entries = new Uint8Array(old.clusters * size);
    file.read(entries, old.offset);
    file.fill(startOf(first, size), clusters * size);
    file.write(entries, startOf(first, size));
    file.write(entryBytes(startOf(first, size)), headerField('refcount_table_offset').offset);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(clusters);
    file.write(count, headerField('refcount_table_clusters').offset);
    refcounts.tableOffset = startOf(first, size);
    refcounts.tableClusters = clusters;
    this.release(hostCluster(old.offset / size), old.clusters);
    this.#tally.refcountTableMoved = true;
  }
}
