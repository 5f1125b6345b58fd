/**
 * What each cluster of an image file is, as far as it matters to who moves it: found by one walk over all references
 * (check/references.ts). Sets have a bit for each cluster; nothing is kept for each cluster beside that.
 */
import { RegionReceiver } from '../check/regionReceiver';
import type { Structure } from '../findingText';
import { directoryPointer } from '../format/bitmapsExtension';
import type { Qcow2Image } from '../image/qcow2Image';
import { ClusterBits } from '../clusterSet';
import { type Progress, quietOf } from '../progress';
import {
  type ByteLength,
  type ClusterCount,
  clusterOf,
  hostCluster,
  type HostCluster,
  type HostOffset,
} from '../units';
import { countSound } from './freeClusters';

/** A table of several clusters, which stay together. */
export interface LongTable {
  readonly first: HostCluster;
  readonly count: ClusterCount;
}

/** Sets of clusters; a cluster of `inUse` is in at most one of the others, and holds data where it is in none. */
export interface ClusterLayout {
  /** What something refers to; leaks are not in it. */
  readonly inUse: ClusterBits;
  /** L2 tables, refcount blocks, bits of bitmaps, and other tables of a single cluster. */
  readonly metadata: ClusterBits;
  /** Tables of several clusters. */
  readonly tables: ClusterBits;
  readonly longTables: readonly LongTable[];
  /** What streams of compressed clusters touch. */
  readonly compressed: ClusterBits;
  /** What is never moved. */
  readonly fixed: ClusterBits;
  /** First cluster behind all that are in use. */
  readonly end: HostCluster;
  /** Clusters that have a refcount and no reference. */
  readonly leaks: ClusterCount;
}

/**
 * Checks an image in full, and classifies its clusters.
 * @throws FormatError as `countSound`; UnsupportedError, FileError, CancelledError
 */
export function layoutOf(image: Qcow2Image, progress: Progress): ClusterLayout {
  const { counted, leaks } = countSound(image, progress);
  const { counts } = counted.counter;
  const inUse = new ClusterBits();
  for (let index = 0; index < counts.pageCount; index++) {
    const page = counts.page(index);
    if (page !== undefined) addUsed(inUse, page, hostCluster(index * page.length));
  }
  const classes = new Classes(image, counted.disk);
  counted.references.rewind(quietOf(progress));
  counted.references.forEach(classes);
  let end = hostCluster(0);
  inUse.forEachRun((first, count) => {
    end = hostCluster(first + count);
  });
  const { metadata, tables, longTables, streams, fixed } = classes;
  return { inUse, metadata, tables, longTables, compressed: streams, fixed, end, leaks };
}

/** Clusters in use behind the end of a file that has no free ones: what a compaction moves, about. */
export const tailOf = ({ inUse, end }: ClusterLayout): ClusterCount =>
  inUse.countWithin(hostCluster(inUse.count), end);

/** Bytes that a disk writes at once. */
const SECTOR = 512;

/** Whether the header's pointer to the bitmap directory lies in two sectors, which cannot be written at once. */
const isPointerSplit = ({ extensions }: Qcow2Image): boolean =>
  extensions.bitmaps !== undefined && directoryPointer(extensions.bitmaps) % SECTOR > SECTOR - 8;

/** Adds the clusters that are referred to. */
function addUsed(inUse: ClusterBits, page: Uint8Array, first: HostCluster): void {
  for (let at = 0; at < page.length;) {
    if (page[at] === 0) {
      at++;
      continue;
    }
    let end = at + 1;
    while (end < page.length && page[end] !== 0) end++;
    inUse.add(hostCluster(first + at), end - at);
    at = end;
  }
}

class Classes extends RegionReceiver {
  readonly metadata = new ClusterBits();
  readonly tables = new ClusterBits();
  readonly streams = new ClusterBits();
  readonly fixed = new ClusterBits();
  readonly longTables: LongTable[] = [];

  region(structure: Structure, offset: HostOffset, size: ByteLength): void {
    if (size === 0 || structure === 'data') return;
    const first = clusterOf(offset, this.clusterSize);
    const count = Math.ceil((offset + size) / this.clusterSize) - first;
    switch (structure) {
      case 'compressed data':
        this.streams.add(first, count);
        return;
      case 'header':
      case 'encryption header':
        this.fixed.add(first, count);
        return;
      case 'bitmap directory':
        if (isPointerSplit(this.image)) this.fixed.add(first, count);
        else this.#addTable(first, count);
        return;
      case 'L2 table':
        // An entry of nothing but flags names no table.
        if (offset !== 0) this.metadata.add(first, count);
        return;
      default:
        this.#addTable(first, count);
    }
  }

  run(): void {
    // Data is what is left.
  }

  #addTable(first: HostCluster, count: ClusterCount): void {
    if (count === 1) {
      this.metadata.add(first);
      return;
    }
    this.tables.add(first, count);
    this.longTables.push({ first, count });
  }
}
