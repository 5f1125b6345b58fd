/** Changes the bytes of NTFS volumes as `mkntfs` makes them: their first records are contiguous. */
import assert from 'node:assert/strict';
import { openNtfs } from '../../../src/guest/ntfs/ntfs';
import { MemoryDevice } from './devices';

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class PatchedVolume {
  readonly view: DataView;
  readonly clusterSize: number;
  readonly recordSize: number;

  /** @param bytes changed */
  constructor(readonly bytes: Uint8Array) {
    this.view = viewOf(bytes);
    this.clusterSize = this.view.getUint16(11, true) * this.view.getUint8(13);
    const size = this.view.getInt8(0x40);
    this.recordSize = size < 0 ? 2 ** -size : size * this.clusterSize;
  }

  /** Offsets of a record: the one in the table, and the one in the mirror where there is one. */
  copiesOf(number: number): number[] {
    const at = (field: number): number =>
      Number(this.view.getBigUint64(field, true)) * this.clusterSize + number * this.recordSize;
    return number < 4 ? [at(0x30), at(0x38)] : [at(0x30)];
  }

  /** Changes an attribute of a record, in all copies; `at` is where it begins. */
  patchAttribute(
    number: number,
    type: number,
    change: (view: DataView, at: number) => void,
    name = '',
  ): void {
    for (const record of this.copiesOf(number)) change(this.view, this.attributeAt(record, type, name));
  }

  attributeAt(record: number, type: number, name = ''): number {
    const { view } = this;
    for (let at = record + view.getUint16(record + 0x14, true); ; at += view.getUint32(at + 4, true)) {
      const found = view.getUint32(at, true);
      assert.notEqual(found, 0xffffffff, `no attribute ${type}`);
      const start = at + view.getUint16(at + 10, true);
      const own = Buffer.from(this.bytes.subarray(start, start + 2 * view.getUint8(at + 9))).toString(
        'utf16le',
      );
      if (found === type && own === name) return at;
    }
  }

  /** Changes the value of a resident attribute. */
  patchValue(number: number, type: number, change: (view: DataView, at: number) => void, name = ''): void {
    this.patchAttribute(
      number,
      type,
      (view, at) => {
        change(view, at + view.getUint16(at + 0x14, true));
      },
      name,
    );
  }

  /** Where the contents of a record's file begin. */
  placeOf(number: number): number {
    const [first] = openNtfs(new MemoryDevice(this.bytes)).extents(number);
    return first!.place!;
  }
}

export interface RestartPage {
  readonly lsn?: number;
  readonly version?: readonly [number, number];
  /** 0xffff: none. */
  readonly clientInUse?: number;
  readonly flags?: number;
  readonly magic?: string;
}

/** A restart page of the log, with one client, as Windows writes it. */
export function restartPage({
  lsn = 1000,
  version: [major, minor] = [1, 1],
  clientInUse = 0xffff,
  flags = 0,
  magic = 'RSTR',
}: RestartPage): Buffer {
  const page = Buffer.alloc(4096);
  page.write(magic, 'latin1');
  page.writeUInt16LE(0x1e, 4);
  page.writeUInt16LE(9, 6);
  page.writeUInt32LE(4096, 0x10);
  page.writeUInt32LE(4096, 0x14);
  page.writeUInt16LE(0x30, 0x18);
  page.writeInt16LE(minor, 0x1a);
  page.writeInt16LE(major, 0x1c);
  const area = 0x30;
  page.writeUInt32LE(lsn, area);
  page.writeUInt16LE(1, area + 8);
  page.writeUInt16LE(clientInUse === 0xffff ? 0 : 0xffff, area + 10);
  page.writeUInt16LE(clientInUse, area + 12);
  page.writeUInt16LE(flags, area + 14);
  page.writeUInt32LE(45, area + 16);
  page.writeUInt16LE(0x40 + 0xa0, area + 20);
  page.writeUInt16LE(0x40, area + 22);
  page.writeBigInt64LE(2097152n, area + 24);
  page.writeUInt16LE(0x30, area + 0x24);
  page.writeUInt16LE(0x40, area + 0x26);
  const client = area + 0x40;
  page.writeUInt16LE(0xffff, client + 0x10);
  page.writeUInt16LE(0xffff, client + 0x12);
  page.writeUInt32LE(8, client + 0x1c);
  page.write('NTFS', client + 0x20, 'utf16le');
  page.writeUInt16LE(7, 0x1e);
  for (let end = 510, at = 0x20; end < 4096; end += 512, at += 2) {
    page.copy(page, at, end, end + 2);
    page.writeUInt16LE(7, end);
  }
  return page;
}
