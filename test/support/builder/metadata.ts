/** Snapshot table and bitmap directory of test images (qcow2.txt, "Snapshots" and "Bitmaps extension"). */
import { put64, roundUp } from './tables';

export interface SnapshotOptions {
  /** Default: `1`, `2`, … in order. */
  readonly id?: string;
  readonly dateSeconds?: number;
  readonly dateNanoseconds?: number;
  readonly vmClockNanoseconds?: bigint;
  /** Bytes of VM state as declared; no state is stored. */
  readonly vmStateSize?: number;
  /** Instruction count of a recorded machine; the default is "none". */
  readonly icount?: bigint;
  /** Bytes of extra data: 0, 16 or 24 are known, more is filled with zeroes. Default 24 (version 2: 0). */
  readonly extraSize?: number;
}

export interface SnapshotEntry extends SnapshotOptions {
  readonly id: string;
  readonly name: string;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly virtualSize: number;
  readonly extraSize: number;
}

export function snapshotEntry(snapshot: SnapshotEntry): Buffer {
  const id = Buffer.from(snapshot.id);
  const name = Buffer.from(snapshot.name);
  const entry = Buffer.alloc(roundUp(40 + snapshot.extraSize + id.length + name.length, 8));
  put64(entry, 0, snapshot.l1Offset);
  entry.writeUInt32BE(snapshot.l1Entries, 8);
  entry.writeUInt16BE(id.length, 12);
  entry.writeUInt16BE(name.length, 14);
  entry.writeUInt32BE(snapshot.dateSeconds ?? 1_600_000_000, 16);
  entry.writeUInt32BE(snapshot.dateNanoseconds ?? 0, 20);
  entry.writeBigUInt64BE(snapshot.vmClockNanoseconds ?? 0n, 24);
  entry.writeUInt32BE((snapshot.vmStateSize ?? 0) % 2 ** 32, 32);
  entry.writeUInt32BE(snapshot.extraSize, 36);
  if (snapshot.extraSize >= 16) {
    put64(entry, 40, snapshot.vmStateSize ?? 0);
    put64(entry, 48, snapshot.virtualSize);
  }
  if (snapshot.extraSize >= 24) entry.writeBigUInt64BE(snapshot.icount ?? 2n ** 64n - 1n, 56);
  entry.set(id, 40 + snapshot.extraSize);
  entry.set(name, 40 + snapshot.extraSize + id.length);
  return entry;
}

export interface BitmapOptions {
  /** 9 to 31; default 16. */
  readonly granularityBits?: number;
  readonly inUse?: boolean;
  readonly auto?: boolean;
  /** Dirty guest bytes as [start, length], or everything (as table entries without storage). Default: none. */
  readonly dirty?: readonly (readonly [start: number, length: number])[] | 'all';
}

export interface BitmapEntry extends BitmapOptions {
  readonly name: string;
  readonly granularityBits: number;
  readonly tableOffset: number;
  readonly tableEntries: number;
}

export function bitmapEntry(bitmap: BitmapEntry): Buffer {
  const name = Buffer.from(bitmap.name);
  const entry = Buffer.alloc(roundUp(24 + name.length, 8));
  put64(entry, 0, bitmap.tableOffset);
  entry.writeUInt32BE(bitmap.tableEntries, 8);
  entry.writeUInt32BE((bitmap.inUse === true ? 1 : 0) | (bitmap.auto === true ? 2 : 0), 12);
  entry.writeUInt8(1, 16); // dirty tracking bitmap
  entry.writeUInt8(bitmap.granularityBits, 17);
  entry.writeUInt16BE(name.length, 18);
  entry.set(name, 24);
  return entry;
}

/** Length in bytes of a bitmap's serialised bits. */
export const bitmapBytes = (size: number, granularityBits: number): number =>
  Math.ceil(Math.ceil(size / 2 ** granularityBits) / 8);

/** The bits of a bitmap, lowest bit first; a granule that is touched is dirty. */
export function bitmapBits(
  size: number,
  granularityBits: number,
  dirty: readonly (readonly [start: number, length: number])[],
): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(size, granularityBits));
  const granule = 2 ** granularityBits;
  for (const [start, length] of dirty) {
    const end = Math.min(size, start + length);
    for (let index = Math.floor(start / granule); index * granule < end; index++) {
      bits[index >> 3]! |= 1 << (index & 7);
    }
  }
  return bits;
}
