/**
 * The contents of an inode as stretches of blocks: extents in the inode itself, or a B+tree whose root is in the inode
 * (`struct xfs_bmbt_rec`, `struct xfs_bmdr_block`, long form of `struct xfs_btree_block`).
 */
import type { DeviceOffset } from '../units';
import { u64, viewOf } from './bigEndian';
import type { Inode } from './inode';
import { errorOf, invalid } from './problems';
import { EXTENT_TREE_SEAL, sealProblem } from './seal';
import { type FsBlock, fsBlock, type Volume } from './volume';

export interface Extent {
  /** Blocks from the start of the file. */
  readonly at: number;
  /** Blocks, at least one. */
  readonly count: number;
  readonly place: DeviceOffset;
  /** Allocated, but reads as zeroes. */
  readonly isUnwritten: boolean;
}

const TREE = 'tree of extents';
const RECORD = 16;
const KEY = 8;
const POINTER = 8;
const MAGIC = 0x424d4150; // BMAP
const MAGIC_V5 = 0x424d4133; // BMA3
const HEADER = 24;
const HEADER_V5 = 72;
/** Levels below the root: the kernel has at most 9 in all. */
const MOST_LEVELS = 12;

/** Records of one leaf. */
interface Leaf {
  readonly view: DataView;
  /** Bytes from the start of the view to the first record. */
  readonly first: number;
  readonly count: number;
  readonly place: DeviceOffset;
}

interface Node extends Leaf {
  /** Bytes to the first pointer. */
  readonly pointers: number;
  readonly level: number;
  /** The entry to go on with. */
  next: number;
}

/**
 * The extents that end after block `from` of the file, ascending, not overlapping.
 * @throws GuestError where the next one cannot be read
 */
export function* extentsOf(volume: Volume, inode: Inode, from = 0): Generator<Extent, void> {
  if (inode.format !== 'extents' && inode.format !== 'tree') return;
  let end = 0;
  for (const leaf of inode.format === 'tree' ? treeLeaves(volume, inode, from) : [leafOf(inode)]) {
    let index = Math.max(
      0,
      lastAtMost(leaf.count, from, (at) => offsetOf(leaf, at)),
    );
    for (; index < leaf.count; index++) {
      const extent = extentAt(volume, leaf, index);
      if (extent.at < end) throw invalid('extent', leaf.place, extent.at, `≥ ${end}`);
      end = extent.at + extent.count;
      if (end > from) yield extent;
    }
  }
}

/** The extents that are in the inode itself. */
function leafOf(inode: Inode): Leaf {
  const most = Math.floor(inode.fork.length / RECORD);
  if (inode.extents > most) throw invalid('extents of the inode', inode.place, inode.extents, most);
  return { view: viewOf(inode.fork), first: 0, count: inode.extents, place: inode.place };
}

/** Blocks from the start of the file: the 54 bits behind the flag. */
function offsetOf({ view, first }: Leaf, index: number): number {
  const at = first + index * RECORD;
  return (view.getUint32(at) & 0x7fff_ffff) * 2 ** 23 + (view.getUint32(at + 4) >>> 9);
}

function extentAt(volume: Volume, leaf: Leaf, index: number): Extent {
  const { view, first, place } = leaf;
  const record = first + index * RECORD;
  const low = view.getUint32(record + 12);
  const high = view.getUint32(record + 4) & 0x1ff;
  const block = fsBlock(high * 2 ** 43 + view.getUint32(record + 8) * 2 ** 11 + (low >>> 21));
  const at = offsetOf(leaf, index);
  const count = low & 0x1f_ffff;
  const limit = Math.floor(Number.MAX_SAFE_INTEGER / volume.superblock.blockSize);
  if (count === 0 || at + count > limit) throw invalid('extent', place, at + count, limit);
  return {
    at,
    count,
    place: volume.place(block, count, 'extent'),
    isUnwritten: view.getUint32(record) >>> 31 === 1,
  };
}

/** The index of the last of `count` ascending values that is at most `limit`; −1 where all are larger. */
function lastAtMost(count: number, limit: number, valueAt: (index: number) => number): number {
  let low = -1;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (valueAt(middle) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The leaves from the one on that may hold block `from` of the file. Levels decrease, every block has an entry, and
 * `extentsOf` expects ascending offsets: no block can be met twice.
 */
function* treeLeaves(volume: Volume, inode: Inode, from: number): Generator<Leaf, void> {
  const root = rootOf(inode);
  enter(root, from);
  const path: Node[] = [root];
  for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
    if (node.next >= node.count) {
      path.pop();
      continue;
    }
    const pointer = fsBlock(u64(node.view, node.pointers + node.next++ * POINTER));
    const child = readNode(volume, inode, pointer, node.level - 1);
    if (child.level === 0) {
      yield child;
      continue;
    }
    enter(child, from);
    path.push(child);
  }
}

/** Goes to the entry below which block `from` of the file may be. */
function enter(node: Node, from: number): void {
  node.next = Math.max(
    0,
    lastAtMost(node.count, from, (index) => u64(node.view, node.first + index * KEY)),
  );
}

/** The root, in the inode: a level, a count, keys, and pointers at the place that the most keys would leave them. */
function rootOf({ fork, place }: Inode): Node {
  const view = viewOf(fork);
  const most = Math.floor((fork.length - 4) / (KEY + POINTER));
  if (most < 1) throw invalid(TREE, place, fork.length, 4 + KEY + POINTER);
  const level = view.getUint16(0);
  const count = view.getUint16(2);
  if (level < 1 || level > MOST_LEVELS) throw invalid(TREE, place, level, `1–${MOST_LEVELS}`);
  if (count < 1 || count > most) throw invalid(TREE, place, count, `1–${most}`);
  return { view, first: 4, pointers: 4 + most * KEY, count, level, place, next: 0 };
}

function readNode(volume: Volume, inode: Inode, block: FsBlock, level: number): Node {
  const place = volume.place(block, 1, TREE);
  const { blockSize, version } = volume.superblock;
  const bytes = volume.read(place, blockSize, TREE);
  const view = viewOf(bytes);
  const magic = version === 5 ? MAGIC_V5 : MAGIC;
  if (view.getUint32(0) !== magic) throw invalid(TREE, place, view.getUint32(0), magic);
  if (view.getUint16(4) !== level) throw invalid(TREE, place, view.getUint16(4), level);
  if (version === 5) {
    const where = { what: TREE, place, owner: inode.number };
    const problem = sealProblem(bytes, EXTENT_TREE_SEAL, volume, where);
    if (problem !== undefined) throw errorOf(problem);
  }
  const first = version === 5 ? HEADER_V5 : HEADER;
  const most = Math.floor((blockSize - first) / (level === 0 ? RECORD : KEY + POINTER));
  const count = view.getUint16(6);
  if (count < 1 || count > most) throw invalid(TREE, place, count, `1–${most}`);
  return { view, first, pointers: first + most * KEY, count, level, place, next: 0 };
}
