/**
 * The superblock: 1,024 bytes at offset 1,024 (kernel documentation, filesystems/ext4, "Super Block"). What the other
 * structures depend on is checked here, so that no division, shift or offset made of it goes wrong.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError } from '../errors';
import { CRC32C_START, crc32c } from '../crc32c';
import {
  BIGALLOC,
  CSUM_SEED,
  type Features,
  GDT_CSUM,
  HUGE_FILE,
  JOURNAL_DEVICE,
  LARGE_DIRECTORY,
  METADATA_CSUM,
  WIDE,
} from './features';

export const SUPERBLOCK_AT = 1024;
const SUPERBLOCK_SIZE = 1024;
const MAGIC = 0xef53;
const CHECKSUM_AT = 0x3fc;
const OLD_INODE_SIZE = 128;
const LINUX = 0;

/** `s_state` */
const CLEAN = 0x1;
const HAS_ERRORS = 0x2;
const ORPHANS_IN_WORK = 0x4;

/** Block sizes are 1 KiB to 64 KiB; clusters are not longer than 512 MiB. */
const LARGEST_LOG_BLOCK = 6;
const LARGEST_LOG_CLUSTER = 19;

export interface Superblock extends Features {
  readonly revision: number;
  readonly label: string;
  readonly uuid: Uint8Array;
  readonly isClean: boolean;
  readonly hasErrors: boolean;
  /** The superblock's own checksum fits, or it has none. */
  readonly isChecksumRight: boolean;
  /** 1 is CRC-32C; there is no other. Only with metadata_csum. */
  readonly checksumType: number;
  /** What checksums with `metadata_csum` begin with. */
  readonly seed: number;
  readonly hasMetadataChecksums: boolean;
  /** Descriptors have a checksum of either kind, and their flags count. */
  readonly hasGroupChecksums: boolean;
  readonly isLinux: boolean;
  readonly hasHugeFiles: boolean;
  readonly hasLargeFolders: boolean;

  /** Bytes. */
  readonly blockSize: number;
  /** Blocks of a cluster, 1 without `bigalloc`. */
  readonly clusterRatio: number;
  readonly blocks: number;
  /** Blocks, as counted in the superblock: it may be older than the descriptors. */
  readonly freeBlocks: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly groups: number;
  readonly inodes: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  /** Bytes of a group descriptor. */
  readonly descriptorSize: number;
  readonly reservedDescriptorBlocks: number;
  readonly firstMetaGroup: number;
  /** With `sparse_super2`: the groups that have copies of the superblock. */
  readonly backupGroups: readonly number[];
  readonly journalInode: number;
  readonly mmpBlock: number;
}

/** @throws GuestError `guest.value` where it is no superblock, `guest.beyond` where the device ends before it */
export function readSuperblock(device: BlockDevice): Superblock {
  const bytes = readBytes(device, SUPERBLOCK_AT, SUPERBLOCK_SIZE, 'superblock');
  return parseSuperblock(bytes);
}

