/**
 * The boot sector of FAT12, FAT16 and FAT32: the BIOS parameter block (Microsoft's FAT specification 1.03, "Boot sector and
 * BPB", "FAT type determination").
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import { deviceOffset } from '../units';
import { tableLength } from './allocationTable';
import { type Clusters, clustersOn, FIRST } from './clusters';

export type FatWidth = 12 | 16 | 28;

export interface FatBoot {
  readonly width: FatWidth;
  readonly clusters: Clusters;
  /** Bytes of the volume. */
  readonly size: number;
  /** Where the tables that are kept up to date begin, in bytes; the first one is the one to follow. */
  readonly tables: readonly number[];
  /** FAT12 and FAT16: where the root directory is, in bytes. */
  readonly fixedRoot: { readonly start: number; readonly length: number };
  /** FAT32: the first cluster of the root directory. */
  readonly rootCluster: number;
  /** Volume serial number, as `ABCD-1234`. */
  readonly serial: string | undefined;
  /** Why its map of free space may not be believed, as far as this sector tells. */
  readonly doubts: readonly GuestProblem[];
}

/** Clusters up to which it is FAT12, and FAT16; of FAT32, what its entries can name. */
const MOST_CLUSTERS: Record<FatWidth, number> = { 12: 4084, 16: 65_524, 28: 0x0fffffff - 10 };

const ENTRY = 32;

/** @throws GuestError where this is not the boot sector of a FAT file system */
export function readFatBoot(device: BlockDevice): FatBoot {
  const view = new DataView(readBytes(device, 0, 512, 'boot sector').buffer);
  const sector = power(view.getUint16(11, true), 512, 4096, 11, 'bytes per sector');
  const clusterSize = sector * power(view.getUint8(13), 1, 128, 13, 'sectors per cluster');
  const reserved = atLeastOne(view.getUint16(14, true), 14, 'reserved sectors');
  const copies = atLeastOne(view.getUint8(16), 16, 'number of FATs');
  const media = view.getUint8(21);
  if (media !== 0xf0 && media < 0xf8) throw invalid('media', 21, media, '0xf0, 0xf8–0xff');
  const rootLength = view.getUint16(17, true) * ENTRY;
  const sectors = atLeastOne(view.getUint16(19, true) || view.getUint32(32, true), 32, 'total sectors');
  const shortTable = view.getUint16(22, true);
  const tableSectors = atLeastOne(shortTable || view.getUint32(36, true), 36, 'sectors per FAT');

  const rootStart = (reserved + copies * tableSectors) * sector;
  const start = rootStart + Math.ceil(rootLength / sector) * sector;
  const size = sectors * sector;
  if (start > size)
    throw new GuestError('guest.beyond', { what: 'data area', offset: 0, value: start, limit: size });
  const declared = Math.floor((size - start) / clusterSize);
  const width = shortTable === 0 ? 28 : declared <= MOST_CLUSTERS[12] ? 12 : 16;
  if (declared > MOST_CLUSTERS[width]) throw invalid('clusters', 0, declared, `1–${MOST_CLUSTERS[width]}`);
  const inTable = Math.floor((tableSectors * sector * 8) / (width === 28 ? 32 : width)) - FIRST;
  const count = clustersOn(device, start, clusterSize, Math.min(declared, inTable));

  const doubts = doubtsOf(view, width, device, size);
  const needed = tableLength(width, declared);
  if (tableSectors * sector < needed)
    doubts.push(problem('sectors per FAT', 36, tableSectors, Math.ceil(needed / sector)));
  return {
    width,
    clusters: { start: deviceOffset(start), clusterSize, count },
    size,
    tables: tablesOf(view, width, copies).map((table) => (reserved + table * tableSectors) * sector),
    fixedRoot: { start: rootStart, length: rootLength },
    rootCluster: width === 28 ? view.getUint32(44, true) : 0,
    serial: serialOf(view, width === 28 ? 64 : 36),
    doubts,
  };
}

/** The tables in use: all, or (FAT32 only) one. One that does not exist counts as the first. */
function tablesOf(view: DataView, width: FatWidth, copies: number): number[] {
  const flags = width === 28 ? view.getUint16(40, true) : 0;
  if ((flags & 0x80) === 0) return Array.from({ length: copies }, (_, table) => table);
  const active = flags & 15;
  return [active < copies ? active : 0];
}

/** @param at where the drive number is: the extended part of the boot sector begins with it */
function serialOf(view: DataView, at: number): string | undefined {
  const signature = view.getUint8(at + 2);
  const serial = view.getUint32(at + 3, true);
  return (signature === 0x29 || signature === 0x28) && serial !== 0 ? serialText(serial) : undefined;
}

/** As the systems' tools print it: `ABCD-1234`. */
export function serialText(serial: number): string {
  const digits = serial.toString(16).toUpperCase().padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

function doubtsOf(view: DataView, width: FatWidth, device: BlockDevice, size: number): GuestProblem[] {
  const doubts: GuestProblem[] = [];
  const stateAt = width === 28 ? 0x41 : 0x25;
  const state = view.getUint8(stateAt);
  // Linux sets bit 0 only; Windows NT also has bit 1, for disk errors.
  if ((state & 1) !== 0) doubts.push({ code: 'fat.dirty', what: 'state', offset: stateAt, value: state });
  if ((state & 2) !== 0) doubts.push({ code: 'fat.media', what: 'state', offset: stateAt, value: state });
  if (view.getUint16(510, true) !== 0xaa55)
    doubts.push(problem('boot signature', 510, view.getUint16(510, true), 0xaa55));
  if (size > device.size)
    doubts.push({ code: 'guest.beyond', what: 'volume', offset: 0, value: size, limit: device.size });
  if (width !== 28) return doubts;
  const revision = view.getUint16(42, true);
  if (revision !== 0) doubts.push({ code: 'fat.revision', offset: 42, value: revision, limit: 0 });
  const flags = view.getUint16(40, true);
  if ((flags & 0x80) !== 0 && (flags & 15) >= view.getUint8(16))
    doubts.push(problem('active FAT', 40, flags & 15, `0–${view.getUint8(16) - 1}`));
  return doubts;
}

function power(value: number, least: number, most: number, offset: number, what: string): number {
  const isPower = value >= least && value <= most && (value & (value - 1)) === 0;
  if (!isPower) throw invalid(what, offset, value, `${least}–${most}, a power of two`);
  return value;
}

function atLeastOne(value: number, offset: number, what: string): number {
  if (value === 0) throw invalid(what, offset, value, 'at least 1');
  return value;
}

function problem(what: string, offset: number, value: number, limit: number | string): GuestProblem {
  return { code: 'guest.value', what, offset, value, limit };
}

function invalid(what: string, offset: number, value: number, limit: string): GuestError {
  return new GuestError('guest.value', { what, offset, value, limit });
}
