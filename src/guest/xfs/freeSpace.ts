/**
 * Free space: in each allocation group, the B+tree of free stretches by their block numbers (`struct xfs_alloc_rec`, short
 * form of `struct xfs_btree_block`). Every block of it must be as it should be, and the sum what the header of the group
 * says; otherwise nothing is believed.
 */
import { expectOnDevice } from '../blockDevice';
import type { WalkProgress } from '../fileSystem';
import { type DeviceOffset, deviceOffset } from '../units';
import { viewOf } from './bigEndian';
import { type GroupFreeSpace, readFreeList, readGroup } from './groups';
import { errorOf, invalid } from './problems';
import { GROUP_TREE_SEAL, sealProblem } from './seal';
import { fsBlock, type GroupBlock, groupBlock, type Volume } from './volume';

const TREE = 'tree of free blocks';
const MAGIC = 0x41425442; // ABTB
const MAGIC_V5 = 0x41423342; // AB3B
const HEADER = 16;
const HEADER_V5 = 56;
const RECORD = 8;
const POINTER = 4;
/** The kernel has fewer. */
const MOST_LEVELS = 10;
/** Sectors with headers at the front of each group. */
const HEADER_SECTORS = 4;

/** Blocks of a group, `end` behind the last one. */
interface Run {
  readonly start: number;
  readonly end: number;
}

/** As `FileSystem.forEachFree`. @throws GuestError */
export function forEachFreeRun(
  volume: Volume,
  visit: (start: DeviceOffset, length: number) => void,
  progress: WalkProgress,
): void {
  const { groups, blocks, blockSize } = volume.superblock;
  expectOnDevice(volume.device, 0, blocks * blockSize, 'file system');
  for (let group = 0; group < groups; group++) {
    progress.checkCancelled();
    progress.report(group, groups);
    const header = readGroup(volume, group);
    const start = volume.groupStart(group);
    const used = new UsedRuns(volume, group, header);
    let sum = 0;
    walkGroup(
      volume,
      group,
      header,
      (run, place) => {
        const both = used.within(run);
        if (both !== undefined) throw invalid(TREE, place, run.start, `not ${both.start}–${both.end - 1}`);
        sum += run.end - run.start;
        visit(deviceOffset(start + run.start * blockSize), (run.end - run.start) * blockSize);
      },
      progress,
    );
    if (sum !== header.freeBlocks) throw invalid('AGF', header.place, header.freeBlocks, sum);
  }
  progress.report(groups, groups);
}

/** What can never be free: the headers of a group, the blocks of its list, and the log. */
class UsedRuns {
  /** Ascending by their starts. */
  readonly #runs: Run[];
  /** The first that may end behind what is asked next. */
  #next = 0;

  /** @throws GuestError */
  constructor(volume: Volume, group: number, header: GroupFreeSpace) {
    const { blockSize, sectorSize, logStart, logBlocks, groupBlockBits } = volume.superblock;
    const runs: Run[] = [{ start: 0, end: Math.ceil((HEADER_SECTORS * sectorSize) / blockSize) }];
    for (const block of readFreeList(volume, group, header)) runs.push({ start: block, end: block + 1 });
    const logGroup = Math.floor(logStart / 2 ** groupBlockBits);
    if (logStart > 0 && logGroup === group) {
      volume.place(fsBlock(logStart), logBlocks, 'log');
      const start = logStart - logGroup * 2 ** groupBlockBits;
      runs.push({ start, end: start + logBlocks });
    }
    this.#runs = runs.sort((run, other) => run.start - other.start);
  }

  /** The first of them that overlaps a run; runs are asked for in ascending order. */
  within({ start, end }: Run): Run | undefined {
    for (let run = this.#runs[this.#next]; run !== undefined; run = this.#runs[++this.#next])
      if (run.end > start) return run.start < end ? run : undefined;
    return undefined;
  }
}

/** Tells the free stretches of a group, ascending, not touching each other. @throws GuestError */
function walkGroup(
  volume: Volume,
  group: number,
  { root, levels, place }: GroupFreeSpace,
  visit: (run: Run, place: DeviceOffset) => void,
  progress: WalkProgress,
): void {
  if (levels < 1 || levels > MOST_LEVELS) throw invalid('AGF', place, levels, `1–${MOST_LEVELS}`);
  const length = volume.groupLength(group);
  /** Before the first block that may be free. */
  let last = 0;
  const walk = (block: GroupBlock, level: number, isRoot: boolean): void => {
    progress.checkCancelled();
    const node = readNode(volume, group, block, level);
    if (node.count === 0 && !isRoot) throw invalid(TREE, node.place, 0, '≥ 1');
    for (let index = 0; index < node.count; index++) {
      const record = node.first + index * RECORD;
      const start = node.view.getUint32(record);
      const count = node.view.getUint32(record + 4);
      if (level > 0) {
        // Levels decrease, and every leaf goes on behind the one before it: no block is met twice.
        walk(groupBlock(node.view.getUint32(node.pointers + index * POINTER)), level - 1, false);
        continue;
      }
      if (start <= last || count === 0 || start + count > length)
        throw invalid(TREE, node.place, start, `${last + 1}–${length - 1}`);
      last = start + count;
      visit({ start, end: last }, node.place);
    }
  };
  walk(root, levels - 1, true);
}

interface Node {
  readonly view: DataView;
  readonly count: number;
  readonly place: DeviceOffset;
  /** Bytes from the start of the block to the first record or key. */
  readonly first: number;
  /** Bytes to the first pointer; of nodes that have pointers. */
  readonly pointers: number;
}

function readNode(volume: Volume, group: number, block: GroupBlock, level: number): Node {
  const { blockSize, version } = volume.superblock;
  const place = volume.placeInGroup(group, block, TREE);
  const bytes = volume.read(place, blockSize, TREE);
  const view = viewOf(bytes);
  const isV5 = version === 5;
  const magic = isV5 ? MAGIC_V5 : MAGIC;
  if (view.getUint32(0) !== magic) throw invalid(TREE, place, view.getUint32(0), magic);
  if (isV5) {
    const problem = sealProblem(bytes, GROUP_TREE_SEAL, volume, { what: TREE, place, owner: group });
    if (problem !== undefined) throw errorOf(problem);
  }
  if (view.getUint16(4) !== level) throw invalid(TREE, place, view.getUint16(4), level);
  const first = isV5 ? HEADER_V5 : HEADER;
  const most = Math.floor((blockSize - first) / (level === 0 ? RECORD : RECORD + POINTER));
  const count = view.getUint16(6);
  if (count > most) throw invalid(TREE, place, count, most);
  return { view, count, place, first, pointers: first + most * RECORD };
}
