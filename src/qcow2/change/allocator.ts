/**
 * Hands out host clusters, the lowest free ones first, and makes the refcount blocks and the refcount table that they
 * need. A cluster is free when its refcount is 0 in the image as staged and on disk, and no state that undo or redo
 * can reach uses it: so nothing has two roles in states that one save leads between.
 */
import { FormatError } from '../errors';
import { headerField } from '../format/headerFields';
import { MAX_REFCOUNT_TABLE_SIZE } from '../format/limits';
import type { ChangeContext } from './context';
import { ClusterBits } from './clusterSet';
import { entryBytes, RefcountBlocks } from './refcountBlocks';
import type { TallyCounter } from './tally';

/** A run of host clusters. */
export interface ClusterRun {
  readonly first: number;
  readonly count: number;
}

export class Allocator {
  readonly refcounts: RefcountBlocks;
  /** Clusters whose refcount fell to 0. */
  readonly freed = new ClusterBits();
  readonly allocated = new ClusterBits();
  /** Clusters to give up one reference to, when the change is finished. */
  readonly #released = new ClusterBits();
  readonly #context: ChangeContext;
  readonly #tally: TallyCounter;
  readonly #clusterSize: number;
  /** First cluster that is beyond every possible file. */
  readonly #limit: number;
  /** No cluster below is free. */
  #hint = 0;

  constructor(context: ChangeContext, tally: TallyCounter) {
    const { header } = context.image;
    this.#context = context;
    this.#tally = tally;
    this.#clusterSize = header.clusterSize;
    this.#limit = Math.floor(Number.MAX_SAFE_INTEGER / header.clusterSize);
    this.refcounts = new RefcountBlocks(context.file, header, this.freed);
  }

  /** One cluster, as its offset in bytes. */
  allocateCluster(): number {
    return this.allocate(1).first * this.#clusterSize;
  }

  /**
   * The lowest free cluster and those that follow it, at most `count`; their refcounts are 1 from now on.
   * @throws FormatError where the image cannot grow
   */
  allocate(count: number): ClusterRun {
    for (;;) {
      const first = this.#nextFree(this.#hint);
      this.#hint = first;
      if (!this.refcounts.hasBlock(first)) {
        this.#addBlock(first);
        continue;
      }
      // A run stays within what one refcount block describes: the next one may be missing.
      const { perBlock } = this.refcounts;
      const stop = Math.min(first + count, (Math.floor(first / perBlock) + 1) * perBlock, this.#limit);
      let end = first + 1;
      while (end < stop && this.#isFree(end)) end++;
      this.#take(first, end - first);
      this.#hint = end;
      return { first, count: end - first };
    }
  }

  /**
   * Gives up one reference to each cluster of a run. The refcounts drop when the change is finished, in ascending order,
   * whatever order they are given up in; until then nothing is handed out again.
   */
  release(first: number, count = 1): void {
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

  #take(first: number, count: number): void {
    this.refcounts.adjust(first, count, 1);
    this.allocated.add(first, count);
  }

  #isFree(cluster: number): boolean {
    return this.refcounts.get(cluster) === 0 && this.#isFreeElsewhere(cluster);
  }

  #isFreeElsewhere(cluster: number): boolean {
    const { disk, held } = this.#context;
    return !held.has(cluster) && disk.refcountOf(cluster) === 0;
  }

  #nextFree(from: number): number {
    const { file, progress } = this.#context;
    const { perBlock } = this.refcounts;
    for (let cluster = from; cluster < this.#limit;) {
      // Block by block: nothing keeps a table from naming one full block a million times.
      progress.checkCancelled();
      const stop = Math.min((Math.floor(cluster / perBlock) + 1) * perBlock, this.#limit);
      cluster = this.refcounts.nextUnused(cluster, stop);
      while (cluster < stop && !this.#isFreeElsewhere(cluster)) {
        cluster = this.refcounts.nextUnused(cluster + 1, stop);
      }
      if (cluster < stop) return cluster;
    }
    throw new FormatError(file.name, 'image.tooLong', { limit: Number.MAX_SAFE_INTEGER });
  }

  /** Makes the refcount block that describes the free cluster `first`: in that cluster, so it describes itself. */
  #addBlock(first: number): void {
    const index = Math.floor(first / this.refcounts.perBlock);
    if (index >= this.refcounts.tableEntries) {
      this.#moveTable(first);
      return;
    }
    this.refcounts.addBlock(index, first * this.#clusterSize);
    this.#tally.refcountBlocksAdded++;
    this.#take(first, 1);
  }

  /**
   * Makes a larger refcount table, in free clusters from `first` on, which the old one does not describe: the blocks
   * that describe it, then the table.
   */
  #moveTable(first: number): void {
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
    this.#writeTable(start + blocks, tableClusters);
    const firstBlock = Math.floor(start / perBlock);
    const lastBlock = Math.floor((start + blocks + tableClusters - 1) / perBlock);
    const used = lastBlock - firstBlock + 1;
    for (let index = 0; index < used; index++) {
      refcounts.addBlock(firstBlock + index, (start + index) * this.#clusterSize);
      this.#tally.refcountBlocksAdded++;
    }
    this.#take(start, used);
    this.#take(start + blocks, tableClusters);
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

  /** First of `count` free clusters in a row, from `from` on; no refcount block describes any of them. */
  #freeRun(from: number, count: number): number {
    let start = from;
    for (let at = start; at < start + count; at++) {
      if (!this.#isFree(at)) start = at + 1;
    }
    return start;
  }

  /** Copies the table to its new place, makes the header point there, and gives up the old one. */
  #writeTable(first: number, clusters: number): void {
    const { refcounts } = this;
    const { file } = this.#context;
    const size = this.#clusterSize;
    const old = { offset: refcounts.tableOffset, clusters: refcounts.tableClusters };
    const entries = new Uint8Array(old.clusters * size);
    file.read(entries, old.offset);
    file.fill(first * size, clusters * size);
    file.write(entries, first * size);
    file.write(entryBytes(first * size), headerField('refcount_table_offset').offset);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(clusters);
    file.write(count, headerField('refcount_table_clusters').offset);
    refcounts.tableOffset = first * size;
    refcounts.tableClusters = clusters;
    this.release(old.offset / size, old.clusters);
    this.#tally.refcountTableMoved = true;
  }
}
