/** Inodes (kernel documentation, filesystems/ext4, "Index Nodes"): where they are, what they say, and their checksum. */
import { GuestError, type GuestProblem } from '../errors';
import type { FileType } from '../fileSystem';
import { crc32c, crc32cOfZeroes } from '../crc32c';
import { COMPRESSION, ENCRYPT } from './features';
import { inodeSeed, type Volume } from './volume';

export const ROOT_INODE = 2;
const SECTOR = 512;

/** `i_flags` */
const COMPRESSED_BLOCKS = 0x200;
const ENCRYPTED = 0x800;
const INDEXED = 0x1000;
const HUGE = 0x4_0000;
const HAS_EXTENTS = 0x8_0000;
const EA_IS_INODE = 0x20_0000;
const HAS_INLINE_DATA = 0x1000_0000;

const OLD_SIZE = 128;
const CHECKSUM_LOW_AT = 0x7c;
const CHECKSUM_HIGH_AT = 0x82;
const BLOCK_AT = 0x28;
const BLOCK_SIZE = 60;

const TYPES: Readonly<Record<number, FileType>> = {
  0x1: 'pipe',
  0x2: 'characterDevice',
  0x4: 'folder',
  0x6: 'blockDevice',
  0x8: 'file',
  0xa: 'link',
  0xc: 'socket',
};

export interface Inode {
  readonly number: number;
  readonly type: FileType;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly links: number;
  /** Bytes; at most 2^53 − 1, whatever is declared. */
  readonly size: number;
  /** Bytes that the file takes, its extent blocks and the like included. */
  readonly allocated: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly hasExtents: boolean;
  readonly hasInlineData: boolean;
  readonly isIndexed: boolean;
  readonly isEncrypted: boolean;
  readonly isCompressed: boolean;
  /** The target of a link is in the inode. */
  readonly isShortLink: boolean;
  /** What the checksums of its blocks begin with. */
  readonly seed: number;
  /** `i_block`: 60 bytes. */
  readonly block: Uint8Array;
  /** Where `block` is on the device. */
  readonly blockOffset: number;
  /** The whole inode. */
  readonly bytes: Uint8Array;
  /** Bytes that the fields take; attributes follow. */
  readonly fieldsEnd: number;
  /** A wrong checksum, a size beyond what can be. */
  readonly problem: GuestProblem | undefined;
}

/** @throws GuestError where there is no such inode, it is not in use, or it cannot be read */
export function readInode(volume: Volume, number: number): Inode {
  const { superblock } = volume;
  const { inodes, inodesPerGroup, inodeSize } = superblock;
  if (!Number.isInteger(number) || number < 1 || number > inodes)
    throw new GuestError('guest.value', { what: 'inode number', value: number, limit: `1–${inodes}` });
  const group = Math.floor((number - 1) / inodesPerGroup);
  const within = ((number - 1) % inodesPerGroup) * inodeSize;
  const table = volume.descriptor(group).inodeTable;
  const block = table + Math.floor(within / superblock.blockSize);
  volume.expectBlocks(block, 1, 'inode table', volume.descriptorOffset(group));
  const offset = volume.offsetOf(table) + within;
  const bytes = new Uint8Array(inodeSize);
  volume.readAt(bytes, offset);
  const inode = parseInode(volume, number, offset, bytes);
  if (inode === undefined) throw new GuestError('ext.deleted', { what: 'inode', offset, value: number });
  return inode;
}

