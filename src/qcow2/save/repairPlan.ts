/**
 * The plan of a save from or to a damaged image: a repair, or undoing one. In a damaged image two tables may claim a
 * cluster, so its role is unknown. This plan uses only roles that cannot make things worse: what lies past the end of the
 * file is written first, refcounts rise before and fall after all other changes, and `corrupt` stays set until everything
 * is written. It keeps promise A, and of promise B the mark alone (save.ts).
 */
import { RefusedError } from '../errors';
import { soundBlockOffset } from '../format/refcount';
import { Qcow2Image } from '../image/qcow2Image';
import { forEachEntry, readRefcountTable } from '../image/tableEntries';
import type { StagedFile } from '../io/stagedFile';
import type { Progress } from '../progress';
import { hostOffset } from '../units';
import {
  ceilSector,
  firstSector,
  forEachChanged,
  forEachStagedStretch,
  type FilePlan,
  type SavePlan,
} from './plan';
import { CHUNK, Group, Role, SECTOR } from './role';
import { Runs } from './runs';
import type { TableMove } from './tableMove';

/** Nothing is known to have moved: tables that have are new clusters like others. */
const NO_MOVE: TableMove = {
  pointer: Group.extend,
  newTable: undefined,
  formerTable: undefined,
  blocks: new Map(),
  formerBlocks: new Map(),
  ownsCluster: () => false,
};

/** @returns undefined where nothing on disk has to change */
export function makeRepairPlan(
  image: StagedFile,
  dataFile: StagedFile | undefined,
  progress: Progress,
): SavePlan | undefined {
  const onDisk = Qcow2Image.open(image.base);
  const staged = Qcow2Image.open(image, { dataFile, former: onDisk });
  const { clusterSize, version, refcountBits } = onDisk.header;
  if (clusterSize !== staged.header.clusterSize) throw new RefusedError(image.name, 'save.otherGeometry');
  const [header, oldHeader] = [firstSector(image), firstSector(image.base)];
  const plan = planImage(image, onDisk, staged, progress);
  const data = dataFile === undefined ? undefined : planDataFile(dataFile, progress);
  const isHeaderEqual = Buffer.compare(header, oldHeader) === 0;
  if (plan.runs.isEmpty && data === undefined && isHeaderEqual && plan.newSize === plan.oldSize)
    return undefined;
  // The mark is in it.
  if (version === 3 || !isHeaderEqual) plan.runs.add(hostOffset(0), SECTOR, Role.header);
  return {
    shape: {
      version: version === 3 && staged.header.version === 3 ? 3 : 2,
      refcountBits,
      pointer: NO_MOVE.pointer,
    },
    clusterSize,
    image: plan,
    dataFile: data,
    move: NO_MOVE,
    header,
  };
}

function planImage(file: StagedFile, onDisk: Qcow2Image, staged: Qcow2Image, progress: Progress): FilePlan {
  const { clusterSize } = onDisk.header;
  const blocks = commonBlocks(onDisk, staged);
  const oldSize = file.base.size;
  const newSize = file.size;
  const end = Math.ceil(oldSize / clusterSize) * clusterSize;
  const runs = new Runs();
  forEachStagedStretch(file, clusterSize, (offset, length, piece) => {
    progress.checkCancelled();
    const isBlock = blocks.has(Math.floor(offset / clusterSize));
    const role = offset >= end ? Role.fresh : isBlock ? Role.block : Role.tree;
    forEachChanged(file.base, offset, length, piece, (start, stop) => {
      // The header's first sector comes by itself.
      runs.add(hostOffset(Math.max(start, SECTOR)), stop - Math.max(start, SECTOR), role);
    });
  });
  runs.add(hostOffset(ceilSector(newSize)), ceilSector(oldSize) - ceilSector(newSize), Role.cut);
  return { staged: file, runs, oldSize, newSize };
}

/** What is in a data file is data, and a repair leaves it alone; changes that were staged beside one do not. */
function planDataFile(file: StagedFile, progress: Progress): FilePlan | undefined {
  const runs = new Runs();
  forEachStagedStretch(file, CHUNK, (offset, length, piece) => {
    progress.checkCancelled();
    forEachChanged(file.base, offset, length, piece, (start, end) => {
      runs.add(start, end - start, Role.data);
    });
  });
  const oldSize = file.base.size;
  const newSize = file.size;
  if (runs.isEmpty && newSize === oldSize) return undefined;
  runs.add(hostOffset(ceilSector(newSize)), ceilSector(oldSize) - ceilSector(newSize), Role.cut);
  return { staged: file, runs, oldSize, newSize };
}

/** Clusters that are a refcount block both on disk and as staged, by what the refcount tables say. */
function commonBlocks(onDisk: Qcow2Image, staged: Qcow2Image): ReadonlySet<number> {
  const before = blocksOf(onDisk);
  const common = new Set<number>();
  for (const cluster of blocksOf(staged)) if (before.has(cluster)) common.add(cluster);
  return common;
}

function blocksOf({ file, header }: Qcow2Image): Set<number> {
  const clusters = new Set<number>();
  forEachEntry(readRefcountTable(file, header), (_index, high, low) => {
    const offset = soundBlockOffset(high, low, header.clusterSize);
    if (offset !== 0) clusters.add(offset / header.clusterSize);
  });
  return clusters;
}
