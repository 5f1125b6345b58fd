/**
 * Refcount structures that fit a file's length: blocks for all clusters before its end, none for what lies behind, and a
 * table that is no longer than its entries need (qcow2.txt, "Host cluster management").
 */
import { RefcountBlocks, entryBytes } from '../change/refcountBlocks';
import { ClusterBits } from '../clusterSet';
import { headerField } from '../format/headerFields';
import { refcountsPerBlock } from '../format/refcountWidth';
import { Qcow2Image } from '../image/qcow2Image';
import { readRefcountTable } from '../image/tableEntries';
import type { StagedFile } from '../io/stagedFile';
import { blockOffset } from '../save/refcountReader';
import {
  type ClusterCount,
  clusterOf,
  hostCluster,
  type HostCluster,
  hostOffset,
  plus,
  startOf,
} from '../units';
import type { ClusterLayout } from './clusterLayout';
import { FreeRuns } from './freeRuns';

/** A refcount block that is to be made, in a free cluster. */
export interface NewBlock {
  /** Of its entry in the refcount table. */
  readonly index: number;
  readonly place: HostCluster;
}

/**
 * Finds places for the blocks that clusters before the end of `free` need and do not have. They lie where another block
 * describes them: of two new blocks that describe one another, neither may be on disk first.
 * @returns the blocks, and how many found no place
 */
export function missingBlocks(
  { file, header }: Qcow2Image,
  free: FreeRuns,
): { readonly blocks: readonly NewBlock[]; readonly missing: number } {
  const table = readRefcountTable(file, header);
  const perBlock = refcountsPerBlock(header.clusterSize, header.refcountBits);
  const needed = Math.ceil(free.end / perBlock);
  const blocks: NewBlock[] = [];
  const placeIn = (index: number): HostCluster | undefined =>
    free.takeWithin(hostCluster(index * perBlock), hostCluster((index + 1) * perBlock));
  let searched = 0;
  const describedPlace = (): HostCluster | undefined => {
    for (; searched < needed; searched++) {
      const place = blockOffset(table, searched) === 0 ? undefined : placeIn(searched);
      if (place !== undefined) return place;
    }
    return undefined;
  };
  let missing = 0;
  for (let index = 0; index < needed; index++) {
    if (blockOffset(table, index) !== 0) continue;
    // In its own range, it describes itself.
    const place = describedPlace() ?? placeIn(index);
    if (place === undefined) missing++;
    else blocks.push({ index, place });
  }
  return { blocks, missing };
}

/**
 * The blocks that the shortest file has to have, counting those themselves.
 * @returns and its end with them
 */
export function neededBlocks(
  image: Qcow2Image,
  { inUse }: ClusterLayout,
): { readonly blocks: readonly NewBlock[]; readonly end: HostCluster } {
  for (let end = hostCluster(inUse.count); ;) {
    const { blocks, missing } = missingBlocks(image, new FreeRuns(inUse, end));
    const needed = hostCluster(inUse.count + blocks.length + missing);
    if (needed <= end) return { blocks, end };
    end = needed;
  }
}

/** Makes refcount blocks: without a count but their own. @throws FormatError, FileError */
export function addBlocks(staged: StagedFile, image: Qcow2Image, blocks: readonly NewBlock[]): void {
  const refcounts = new RefcountBlocks(staged, image.header, new ClusterBits());
  for (const { index, place } of blocks) {
    refcounts.addBlock(index, startOf(place, image.header.clusterSize));
    refcounts.adjust(place, 1, 1);
  }
  refcounts.flush();
}

/** What of the refcount structures is not needed. */
export interface ShapeChange {
  /** Indexes of entries of the refcount table. */
  readonly dropped: readonly number[];
  readonly tableClusters: ClusterCount;
}

/**
 * The blocks behind the shortest length of the file that describe nothing but themselves, and the clusters of the table
 * behind its last entry.
 * @returns undefined where all is needed
 */
export function shapeChange({ file, header }: Qcow2Image, { inUse }: ClusterLayout): ShapeChange | undefined {
  const { clusterSize, refcountBits, refcountTableClusters } = header;
  const perBlock = refcountsPerBlock(clusterSize, refcountBits);
  const table = readRefcountTable(file, header);
  const dropped: number[] = [];
  let entries = 0;
  for (let index = 0; index * 2 < table.length; index++) {
    const offset = blockOffset(table, index);
    if (offset === 0) continue;
    const first = hostCluster(index * perBlock);
    const own = clusterOf(offset, clusterSize);
    const isItsOwn = own >= first && own < first + perBlock;
    const isNeeded =
      first < inUse.count || inUse.countWithin(first, plus(first, perBlock)) > (isItsOwn ? 1 : 0);
    if (isNeeded) entries = index + 1;
    else dropped.push(index);
  }
  const tableClusters = Math.max(1, Math.ceil((entries * 8) / clusterSize));
  if (dropped.length === 0 && tableClusters >= refcountTableClusters) return undefined;
  return { dropped, tableClusters: Math.min(tableClusters, refcountTableClusters) };
}

/** @throws FormatError, FileError */
export function changeShape(
  staged: StagedFile,
  { header }: Qcow2Image,
  { dropped, tableClusters }: ShapeChange,
): void {
  const { clusterSize, refcountTableOffset, refcountTableClusters } = header;
  const table = readRefcountTable(staged, header);
  for (const index of dropped) {
    const isKept = index * 8 < tableClusters * clusterSize;
    if (isKept) staged.write(entryBytes(hostOffset(0)), plus(refcountTableOffset, index * 8));
  }
  if (tableClusters < refcountTableClusters) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(tableClusters);
    staged.write(count, headerField('refcount_table_clusters').offset);
  }
  const refcounts = new RefcountBlocks(staged, Qcow2Image.open(staged).header, new ClusterBits());
  for (const index of dropped) {
    const place = clusterOf(blockOffset(table, index), clusterSize);
    // The refcount of one that describes itself goes with it.
    if (Math.floor(place / refcounts.perBlock) !== index) refcounts.adjust(place, 1, -1);
  }
  const rest = plus(clusterOf(refcountTableOffset, clusterSize), tableClusters);
  if (tableClusters < refcountTableClusters)
    refcounts.adjust(rest, refcountTableClusters - tableClusters, -1);
  refcounts.flush();
}
