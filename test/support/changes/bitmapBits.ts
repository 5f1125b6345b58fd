/** The bits of an image's persistent dirty bitmaps, read by the specification and not by the engine. */
import * as fs from 'node:fs';

const BITMAPS_EXTENSION = 0x23852875;

/** Each bitmap's bits as text of 0 and 1, first bit first. */
export function bitmapBits(path: string): Map<string, string> {
  const file = fs.readFileSync(path);
  const size = Number(file.readBigUInt64BE(24));
  const clusterSize = 2 ** file.readUInt32BE(20);
  const bitmaps = new Map<string, string>();
  let at = file.readUInt32BE(100);
  while (file.readUInt32BE(at) !== BITMAPS_EXTENSION) at += 8 + Math.ceil(file.readUInt32BE(at + 4) / 8) * 8;
  const count = file.readUInt32BE(at + 8);
  let entry = Number(file.readBigUInt64BE(at + 24));
  for (let index = 0; index < count; index++) {
    const table = Number(file.readBigUInt64BE(entry));
    const entries = file.readUInt32BE(entry + 8);
    const bitCount = Math.ceil(size / 2 ** file.readUInt8(entry + 17));
    const nameSize = file.readUInt16BE(entry + 18);
    const extraSize = file.readUInt32BE(entry + 20);
    const name = file.toString('utf8', entry + 24 + extraSize, entry + 24 + extraSize + nameSize);
    const bytes = Array.from({ length: entries }, (_, part) => bitsOf(file, table + part * 8, clusterSize));
    bitmaps.set(name, textOf(Buffer.concat(bytes), bitCount));
    entry += Math.ceil((24 + extraSize + nameSize) / 8) * 8;
  }
  return bitmaps;
}

/** The bytes of one table entry. */
function bitsOf(file: Buffer, at: number, clusterSize: number): Buffer {
  const value = file.readBigUInt64BE(at);
  const offset = Number(value & 0x00ff_ffff_ffff_fe00n);
  if (offset === 0) return Buffer.alloc(clusterSize, value === 1n ? 0xff : 0);
  const bytes = Buffer.alloc(clusterSize);
  file.copy(bytes, 0, offset, offset + clusterSize);
  return bytes;
}

const textOf = (bytes: Buffer, count: number): string =>
  Array.from({ length: count }, (_, bit) => (bytes[bit >>> 3]! >>> (bit & 7)) & 1).join('');
