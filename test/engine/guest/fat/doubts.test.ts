/** Free space of FAT and exFAT is not believed unless everything says that it may be. */
import * as fs from 'node:fs';
import { expect, test } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import { openExfat } from '../../../../src/guest/fat/exfat';
import { openFat } from '../../../../src/guest/fat/fat';
import { MemoryDevice } from '../../../support/guest/devices';
import { exfatFixture } from '../../../support/guest/exfatFixtures';
import { type FatShape, makeFat, tool } from '../../../support/guest/fatTools';
import { freeOf } from '../../../support/guest/tree';
import { workspace } from '../../../support/workspace';

const SHAPES: Record<12 | 16 | 32, FatShape> = {
  12: { bits: 12, mebibytes: 1, sectorSize: 512, perCluster: 1, copies: 2 },
  16: { bits: 16, mebibytes: 4, sectorSize: 512, perCluster: 1, copies: 2 },
  32: { bits: 32, mebibytes: 4, sectorSize: 512, perCluster: 1, copies: 2 },
};

/** Empty, but for the label. */
function emptyFat(bits: 12 | 16 | 32): Buffer {
  const place = workspace();
  makeFat(place.path('disk.img'), SHAPES[bits], 'EMPTY');
  const bytes = fs.readFileSync(place.path('disk.img'));
  place.remove();
  return bytes;
}

const fatDoubts = (bytes: Uint8Array): string[] =>
  openFat(new MemoryDevice(bytes)).doubts.map(({ code }) => code);

const tableAt = (bytes: Buffer): number => bytes.readUInt16LE(14) * bytes.readUInt16LE(11);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof GuestError) return error.problem.code;
    throw error;
  }
  return 'none';
}

test.each([12, 16, 32] as const)('a FAT%i that was closed is believed', (bits) => {
  expect(fatDoubts(emptyFat(bits))).toEqual([]);
});

test.each([
  [12, 0x25],
  [16, 0x25],
  [32, 0x41],
] as const)('a FAT%i marked as open in its boot sector is not believed', (bits, at) => {
  const bytes = emptyFat(bits);
  bytes[at]! |= 1;
  expect(fatDoubts(bytes)).toEqual(['fat.dirty']);
  bytes[at] = 2;
  expect(fatDoubts(bytes)).toEqual(['fat.media']);
});

test.each([
  [16, 3, 0x80, 'fat.dirty'],
  [16, 3, 0x40, 'fat.media'],
  [32, 7, 0x08, 'fat.dirty'],
  [32, 7, 0x04, 'fat.media'],
] as const)('a FAT%i whose table lacks bit %# of its second entry is not believed', (bits, at, bit, code) => {
  for (const table of [0, 1]) {
    const bytes = emptyFat(bits);
    const length = bits === 16 ? bytes.readUInt16LE(22) : bytes.readUInt32LE(36);
    bytes[tableAt(bytes) + table * length * 512 + at]! &= ~bit;
    expect(fatDoubts(bytes)).toEqual([code]);
  }
});

test.each([12, 16, 32] as const)('a FAT%i whose tables differ is not believed', (bits) => {
  const bytes = emptyFat(bits);
  bytes[tableAt(bytes) + 30] = 0xff;
  const system = openFat(new MemoryDevice(bytes));
  expect(codeOf(() => freeOf(system))).toBe('fat.copiesDiffer');
});

test('of a FAT32 that has one active table, the others do not count', () => {
  const bytes = emptyFat(32);
  const [length, table] = [bytes.readUInt32LE(36) * 512, tableAt(bytes)];
  bytes.writeUInt16LE(0x81, 40);
  // The first table says that clusters 3 to 5 are in use, the second that cluster 10 is bad.
  bytes.fill(0xff, table + 12, table + 24);
  bytes.writeUInt32LE(0x0ffffff7, table + length + 40);
  const system = openFat(new MemoryDevice(bytes));
  expect(system.doubts).toEqual([]);
  const start = table + 2 * length;
  expect(freeOf(system)).toEqual([
    [start + 512, start + 8 * 512],
    [start + 9 * 512, expect.any(Number)],
  ]);
});

test('an active table that does not exist is a doubt', () => {
  const bytes = emptyFat(32);
  bytes.writeUInt16LE(0x85, 40);
  expect(fatDoubts(bytes)).toEqual(['guest.value']);
});

