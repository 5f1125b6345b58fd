/** The main boot region of exFAT (Microsoft's exFAT specification 1.00, sections 3.1 and 3.4). */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import { deviceOffset } from '../units';
import { tableLength } from './allocationTable';
import { type Clusters, clustersOn } from './clusters';
import { serialText } from './fatBoot';

export interface ExfatBoot {
  readonly clusters: Clusters;
  /** Bytes of the volume. */
  readonly size: number;
  /** Bytes from the start of the device to the file allocation table in use. */
  readonly table: number;
  /** 1 where the second table and the second bitmap are in use (TexFAT), else 0. */
  readonly active: 0 | 1;
  readonly rootCluster: number;
  /** Volume serial number, as `ABCD-1234`. */
  readonly serial: string;
  /** Why its map of free space may not be believed, as far as this region tells. */
  readonly doubts: readonly GuestProblem[];
}

const SIGNATURE = 'EXFAT   ';

const REVISION = 0x0100;
const ACTIVE = 1;
const DIRTY = 2;
const MEDIA_FAILURE = 4;

/** @throws GuestError where this is not the boot sector of an exFAT file system, or of another major revision */
export function readExfatBoot(device: BlockDevice): ExfatBoot {
  const bytes = readBytes(device, 0, 512, 'boot sector');
  const view = new DataView(bytes.buffer);
  const signature = String.fromCharCode(...bytes.subarray(3, 11));
  if (signature !== SIGNATURE) throw invalid('file system name', 3, signature, SIGNATURE);
  const revision = view.getUint16(104, true);
  if (revision >>> 8 !== REVISION >>> 8)
    throw new GuestError('guest.notRead', { what: 'exFAT', value: revisionText(revision) });
  const sectorShift = within(view.getUint8(108), 9, 12, 108, 'sector shift');
  const clusterShift = sectorShift + within(view.getUint8(109), 0, 25 - sectorShift, 109, 'cluster shift');
  const copies = within(view.getUint8(110), 1, 2, 110, 'number of FATs');
  const [sector, clusterSize] = [2 ** sectorShift, 2 ** clusterShift];

  const size = Number(view.getBigUint64(72, true)) * sector;
  if (!Number.isSafeInteger(size))
    throw invalid('volume length', 72, size, `up to ${Number.MAX_SAFE_INTEGER}`);
  const tableStart = within(view.getUint32(80, true), 24, 2 ** 32, 80, 'FAT offset') * sector;
  const tableSize = view.getUint32(84, true) * sector;
  const start = view.getUint32(88, true) * sector;
  const declared = within(view.getUint32(92, true), 1, 2 ** 32 - 11, 92, 'cluster count');
  const [tableEnd, end] = [tableStart + copies * tableSize, start + declared * clusterSize];
  if (tableEnd > start) throw beyond('file allocation table', 84, tableEnd, start);
  if (end > size) throw beyond('cluster heap', 92, end, size);
  const needed = tableLength(32, declared);
  if (tableSize < needed) throw invalid('FAT length', 84, tableSize, `at least ${needed}`);

  const flags = view.getUint16(106, true);
  const active = copies === 2 && (flags & ACTIVE) !== 0 ? 1 : 0;
  return {
    clusters: {
      start: deviceOffset(start),
      clusterSize,
      count: clustersOn(device, start, clusterSize, declared),
    },
    size,
    table: tableStart + active * tableSize,
    active,
    rootCluster: view.getUint32(96, true),
    serial: serialText(view.getUint32(100, true)),
    doubts: [...doubtsOf(view, copies, flags), ...doubtsOfRegion(device, sector, size)],
  };
}

function doubtsOf(view: DataView, copies: number, flags: number): GuestProblem[] {
  const doubts: GuestProblem[] = [];
  const revision = view.getUint16(104, true);
  const state = { what: 'volume flags', offset: 106, value: flags };
  if ((flags & DIRTY) !== 0) doubts.push({ code: 'fat.dirty', ...state });
  if ((flags & MEDIA_FAILURE) !== 0) doubts.push({ code: 'fat.media', ...state });
  if (copies !== 1)
    doubts.push({ code: 'fat.transactional', what: 'number of FATs', offset: 110, value: copies });
  else if ((flags & ACTIVE) !== 0) doubts.push({ code: 'guest.value', ...state, limit: 'active FAT 0' });
  if (revision !== REVISION)
    doubts.push({
      code: 'fat.revision',
      offset: 104,
      value: revisionText(revision),
      limit: revisionText(REVISION),
    });
  return doubts;
}

/** Eleven sectors with a checksum in the twelfth; and all of the volume should be on the device. */
function doubtsOfRegion(device: BlockDevice, sector: number, size: number): GuestProblem[] {
  if (size > device.size)
    return [{ code: 'guest.beyond', what: 'volume', offset: 0, value: size, limit: device.size }];
  const view = new DataView(readBytes(device, 0, 12 * sector, 'boot region').buffer);
  let sum = 0;
  for (let at = 0; at < 11 * sector; at++) {
    // The volume flags and the percentage in use change without it.
    if (at === 106 || at === 107 || at === 112) continue;
    sum = (((sum << 31) | (sum >>> 1)) + view.getUint8(at)) >>> 0;
  }
  for (let at = 11 * sector; at < 12 * sector; at += 4)
    if (view.getUint32(at, true) !== sum)
      return [{ code: 'guest.checksum', what: 'boot region', offset: at }];
  return [];
}

function revisionText(revision: number): string {
  return `${revision >>> 8}.${String(revision & 0xff).padStart(2, '0')}`;
}

function within(value: number, least: number, most: number, offset: number, what: string): number {
  if (value < least || value > most) throw invalid(what, offset, value, `${least}–${most}`);
  return value;
}

function invalid(what: string, offset: number, value: number | string, limit: string): GuestError {
  return new GuestError('guest.value', { what, offset, value, limit });
}

function beyond(what: string, offset: number, value: number, limit: number): GuestError {
  return new GuestError('guest.beyond', { what, offset, value, limit });
}
