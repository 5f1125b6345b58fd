/** What a compaction would come to: measured, not done. */
import { refcountsPerBlock } from '../format/refcountWidth';
import type { Qcow2Image } from '../image/qcow2Image';
import { forEachEntry, readRefcountTable } from '../image/tableEntries';
import type { Progress } from '../progress';
import { SECTOR } from '../save/role';
import type { ByteLength, ClusterCount } from '../units';
import { type ClusterLayout, layoutOf, tailOf } from './clusterLayout';
import { BATCH_BYTES, BATCH_CLUSTERS, CUT_EVERY } from './compactor';
import { refuseCompaction } from './compactRefusals';

/** Plain JSON. All of it in bytes. */
export interface CompactPreview {
  readonly fileSize: ByteLength;
  /** The length that the file would have; a few clusters more where tables have no room before that. */
  readonly newFileSize: ByteLength;
  /** What would be moved, about. */
  readonly moveBytes: ByteLength;
  /** Leaks that are repaired first. */
  readonly leakedBytes: ByteLength;
  /** What the file system may have to have free meanwhile, about: for copies between two cuts, and for a journal. */
  readonly roomBytes: ByteLength;
}

/** Bytes of the journal for each cluster that a batch moves: an entry of an L2 table and a refcount change with it. */
const JOURNAL_BYTES = 2 * SECTOR;

/** @throws EngineError as `compact`, but for leaks; nothing is changed */
export function previewCompaction(image: Qcow2Image, progress: Progress): CompactPreview {
  refuseCompaction(image);
  const { clusterSize } = image.header;
  const layout = layoutOf(image, progress);
  const end = Math.min(layout.end, shortestLength(image, layout));
  const moves = tailOf(layout);
  const moveBytes = moves * clusterSize;
  return {
    fileSize: image.file.size,
    newFileSize: Math.min(image.file.size, end * clusterSize),
    moveBytes,
    leakedBytes: layout.leaks * clusterSize,
    roomBytes: Math.min(moveBytes, CUT_EVERY * BATCH_BYTES) + Math.min(moves, BATCH_CLUSTERS) * JOURNAL_BYTES,
  };
}

/** Clusters in use when the refcount structures are as short as they can be. */
function shortestLength({ file, header }: Qcow2Image, { inUse }: ClusterLayout): ClusterCount {
  const { clusterSize, refcountBits, refcountTableClusters } = header;
  const perBlock = refcountsPerBlock(clusterSize, refcountBits);
  let blocksNow = 0;
  forEachEntry(readRefcountTable(file, header), () => {
    blocksNow++;
  });
  const others = inUse.count - blocksNow - refcountTableClusters;
  for (let blocks = 1; ;) {
    const table = Math.ceil((blocks * 8) / clusterSize);
    const needed = Math.ceil((others + blocks + table) / perBlock);
    if (needed <= blocks) return others + blocks + table;
    blocks = needed;
  }
}