test('a FAT32 of an unknown revision is not believed', () => {
  const bytes = emptyFat(32);
  bytes[42] = 1;
  expect(fatDoubts(bytes)).toEqual(['fat.revision']);
});

test('a FAT32 whose root directory is broken has no free space', () => {
  const bytes = emptyFat(32);
  const length = bytes.readUInt32LE(36) * 512;
  for (const table of [0, 1]) bytes.writeUInt32LE(0, tableAt(bytes) + table * length + 8);
  expect(codeOf(() => freeOf(openFat(new MemoryDevice(bytes))))).toBe('guest.value');
});

test('bad clusters are in use', () => {
  const place = workspace();
  const image = place.path('disk.img');
  fs.writeFileSync(place.path('bad'), '700\n701\n');
  fs.writeFileSync(image, '');
  fs.truncateSync(image, 1024 * 1024);
  tool('mkfs.fat', ['-F', '12', '-s', '2', '-l', place.path('bad'), image]);
  const system = openFat(new MemoryDevice(fs.readFileSync(image)));
  place.remove();
  const free = freeOf(system);
  expect(free).toHaveLength(2);
  expect(free[0]![1]).toBeLessThanOrEqual(700 * 1024);
  expect(free[1]![0]).toBeGreaterThanOrEqual(702 * 1024);
  expect(free[1]![0] - free[0]![1]).toBeLessThanOrEqual(3 * 1024);
});

test('a volume longer than its device is read, and not believed', () => {
  const bytes = emptyFat(16).subarray(0, 3 * 1024 * 1024);
  expect(fatDoubts(bytes)).toEqual(['guest.beyond']);
  for (const [, end] of freeOf(openFat(new MemoryDevice(bytes))))
    expect(end).toBeLessThanOrEqual(bytes.length);
});

function exfatDoubts(change: (bytes: Buffer) => void, isSealed = true): string[] {
  const bytes = Buffer.from(exfatFixture('exfat-512').whole());
  change(bytes);
  if (isSealed) seal(bytes);
  return openExfat(new MemoryDevice(bytes)).doubts.map(({ code }) => code);
}

/** Writes the checksum of the boot region. */
function seal(bytes: Buffer): void {
  let sum = 0;
  for (let at = 0; at < 11 * 512; at++)
    if (![106, 107, 112].includes(at)) sum = (((sum << 31) | (sum >>> 1)) + bytes[at]!) >>> 0;
  for (let at = 11 * 512; at < 12 * 512; at += 4) bytes.writeUInt32LE(sum, at);
}

test.each([
  ['marked as open', 106, 2, ['fat.dirty']],
  ['with media failures', 106, 4, ['fat.media']],
  ['whose second table is in use, which it does not have', 106, 1, ['guest.value']],
  ['of another minor revision', 104, 1, ['fat.revision']],
] as const)('an exFAT %s is not believed', (_, at, value, codes) => {
  expect(
    exfatDoubts((bytes) => {
      bytes[at] = value;
    }),
  ).toEqual(codes);
});

test('an exFAT whose boot region has a wrong checksum is not believed', () => {
  expect(exfatDoubts((bytes) => (bytes[200]! ^= 1), false)).toEqual(['guest.checksum']);
});

test('an exFAT with two tables is not believed', () => {
  expect(
    exfatDoubts((bytes) => {
      bytes[110] = 2;
      // Half of the room each.
      bytes.writeUInt32LE(Math.floor((bytes.readUInt32LE(88) - bytes.readUInt32LE(80)) / 2), 84);
    }),
  ).toEqual(['fat.transactional']);
});

test('an exFAT of another major revision is not read', () => {
  expect(codeOf(() => exfatDoubts((bytes) => (bytes[105] = 2)))).toBe('guest.notRead');
});

test('an exFAT whose bitmap says that the root directory is free has no free space', () => {
  const bytes = Buffer.from(exfatFixture('exfat-512').whole());
  const heap = bytes.readUInt32LE(88) * 512;
  const root = bytes.readUInt32LE(96) - 2;
  // The bitmap is the first thing in the heap.
  bytes[heap + (root >> 3)]! &= ~(1 << (root & 7));
  expect(codeOf(() => freeOf(openExfat(new MemoryDevice(bytes))))).toBe('fat.notAllocated');
});
