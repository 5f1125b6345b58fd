/** Names, entries and chains of FAT that tools do not make, written by hand into images that they made. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import { openFat } from '../../../../src/guest/fat/fat';
import type { FileSystem } from '../../../../src/guest/fileSystem';
import { MemoryDevice } from '../../../support/guest/devices';
import { copyIn, makeFat, tool } from '../../../support/guest/fatTools';
import { freeOf, treeOf } from '../../../support/guest/tree';
import { workspace, type Workspace } from '../../../support/workspace';

let place: Workspace;
let image: string;
beforeEach(() => {
  place = workspace();
  image = place.path('disk.img');
  makeFat(image, { bits: 12, mebibytes: 1, sectorSize: 512, perCluster: 1, copies: 2 }, '');
});
afterEach(() => {
  place.remove();
});

const open = (bytes: Uint8Array): FileSystem => openFat(new MemoryDevice(bytes));
const namesOf = (bytes: Uint8Array): string[] =>
  open(bytes)
    .list(0)
    .entries.map(({ name }) => name);

/** Copies files with these names into the root directory. */
function withFiles(...names: string[]): Buffer {
  fs.mkdirSync(place.path('in'));
  for (const name of names) fs.writeFileSync(`${place.path('in')}/${name}`, name);
  copyIn(image, place.path('in'));
  return fs.readFileSync(image);
}

const rootOf = (bytes: Buffer): number =>
  (bytes.readUInt16LE(14) + bytes[16]! * bytes.readUInt16LE(22)) * 512;
const startOf = (bytes: Buffer): number => rootOf(bytes) + bytes.readUInt16LE(17) * 32;

/** Writes an entry with a short name. @param name 11 bytes */
function shortEntry(
  bytes: Buffer,
  index: number,
  name: string,
  facts: { attributes?: number; flags?: number } = {},
): number {
  const at = rootOf(bytes) + index * 32;
  bytes.fill(0, at, at + 32);
  bytes.write(name, at, 'latin1');
  bytes[at + 11] = facts.attributes ?? 0x20;
  bytes[at + 12] = facts.flags ?? 0;
  return at;
}

test('long names of up to 255 characters are read', () => {
  const names = ['n'.repeat(255), 'Ärger mit ß', 'lower.txt', 'UPPER.TXT', 'Mixed.Txt'];
  expect(namesOf(withFiles(...names)).sort()).toEqual(names.sort());
});

test('short names are in code page 437, in upper and lower case, with 0x05 for 0xe5', () => {
  const bytes = withFiles();
  shortEntry(bytes, 0, '\x8e\x99\x9a     TXT');
  shortEntry(bytes, 1, '\x05BC     \x80  ');
  shortEntry(bytes, 2, 'LOWER   EXT', { flags: 0x08 });
  shortEntry(bytes, 3, 'UPPER   EXT', { flags: 0x10 });
  shortEntry(bytes, 4, 'BOTH    EXT', { flags: 0x18 });
  shortEntry(bytes, 5, 'A B     X Y');
  shortEntry(bytes, 6, '\xe5ELETED TXT');
  shortEntry(bytes, 7, 'NOEXT      ');
  shortEntry(bytes, 8, 'THE LABEL  ', { attributes: 0x08 });
  expect(namesOf(bytes)).toEqual([
    'ÄÖÜ.TXT',
    'σBC.Ç',
    'lower.EXT',
    'UPPER.ext',
    'both.ext',
    'A B.X Y',
    'NOEXT',
  ]);
  expect(open(bytes).label).toBe('THE LABEL');
});

test('a long name counts only where its entries are in order and carry the checksum of the short name', () => {
  const good = withFiles('a rather long name.txt');
  const [root, short] = [rootOf(good), 'ARATHE~1.TXT'];
  const changed = (change: (bytes: Buffer) => void): string[] => {
    const bytes = Buffer.from(good);
    change(bytes);
    return namesOf(bytes);
  };
  expect(changed(() => undefined)).toEqual(['a rather long name.txt']);
  // Checksum, order, missing first part, attributes, a deleted part, another short name.
  expect(changed((bytes) => (bytes[root + 13]! ^= 1))).toEqual([short]);
  expect(changed((bytes) => (bytes[root + 32] = 3))).toEqual([short]);
  expect(changed((bytes) => (bytes[root] = 2))).toEqual([short]);
  expect(changed((bytes) => (bytes[root + 32] = 0xe5))).toEqual([short]);
  expect(changed((bytes) => (bytes[root] = 0x40))).toEqual([short]);
  expect(changed((bytes) => (bytes[root] = 0x40 + 21))).toEqual([short]);
  expect(changed((bytes) => (bytes[root + 64] = 0x42))).toEqual(['BRATHE~1.TXT']);
});

test('surrogate pairs are read, and halves of them are replaced', () => {
  const bytes = withFiles('x longer name');
  bytes.writeUInt16LE(0xd83d, rootOf(bytes) + 1);
  expect(namesOf(bytes)).toEqual(['\ufffd longer name']);
  bytes.writeUInt16LE(0xde42, rootOf(bytes) + 3);
  expect(namesOf(bytes)).toEqual(['🙂longer name']);
});

test('entries after the end of a folder are not there', () => {
  const bytes = withFiles();
  shortEntry(bytes, 0, 'FIRST      ');
  shortEntry(bytes, 2, 'THIRD      ');
  expect(namesOf(bytes)).toEqual(['FIRST']);
});

