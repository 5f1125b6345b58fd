/** All group descriptors at once, in typed arrays: 8 TiB have 65,536 groups, or a million with blocks of 1 KiB. */
import { GuestError } from '../errors';
import type { WalkProgress } from '../fileSystem';
import { FLEX_BG } from './features';
import { MetadataRuns, RunList } from './metadataRuns';
import type { Volume } from './volume';

/** Groups of 16 TiB with blocks of 1 KiB; more than that is not read as a whole. */
export const MOST_GROUPS = 2 ** 21;
/** Groups between two looks at whether to go on. */
const CHECK_EVERY = 4096;

export interface GroupTable {
  readonly blockBitmaps: Float64Array;
  readonly bitmapChecksums: Uint32Array;
  /** Clusters. */
  readonly free: Uint32Array;
  /** 1 where there is no bitmap: all is free but metadata. */
  readonly isUninitialized: Uint8Array;
  readonly metadata: MetadataRuns;
}

/**
 * @throws GuestError `guest.tooMany`; `guest.beyond` where the file system is longer than its device; `guest.checksum` for
 *   a descriptor; whatever is wrong with the places of tables
 */
export function readGroups(volume: Volume, progress: WalkProgress): GroupTable {
  const { groups, blocks, blockSize, inodesPerGroup, inodeSize, incompatible } = volume.superblock;
  if (groups > MOST_GROUPS)
    throw new GuestError('guest.tooMany', { what: 'block groups', value: groups, limit: MOST_GROUPS });
  const size = blocks * blockSize;
  if (size > volume.deviceSize)
    throw new GuestError('guest.beyond', {
      what: 's_blocks_count',
      offset: 1024,
      value: size,
      limit: volume.deviceSize,
    });
  const tableBlocks = Math.ceil((inodesPerGroup * inodeSize) / blockSize);
  const table = {
    blockBitmaps: new Float64Array(groups),
    bitmapChecksums: new Uint32Array(groups),
    free: new Uint32Array(groups),
    isUninitialized: new Uint8Array(groups),
  };
  const base = new RunList();
  // With flex_bg the tables of one kind follow each other over several groups; else those of one group do.
  const bitmaps = new RunList();
  const isFlexible = (incompatible & FLEX_BG) !== 0;
  const inodeBitmaps = isFlexible ? new RunList() : bitmaps;
  const tables = isFlexible ? new RunList() : bitmaps;
  for (let group = 0; group < groups; group++) {
    if (group % CHECK_EVERY === 0) progress.checkCancelled();
    const descriptor = volume.descriptor(group);
    const offset = volume.descriptorOffset(group);
    if (!volume.isDescriptorRight(group))
      throw new GuestError('guest.checksum', { what: 'group descriptor', offset });
    const { blockBitmap, inodeBitmap, inodeTable } = descriptor;
    volume.expectBlocks(blockBitmap, 1, 'bg_block_bitmap', offset);
    volume.expectBlocks(inodeBitmap, 1, 'bg_inode_bitmap', offset);
    volume.expectBlocks(inodeTable, tableBlocks, 'bg_inode_table', offset);
    table.blockBitmaps[group] = blockBitmap;
    table.bitmapChecksums[group] = descriptor.bitmapChecksum;
    table.free[group] = descriptor.free;
    table.isUninitialized[group] = descriptor.isUninitialized ? 1 : 0;
    const start = volume.groupStart(group);
    const baseBlocks = baseBlocksOf(volume, group);
    if (baseBlocks > 0) base.add(start, start + baseBlocks);
    bitmaps.add(blockBitmap, blockBitmap + 1);
    inodeBitmaps.add(inodeBitmap, inodeBitmap + 1);
    tables.add(inodeTable, inodeTable + tableBlocks);
  }
  const metadata = new MetadataRuns([...new Set([base, bitmaps, inodeBitmaps, tables])]);
  if (metadata.overlap !== undefined) {
    const offset = volume.offsetOf(metadata.overlap);
    const facts = {
      what: 'group descriptors',
      offset,
      value: metadata.overlap,
      limit: 'one table in a block',
    };
    throw new GuestError('guest.value', facts);
  }
  return { ...table, metadata };
}

/**
 * Blocks at the start of a group that the superblock or its copy takes, the descriptors or their copy, and those that are
 * reserved for more descriptors (`ext4_num_base_meta_blocks` of the kernel).
 */
function baseBlocksOf(volume: Volume, group: number): number {
  const { firstMetaGroup, reservedDescriptorBlocks } = volume.superblock;
  const hasSuperblock = volume.hasSuperblock(group);
  // With blocks of 1 KiB and bigalloc, what precedes the superblock is in the first group, too.
  let blocks = hasSuperblock ? 1 : 0;
  if (group === 0) blocks += volume.superblockBlock - volume.superblock.firstDataBlock;
  const perBlock = volume.descriptorsPerBlock;
  if (volume.hasMetaGroups && group >= firstMetaGroup * perBlock) {
    const within = group % perBlock;
    const hasDescriptors = within === 0 || within === 1 || within === perBlock - 1;
    return blocks + (hasDescriptors ? 1 : 0);
  }
  if (!hasSuperblock) return blocks;
  const descriptorBlocks = volume.hasMetaGroups ? firstMetaGroup : volume.descriptorBlocks;
  return blocks + descriptorBlocks + reservedDescriptorBlocks;
}
