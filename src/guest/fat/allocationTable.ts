/**
 * The file allocation table: for each cluster the one after it in its file (Microsoft's FAT specification 1.03, "FAT data
 * structure"; exFAT 1.00, section 4.1).
 */
import { type BlockDevice, expectOnDevice } from '../blockDevice';
import { GuestError } from '../errors';
import { deviceOffset } from '../units';
import type { Clusters } from './clusters';
import { FIRST, isCluster } from './clusters';

/** Bits of an entry that count: FAT32 has entries of 32 bits, of which 4 are reserved; exFAT uses all 32. */
export type EntryWidth = 12 | 16 | 28 | 32;

/** What `next` says where there is no next cluster: the file ends, or the entry is not valid. */
export const END = 0;
export const BROKEN = 1;

/** From this value on an entry ends a file. */
const END_FROM: Record<EntryWidth, number> = {
  12: 0xff8,
  16: 0xfff8,
  28: 0x0ffffff8,
  32: 0xffffffff,
};

/** Bytes of the part kept at hand. FAT12 has at most 4086 entries and is wholly in it; no entry lies across two of them. */
const WINDOW = 6144;

/** Bytes from the start of a table to the entry of a cluster; in FAT12 the entry may begin in the middle of that byte. */
export function entryPosition(width: EntryWidth, cluster: number): number {
  if (width === 12) return cluster + (cluster >>> 1);
  return width === 16 ? cluster * 2 : cluster * 4;
}

/** Bytes that the entries of so many clusters take, with the two reserved ones in front. */
export function tableLength(width: EntryWidth, count: number): number {
  return width === 12 ? Math.ceil(((count + FIRST) * 3) / 2) : entryPosition(width, count + FIRST);
}

/** The entry of a cluster, where `view` begins at entry `first`, which is even. */
export function entryIn(view: DataView, width: EntryWidth, first: number, cluster: number): number {
  const position = entryPosition(width, cluster - first);
  switch (width) {
    case 12:
      return (view.getUint16(position, true) >>> (4 * (cluster & 1))) & 0xfff;
    case 16:
      return view.getUint16(position, true);
    case 28:
      return view.getUint32(position, true) & 0x0fffffff;
    case 32:
      return view.getUint32(position, true);
  }
}

export class AllocationTable {
  readonly #window = new Uint8Array(WINDOW);
  readonly #view = new DataView(this.#window.buffer);
  /** Which part of the table is at hand. */
  #part = -1;

  /** @param start bytes from the start of the device */
  constructor(
    readonly device: BlockDevice,
    readonly start: number,
    readonly width: EntryWidth,
    readonly clusters: Clusters,
  ) {}

  /**
   * The cluster after a cluster, `END`, or `BROKEN`.
   * @throws GuestError `guest.beyond` where that part of the table is not on the device
   */
  next(cluster: number): number {
    const value = this.entry(cluster);
    if (isCluster(this.clusters, value)) return value;
    return value >= END_FROM[this.width] ? END : BROKEN;
  }

  /** @param cluster from 0 to `count + 1` @throws GuestError `guest.beyond` */
  entry(cluster: number): number {
    const perPart = this.width === 12 ? 4096 : this.width === 16 ? WINDOW / 2 : WINDOW / 4;
    const part = Math.floor(cluster / perPart);
    if (part !== this.#part) this.#load(part);
    return entryIn(this.#view, this.width, part * perPart, cluster);
  }

  /** What is wrong with the entry of a cluster, for which `next` says `BROKEN`. */
  broken(cluster: number): GuestError {
    const offset = this.start + entryPosition(this.width, cluster);
    const value = this.entry(cluster);
    return new GuestError('guest.value', {
      what: 'FAT entry',
      offset,
      value: `0x${value.toString(16)}`,
      limit: `2–${this.clusters.count + 1}`,
    });
  }

  /** A cluster leads back to one before it. */
  loop(cluster: number): GuestError {
    const offset = this.start + entryPosition(this.width, cluster);
    return new GuestError('guest.loop', { what: 'FAT entry', offset });
  }

  #load(part: number): void {
    const from = part * WINDOW;
    const length = Math.min(WINDOW, tableLength(this.width, this.clusters.count) - from);
    this.#part = -1;
    expectOnDevice(this.device, this.start + from, length, 'file allocation table');
    this.device.read(this.#window.subarray(0, length), deviceOffset(this.start + from));
    this.#part = part;
  }
}