function parseSuperblock(bytes: Uint8Array): Superblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  expect('s_magic', 0x38, u16(0x38), u16(0x38) === MAGIC, '0xef53');

  const revision = u32(0x4c);
  const features = { compatible: u32(0x5c), incompatible: u32(0x60), readOnlyCompatible: u32(0x64) };
  const isWide = (features.incompatible & WIDE) !== 0;
  const hasClusters = (features.readOnlyCompatible & BIGALLOC) !== 0;
  const hasMetadataChecksums = (features.readOnlyCompatible & METADATA_CSUM) !== 0;
  const wide = (low: number, high: number): number => u32(low) + (isWide ? u32(high) * 2 ** 32 : 0);

  const logBlock = u32(0x18);
  expect('s_log_block_size', 0x18, logBlock, logBlock <= LARGEST_LOG_BLOCK, `0–${LARGEST_LOG_BLOCK}`);
  const blockSize = 1024 * 2 ** logBlock;
  const logCluster = hasClusters ? u32(0x1c) : logBlock;
  const isCluster = logCluster >= logBlock && logCluster <= LARGEST_LOG_CLUSTER;
  expect('s_log_cluster_size', 0x1c, logCluster, isCluster, `${logBlock}–${LARGEST_LOG_CLUSTER}`);
  const clusterRatio = 2 ** (logCluster - logBlock);

  const blocks = wide(0x4, 0x150);
  const firstDataBlock = u32(0x14);
  const areBlocks = blocks > firstDataBlock && Number.isSafeInteger(blocks * blockSize);
  expect('s_blocks_count', 0x4, blocks, areBlocks, `${firstDataBlock + 1} or more`);
  const rightFirst = blockSize === 1024 && clusterRatio === 1 ? 1 : 0;
  const isFirst = firstDataBlock === rightFirst || (hasClusters && firstDataBlock === 0);
  expect('s_first_data_block', 0x14, firstDataBlock, isFirst, rightFirst);
  const blocksPerGroup = u32(0x20);
  const clustersPerGroup = blocksPerGroup / clusterRatio;
  const areInGroup = clustersPerGroup > 0 && clustersPerGroup % 8 === 0 && clustersPerGroup <= 8 * blockSize;
  expect('s_blocks_per_group', 0x20, blocksPerGroup, areInGroup, `8–${8 * blockSize * clusterRatio}`);

  const inodeSize = revision === 0 ? OLD_INODE_SIZE : u16(0x58);
  const isInodeSize = inodeSize >= OLD_INODE_SIZE && inodeSize <= blockSize && isPowerOfTwo(inodeSize);
  expect('s_inode_size', 0x58, inodeSize, isInodeSize, `128–${blockSize}`);
  const inodesPerGroup = u32(0x28);
  // Journal devices have none.
  const isJournal = (features.incompatible & JOURNAL_DEVICE) !== 0;
  const areInodes = isJournal || (inodesPerGroup > 0 && inodesPerGroup <= 8 * blockSize);
  expect('s_inodes_per_group', 0x28, inodesPerGroup, areInodes, `1–${8 * blockSize}`);
  const descriptorSize = isWide ? u16(0xfe) : 32;
  const isDescriptor = isPowerOfTwo(descriptorSize) && descriptorSize >= (isWide ? 64 : 32);
  expect('s_desc_size', 0xfe, descriptorSize, isDescriptor && descriptorSize <= 1024, '64–1024');

  const uuid = bytes.slice(0x68, 0x78);
  const hasSeed = (features.incompatible & CSUM_SEED) !== 0;
  const checksum = crc32c(CRC32C_START, bytes, 0, CHECKSUM_AT);
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  const state = u16(0x3a);
  return {
    ...features,
    revision,
    label: textOf(bytes.subarray(0x78, 0x88)),
    uuid,
    isClean: (state & CLEAN) !== 0 && (state & ORPHANS_IN_WORK) === 0,
    hasErrors: (state & HAS_ERRORS) !== 0,
    isChecksumRight: !hasMetadataChecksums || checksum === u32(CHECKSUM_AT),
    checksumType: bytes[0x175] ?? 0,
    seed: hasSeed ? u32(0x270) : crc32c(CRC32C_START, uuid),
    hasMetadataChecksums,
    hasGroupChecksums: hasMetadataChecksums || (features.readOnlyCompatible & GDT_CSUM) !== 0,
    isLinux: u32(0x48) === LINUX,
    hasHugeFiles: (features.readOnlyCompatible & HUGE_FILE) !== 0,
    hasLargeFolders: (features.incompatible & LARGE_DIRECTORY) !== 0,
    blockSize,
    clusterRatio,
    blocks,
    freeBlocks: Math.min(wide(0xc, 0x158), blocks),
    firstDataBlock,
    blocksPerGroup,
    groups,
    inodes: Math.min(u32(0), groups * inodesPerGroup),
    inodesPerGroup,
    inodeSize,
    descriptorSize,
    reservedDescriptorBlocks: u16(0xce),
    firstMetaGroup: u32(0x104),
    backupGroups: [u32(0x24c), u32(0x250)],
    journalInode: u32(0xe0),
    mmpBlock: u32(0x168) + u32(0x16c) * 2 ** 32,
  };
}

const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

/** Text that ends at a NUL, or with the bytes. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

function expect(what: string, at: number, value: number, isRight: boolean, limit: number | string): void {
  if (!isRight) throw new GuestError('guest.value', { what, offset: SUPERBLOCK_AT + at, value, limit });
}

/**
 * The block of a copy of the superblock, for people whose first one is damaged: that of group 1, whose place depends on
 * the block size alone.
 */
export function findBackup(device: BlockDevice): number | undefined {
  for (const blockSize of [4096, 1024, 2048]) {
    const block = 8 * blockSize + (blockSize === 1024 ? 1 : 0);
    const at = block * blockSize;
    if (at + SUPERBLOCK_SIZE > device.size) continue;
    const bytes = readBytes(device, at, SUPERBLOCK_SIZE, 'superblock');
    const view = new DataView(bytes.buffer);
    const isCopy = view.getUint16(0x5a, true) === 1 && 1024 * 2 ** view.getUint32(0x18, true) === blockSize;
    if (view.getUint16(0x38, true) === MAGIC && isCopy) return block;
  }
  return undefined;
}