test('a folder without clusters is empty, and an empty file has no contents', () => {
  const bytes = withFiles();
  const folder = shortEntry(bytes, 0, 'FOLDER     ', { attributes: 0x10 });
  const file = shortEntry(bytes, 1, 'EMPTY      ');
  const system = open(bytes);
  expect(system.list(folder)).toEqual({ entries: [] });
  expect([...system.extents(folder), ...system.extents(file)]).toEqual([]);
  expect(system.stat(file)).toMatchObject({ size: 0, allocated: 0, modified: undefined });
  expect(system.read(file, 0, new Uint8Array(10))).toBe(0);
});

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof GuestError) return error.problem.code;
    throw error;
  }
  return 'none';
}

/** A file in clusters 2, 3 and 4, and the place of its entry. */
function threeClusters(): { bytes: Buffer; file: number; link: (cluster: number, next: number) => void } {
  fs.writeFileSync(place.path('THREE'), Buffer.alloc(1536, 7));
  tool('mcopy', ['-i', image, place.path('THREE'), '::/']);
  const bytes = fs.readFileSync(image);
  const link = (cluster: number, next: number): void => {
    const at = bytes.readUInt16LE(14) * 512 + cluster + (cluster >> 1);
    const old = bytes.readUInt16LE(at);
    bytes.writeUInt16LE(cluster % 2 === 0 ? (old & 0xf000) | next : (old & 0xf) | (next << 4), at);
  };
  return { bytes, file: rootOf(bytes), link };
}

test.each([
  ['ends early', 3, 0xfff, 'fat.short'],
  ['leads to a free cluster', 3, 0, 'guest.value'],
  ['leads to a bad cluster', 3, 0xff7, 'guest.value'],
  ['leads beyond the last cluster', 3, 0xf00, 'guest.value'],
  ['leads back', 3, 2, 'guest.loop'],
  ['leads to itself', 3, 3, 'guest.loop'],
] as const)('of a file whose chain %s, what comes before is read', (_, cluster, next, code) => {
  const { bytes, file, link } = threeClusters();
  link(cluster, next);
  const system = open(bytes);
  const target = new Uint8Array(1024);
  expect(system.read(file, 0, target)).toBe(1024);
  expect(target.every((byte) => byte === 7)).toBe(true);
  expect(codeOf(() => system.read(file, 1024, target))).toBe(code);
  expect(codeOf(() => [...system.extents(file)])).toBe(code);
});

test('a file of more clusters than there are is told with its problem', () => {
  const { bytes, file } = threeClusters();
  bytes.writeUInt32LE(0xffffffff, file + 28);
  const system = open(bytes);
  expect(system.stat(file)).toMatchObject({ size: 0xffffffff, problem: { code: 'fat.short' } });
  expect(system.read(file, 0, new Uint8Array(1000))).toBe(1000);
});

test('a folder that leads back to another one is told, and the walk ends', () => {
  for (const path of ['::/A', '::/A/B']) tool('mmd', ['-i', image, path]);
  const bytes = fs.readFileSync(image);
  const start = startOf(bytes);
  // B, the third entry of A, gets the cluster of A.
  bytes.writeUInt16LE(2, start + 64 + 26);
  const system = open(bytes);
  expect(system.list(system.root).entries).toHaveLength(1);
  expect(system.list(rootOf(bytes)).entries).toEqual([{ name: 'B', id: start + 64, type: 'folder' }]);
  expect(system.list(start + 64)).toMatchObject({ entries: [], problem: { code: 'fat.shared' } });
  // Files and folders are not mistaken for each other.
  expect(codeOf(() => system.read(start + 64, 0, new Uint8Array(1)))).toBe('guest.notFile');
  expect(codeOf(() => system.stat(start + 96))).toBe('guest.noFile');
  expect(codeOf(() => system.stat(7))).toBe('guest.noFile');
});

test('three and four tables are read as mtools does', () => {
  for (const copies of [3, 4]) {
    makeFat(image, { bits: 12, mebibytes: 1, sectorSize: 512, perCluster: 1, copies }, '');
    const bytes = fs.readFileSync(image);
    const system = open(bytes);
    expect(treeOf(system).size).toBe(0);
    const [[start, end] = [0, 0]] = freeOf(system);
    const told = /([\d ]+) bytes free/.exec(tool('mdir', ['-i', image, '::/']))?.[1] ?? '';
    expect(end - start).toBe(Number(told.replaceAll(' ', '')));
  }
});

test('what is not the boot sector of a FAT file system is refused', () => {
  const good = withFiles();
  const refused = (at: number, value: number): string => {
    const bytes = Buffer.from(good);
    bytes.writeUInt16LE(value, at);
    return codeOf(() => open(bytes));
  };
  // Bytes per sector, sectors per cluster, reserved sectors, tables, media, sectors.
  expect([refused(11, 500), refused(11, 8192), refused(13, 3), refused(14, 0)]).toEqual(
    Array(4).fill('guest.value'),
  );
  expect([refused(16, 0), refused(21, 0x12)]).toEqual(Array(2).fill('guest.value'));
  expect([refused(19, 5), codeOf(() => open(new Uint8Array(100)))]).toEqual(['guest.beyond', 'guest.beyond']);
});
