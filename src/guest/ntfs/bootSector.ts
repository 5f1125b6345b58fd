/** The boot sector ($Boot): the sizes of everything, and where the master file table is. */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError } from '../errors';
import { unsigned64, viewOf } from './numbers';

export interface Geometry {
  /** Bytes; from 256 to 4096. */
  readonly sectorSize: number;
  /** Bytes; from 512 to 2 MiB. */
  readonly clusterSize: number;
  /** Whole clusters of the volume. */
  readonly clusters: number;
  /** Bytes of the volume, without the copy of the boot sector behind it. */
  readonly size: number;
  /** Bytes of a record of the master file table; 512 to 4096. */
  readonly recordSize: number;
  /** First clusters of the master file table and of its mirror. */
  readonly mftCluster: number;
  readonly mirrorCluster: number;
  /** The serial number, in hex, as `blkid` prints it. */
  readonly serial: string;
}

const LARGEST_CLUSTER = 2 * 1024 * 1024;
/** Windows makes records of 1 and of 4 KiB. */
const LARGEST_RECORD = 4096;

/** @throws GuestError where the device does not begin with a boot sector of NTFS */
export function readBootSector(device: BlockDevice): Geometry {
  const bytes = readBytes(device, 0, 512, 'boot sector');
  const view = viewOf(bytes);
  const signature = Buffer.from(bytes.subarray(3, 11)).toString('latin1');
  if (signature !== 'NTFS    ') throw wrong('boot sector signature', 3, signature, 'NTFS');
  const sectorSize = view.getUint16(11, true);
  if (!isPowerOfTwo(sectorSize, 256, 4096)) throw wrong('sector size', 11, sectorSize, '256 to 4096');
  const clusterSize = sectorSize * sectorsOf(view.getUint8(13));
  if (!isPowerOfTwo(clusterSize, sectorSize, LARGEST_CLUSTER))
    throw wrong('cluster size', 13, clusterSize, LARGEST_CLUSTER);
  const sectors = unsigned64(view, 0x28, 'sectors of the volume');
  const size = sectors * sectorSize;
  if (sectors === 0 || !Number.isSafeInteger(size))
    throw wrong('sectors of the volume', 0x28, sectors, 2 ** 44);
  const clusters = Math.floor(size / clusterSize);
  const recordSize = recordSizeOf(view.getInt8(0x40), clusterSize);
  if (!isPowerOfTwo(recordSize, 512, LARGEST_RECORD))
    throw wrong('record size', 0x40, recordSize, LARGEST_RECORD);
  const cluster = (at: number, what: string): number => {
    const value = unsigned64(view, at, what);
    if (value >= clusters) throw new GuestError('guest.beyond', { what, offset: at, value, limit: clusters });
    return value;
  };
  return {
    sectorSize,
    clusterSize,
    clusters,
    size,
    recordSize,
    mftCluster: cluster(0x30, 'cluster of the master file table'),
    mirrorCluster: unsigned64(view, 0x38, 'cluster of the mirror'),
    serial: view.getBigUint64(0x48, true).toString(16).toUpperCase().padStart(16, '0'),
  };
}

/** Values above 128 are negative powers of two. */
const sectorsOf = (value: number): number => (value > 128 ? 2 ** (256 - value) : value);

/** Positive: clusters. Negative: the power of two of its bytes. */
const recordSizeOf = (value: number, clusterSize: number): number =>
  value > 0 ? value * clusterSize : 2 ** -value;

export const isPowerOfTwo = (value: number, least: number, most: number): boolean =>
  value >= least && value <= most && Number.isInteger(Math.log2(value));

const wrong = (what: string, offset: number, value: number | string, limit: number | string): GuestError =>
  new GuestError('guest.value', { what, offset, value, limit });