/** @returns undefined where it is not in use */
function parseInode(volume: Volume, number: number, offset: number, bytes: Uint8Array): Inode | undefined {
  const { superblock } = volume;
  const view = new DataView(bytes.buffer);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const mode = u16(0);
  const links = u16(0x1a);
  const type = TYPES[mode >>> 12];
  if (type === undefined || (links === 0 && u32(0x14) !== 0)) return undefined;

  const { isLinux } = superblock;
  const flags = u32(0x20);
  const extra = bytes.length > OLD_SIZE ? u16(0x80) : 0;
  const fieldsEnd = Math.min(OLD_SIZE + extra, bytes.length);
  const has = (at: number): boolean => fieldsEnd >= at + 4;
  const isLarge = type === 'file' || (type === 'folder' && superblock.hasLargeFolders);
  const declared = u32(4) + (isLarge ? u32(0x6c) * 2 ** 32 : 0);
  const size = Math.min(declared, Number.MAX_SAFE_INTEGER);
  const sectors = u32(0x1c) + (superblock.hasHugeFiles && isLinux ? u16(0x74) * 2 ** 32 : 0);
  const isHuge = superblock.hasHugeFiles && (flags & HUGE) !== 0;
  const allocated = sectors * (isHuge ? superblock.blockSize : SECTOR);
  const seed = superblock.hasMetadataChecksums ? inodeSeed(superblock.seed, number, u32(0x64)) : 0;

  const hasExtents = (flags & HAS_EXTENTS) !== 0;
  const hasInlineData = (flags & HAS_INLINE_DATA) !== 0;
  const hasAttributeBlock = u32(0x68) !== 0 && (flags & EA_IS_INODE) === 0;
  const attributeSectors = hasAttributeBlock ? (superblock.blockSize * superblock.clusterRatio) / SECTOR : 0;
  const isWhole = sectors === 0 || sectors * (isHuge ? superblock.blockSize / SECTOR : 1) <= attributeSectors;
  return {
    number,
    type,
    mode: mode & 0o7777,
    owner: u16(2) + u16(0x78) * 2 ** 16,
    group: u16(0x18) + u16(0x7a) * 2 ** 16,
    links,
    size,
    allocated: Math.min(allocated, superblock.blocks * superblock.blockSize),
    modified: timeOf(view.getInt32(0x10, true), has(0x88) ? u32(0x88) : 0),
    hasExtents,
    hasInlineData,
    isIndexed: (flags & INDEXED) !== 0,
    isEncrypted: (flags & ENCRYPTED) !== 0 && (superblock.incompatible & ENCRYPT) !== 0,
    isCompressed: (flags & COMPRESSED_BLOCKS) !== 0 && (superblock.incompatible & COMPRESSION) !== 0,
    isShortLink: type === 'link' && !hasExtents && !hasInlineData && size < BLOCK_SIZE && isWhole,
    seed,
    block: bytes.subarray(BLOCK_AT, BLOCK_AT + BLOCK_SIZE),
    blockOffset: offset + BLOCK_AT,
    bytes,
    fieldsEnd,
    problem: problemOf(volume, bytes, seed, { offset, declared, hasHigh: fieldsEnd >= CHECKSUM_HIGH_AT + 2 }),
  };
}

interface Facts {
  readonly offset: number;
  readonly declared: number;
  readonly hasHigh: boolean;
}

function problemOf(
  { superblock }: Volume,
  bytes: Uint8Array,
  seed: number,
  { offset, declared, hasHigh }: Facts,
): GuestProblem | undefined {
  if (declared > Number.MAX_SAFE_INTEGER) {
    const limit = Number.MAX_SAFE_INTEGER;
    return { code: 'guest.beyond', what: 'i_size', offset, value: declared, limit };
  }
  // Of other systems, other fields are where the checksum would be.
  if (!superblock.hasMetadataChecksums || !superblock.isLinux) return undefined;
  const isRight = checksumOf(bytes, seed, hasHigh) === storedChecksum(bytes, hasHigh);
  return isRight ? undefined : { code: 'guest.checksum', what: 'inode', offset };
}

function checksumOf(bytes: Uint8Array, seed: number, hasHigh: boolean): number {
  let crc = crc32c(seed, bytes, 0, CHECKSUM_LOW_AT);
  crc = crc32cOfZeroes(crc);
  if (!hasHigh) return crc32c(crc, bytes, CHECKSUM_LOW_AT + 2) & 0xffff;
  crc = crc32c(crc, bytes, CHECKSUM_LOW_AT + 2, CHECKSUM_HIGH_AT);
  crc = crc32cOfZeroes(crc);
  return crc32c(crc, bytes, CHECKSUM_HIGH_AT + 2);
}

function storedChecksum(bytes: Uint8Array, hasHigh: boolean): number {
  const view = new DataView(bytes.buffer);
  const low = view.getUint16(CHECKSUM_LOW_AT, true);
  return hasHigh ? low + view.getUint16(CHECKSUM_HIGH_AT, true) * 2 ** 16 : low;
}

/**
 * @param seconds signed
 * @param extra two more bits of the seconds, and 30 bits of nanoseconds; 0 where there is no such field
 */
function timeOf(seconds: number, extra: number): number {
  const nanoseconds = extra >>> 2;
  return (seconds + (extra & 3) * 2 ** 32) * 1000 + Math.floor(nanoseconds / 1e6);
}
