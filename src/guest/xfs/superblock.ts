/**
 * The superblock: `struct xfs_dsb`, the first sector of the device. What it must say for anything to be read; features
 * are judged in features.ts.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError } from '../errors';
import { textOf, u64, uuidText, viewOf } from './bigEndian';
import { hasRightChecksum } from './checksum';

const MAGIC = 0x58465342; // XFSB
const CHECKSUM_AT = 224;
/** Bytes of a superblock that has all fields of v5. */
const LENGTH = 264;
/** Bits of `versionnum`. */
const NUMBER = 0x000f;
export const VERSION_SHARED = 0x0200;
const VERSION_DIRECTORIES_2 = 0x2000;
const VERSION_MORE = 0x8000;
/** Bits of `features2`. */
const LAZY_COUNTERS = 0x2;
const FILE_TYPES_V4 = 0x200;
/** Incompatible features that change how other structures are read. */
const FILE_TYPES = 0x1;
const META_UUID = 0x4;

export interface Superblock {
  readonly version: 4 | 5;
  /** Bytes of a block: 512 to 65,536. */
  readonly blockSize: number;
  /** Bytes: 512 to 32,768. */
  readonly sectorSize: number;
  /** Bytes: 256 to 2048. */
  readonly inodeSize: number;
  /** Blocks of a directory block, as a power of two: at most 64 KiB. */
  readonly directoryBlockLog: number;
  /** Blocks of the file system. */
  readonly blocks: number;
  /** Blocks of each allocation group but the last one, which may be shorter. */
  readonly groupBlocks: number;
  readonly groups: number;
  /** Bits of a block number, and of an inode number, below the number of the group. */
  readonly groupBlockBits: number;
  readonly inodesPerBlockBits: number;
  readonly rootInode: number;
  /** Number of the log's first block; 0 where it is on another device. */
  readonly logStart: number;
  readonly logBlocks: number;
  readonly label: string;
  readonly uuid: string;
  readonly uuidBytes: Uint8Array;
  /** What metadata of v5 bears. */
  readonly metaUuid: Uint8Array;
  /** Free blocks as last written: not current before the file system was closed. */
  readonly freeBlocks: number;
  readonly isInProgress: boolean;
  readonly hasRightChecksum: boolean;
  /** The counters above are sums of those of the groups. */
  readonly hasLazyCounters: boolean;
  /** Directory entries tell the types of files. */
  readonly hasFileTypes: boolean;
  /** Raw, for features.ts. */
  readonly raw: {
    readonly versionBits: number;
    readonly features2: number;
    readonly sharedVersion: number;
    readonly compatible: number;
    readonly readOnlyCompatible: number;
    readonly incompatible: number;
    readonly logIncompatible: number;
  };
}

/** @throws GuestError where this is no XFS, or where nothing could be found by what it says */
export function readSuperblock(device: BlockDevice): Superblock {
  const head = readBytes(device, 0, 512, 'superblock');
  const view = viewOf(head);
  expectValue(view.getUint32(0) === MAGIC, 0, view.getUint32(0), MAGIC);
  const versionBits = view.getUint16(100);
  const version = versionBits & NUMBER;
  if (version !== 4 && version !== 5) throw invalid(100, version, '4, 5');
  if (version === 4 && (versionBits & VERSION_DIRECTORIES_2) === 0)
    throw new GuestError('guest.notRead', { what: 'XFS', value: 'directories of version 1' });
  const sizes = readSizes(view);
  const more = version === 5;
  const features2 =
    (versionBits & VERSION_MORE) === 0 && !more ? 0 : (view.getUint32(200) | view.getUint32(204)) >>> 0;
  const incompatible = more ? view.getUint32(216) : 0;
  const uuidBytes = head.slice(32, 48);
  return {
    version,
    ...sizes,
    rootInode: u64(view, 56),
    logStart: u64(view, 48),
    logBlocks: view.getUint32(96),
    label: textOf(head.subarray(108, 120)).replace(/\0.*$/su, ''),
    uuid: uuidText(uuidBytes),
    uuidBytes,
    metaUuid: (incompatible & META_UUID) === 0 ? uuidBytes : head.slice(248, LENGTH),
    freeBlocks: u64(view, 144),
    isInProgress: view.getUint8(126) !== 0,
    hasRightChecksum:
      !more || hasRightChecksum(readBytes(device, 0, sizes.sectorSize, 'superblock'), CHECKSUM_AT),
    hasLazyCounters: more || (features2 & LAZY_COUNTERS) !== 0,
    hasFileTypes: more ? (incompatible & FILE_TYPES) !== 0 : (features2 & FILE_TYPES_V4) !== 0,
    raw: {
      versionBits,
      features2,
      sharedVersion: view.getUint8(179),
      compatible: more ? view.getUint32(208) : 0,
      readOnlyCompatible: more ? view.getUint32(212) : 0,
      incompatible,
      logIncompatible: more ? view.getUint32(220) : 0,
    },
  };
}

type Sizes = Pick<
  Superblock,
  | 'blockSize'
  | 'sectorSize'
  | 'inodeSize'
  | 'directoryBlockLog'
  | 'blocks'
  | 'groupBlocks'
  | 'groups'
  | 'groupBlockBits'
  | 'inodesPerBlockBits'
>;

/** What all places are computed from, and what it must agree with. */
function readSizes(view: DataView): Sizes {
  const blockSize = powerOfTwo(4, view.getUint32(4), [512, 65_536]);
  const sectorSize = powerOfTwo(102, view.getUint16(102), [512, 32_768]);
  const inodeSize = powerOfTwo(104, view.getUint16(104), [256, Math.min(2048, blockSize)]);
  const directoryBlockLog = view.getUint8(192);
  expectValue(
    blockSize * 2 ** directoryBlockLog <= 65_536,
    192,
    directoryBlockLog,
    16 - Math.log2(blockSize),
  );
  const blocks = u64(view, 8);
  const mostBlocks = Math.floor(Number.MAX_SAFE_INTEGER / blockSize);
  expectValue(blocks > 0 && blocks <= mostBlocks, 8, blocks, mostBlocks);
  const groupBlocks = view.getUint32(84);
  expectValue(
    groupBlocks * blockSize >= 4 * sectorSize,
    84,
    groupBlocks,
    Math.ceil((4 * sectorSize) / blockSize),
  );
  const groups = view.getUint32(88);
  expectValue(groups === Math.ceil(blocks / groupBlocks), 88, groups, Math.ceil(blocks / groupBlocks));
  const groupBlockBits = view.getUint8(124);
  expectValue(
    groupBlockBits === Math.ceil(Math.log2(groupBlocks)),
    124,
    groupBlockBits,
    Math.ceil(Math.log2(groupBlocks)),
  );
  return {
    blockSize,
    sectorSize,
    inodeSize,
    directoryBlockLog,
    blocks,
    groupBlocks,
    groups,
    groupBlockBits,
    inodesPerBlockBits: Math.log2(blockSize / inodeSize),
  };
}

function powerOfTwo(at: number, value: number, [least, most]: readonly [number, number]): number {
  expectValue((value & (value - 1)) === 0 && value >= least && value <= most, at, value, `${least}–${most}`);
  return value;
}

function expectValue(isValid: boolean, at: number, value: number, limit: number | string): void {
  if (!isValid) throw invalid(at, value, limit);
}

function invalid(at: number, value: number, limit: number | string): GuestError {
  return new GuestError('guest.value', { what: 'superblock', offset: at, value, limit });
}
