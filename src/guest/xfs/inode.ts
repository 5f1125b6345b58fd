/** Inodes: `struct xfs_dinode`, versions 1 to 3. */
import { GuestError, type GuestProblem } from '../errors';
import type { FileType } from '../fileSystem';
import type { DeviceOffset } from '../units';
import { sameBytes, u64, viewOf } from './bigEndian';
import { hasRightChecksum } from './checksum';
import { invalid } from './problems';
import type { Volume } from './volume';

const MAGIC = 0x494e; // IN
const CHECKSUM_AT = 100;
/** Where the forks begin. */
const FORKS_AT = 100;
const FORKS_AT_V3 = 176;
/** `di_flags`. */
const REAL_TIME = 0x1;
/** `di_flags2`. */
const BIG_TIME = 0x8;
const BIG_COUNTERS = 0x10;
/** Milliseconds from the first big timestamp, 1901-12-13, to 1970. */
const BIG_TIME_START = 2 ** 31 * 1000;

const TYPES: Readonly<Record<number, FileType>> = {
  0x1000: 'pipe',
  0x2000: 'characterDevice',
  0x4000: 'folder',
  0x6000: 'blockDevice',
  0x8000: 'file',
  0xa000: 'link',
  0xc000: 'socket',
};

/** How the data fork says where the contents are: `enum xfs_dinode_fmt`. */
export type ForkFormat = 'device' | 'local' | 'extents' | 'tree';
const FORMATS: readonly ForkFormat[] = ['device', 'local', 'extents', 'tree'];

export interface Inode {
  readonly number: number;
  readonly place: DeviceOffset;
  readonly type: FileType;
  /** `0o7777`. */
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly links: number;
  /** Bytes. */
  readonly size: number;
  /** Blocks of contents, of trees of extents, and of attributes. */
  readonly blocks: number;
  /** Milliseconds since 1970 UTC. */
  readonly modified: number;
  readonly format: ForkFormat;
  /** The data fork. */
  readonly fork: Uint8Array;
  /** Extents of the data fork. */
  readonly extents: number;
  readonly isRealTime: boolean;
  /** Why the contents may be other than the guest has them. */
  readonly problem: GuestProblem | undefined;
}

/** @throws GuestError `guest.noFile` where no file has this number; `guest.value` where its fields contradict each other */
export function readInode(volume: Volume, number: number): Inode {
  const { superblock } = volume;
  const place = volume.inodePlace(number);
  const bytes = volume.read(place, superblock.inodeSize, 'inode');
  const view = viewOf(bytes);
  const wrong = (value: number | string, limit: number | string): GuestError =>
    invalid('inode', place, value, limit);
  const modeBits = view.getUint16(2);
  if (view.getUint16(0) !== MAGIC || modeBits === 0) throw new GuestError('guest.noFile', { value: number });
  const version = view.getUint8(4);
  const isV3 = version === 3;
  if (isV3 !== (superblock.version === 5) || version < 1 || version > 3) throw wrong(version, '1, 2, 3');
  if (isV3 && u64(view, 152) !== number) throw wrong(u64(view, 152), number);
  if (isV3 && !sameBytes(bytes.subarray(160, 176), superblock.metaUuid))
    throw wrong('another UUID', superblock.uuid);
  const format = FORMATS[view.getUint8(5)];
  if (format === undefined) throw wrong(view.getUint8(5), 3);
  const size = u64(view, 56);
  if (!Number.isSafeInteger(size)) throw wrong(size, Number.MAX_SAFE_INTEGER);
  const forksAt = isV3 ? FORKS_AT_V3 : FORKS_AT;
  const forkEnd = view.getUint8(82) === 0 ? bytes.length : forksAt + view.getUint8(82) * 8;
  if (forkEnd > bytes.length) throw wrong(view.getUint8(82), (bytes.length - forksAt) / 8);
  const flags2 = isV3 ? u64(view, 120) % 0x1_0000_0000 : 0;
  return {
    number,
    place,
    type: TYPES[modeBits & 0xf000] ?? 'other',
    mode: modeBits & 0o7777,
    owner: view.getUint32(8),
    group: view.getUint32(12),
    links: version === 1 ? view.getUint16(6) : view.getUint32(16),
    size,
    blocks: u64(view, 64),
    modified: (flags2 & BIG_TIME) === 0 ? plainTime(view, 40) : bigTime(view, 40),
    format,
    fork: bytes.subarray(forksAt, forkEnd),
    extents: (flags2 & BIG_COUNTERS) === 0 ? view.getUint32(76) : u64(view, 24),
    isRealTime: (view.getUint16(90) & REAL_TIME) !== 0,
    problem:
      isV3 && !hasRightChecksum(bytes, CHECKSUM_AT)
        ? { code: 'guest.checksum', what: 'inode', offset: place }
        : undefined,
  };
}

/** Seconds with a sign, and nanoseconds. */
function plainTime(view: DataView, at: number): number {
  return view.getInt32(at) * 1000 + Math.floor(view.getInt32(at + 4) / 1_000_000);
}

/** Nanoseconds since 1901-12-13 20:45:52 UTC. */
function bigTime(view: DataView, at: number): number {
  // 2^32 nanoseconds are 4294.967296 milliseconds: no step exceeds 2^53.
  const high = view.getUint32(at);
  return high * 4294 + Math.floor((high * 967_296 + view.getUint32(at + 4)) / 1_000_000) - BIG_TIME_START;
}
