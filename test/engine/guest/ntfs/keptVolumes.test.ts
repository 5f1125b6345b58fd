/** Volumes that were filled while they were mounted, against what NTFS-3G showed then, and against wimlib now. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../../../src/guest/fileSystem';
import { openNtfs } from '../../../../src/guest/ntfs/ntfs';
import { forEachFile } from '../../../../src/guest/walk';
import { silent } from '../../../../src/qcow2/progress';
import { MemoryDevice } from '../../../support/guest/devices';
import { GIANT, judgedTree, readTree, sha1Of } from '../../../support/guest/ntfs';
import { keptVolume, keptVolumes } from '../../../support/guest/ntfsVolumes';
import { PatchedVolume } from '../../../support/guest/ntfsPatch';
import { freeOf } from '../../../support/guest/tree';
import { type Workspace, workspace } from '../../../support/workspace';

/** Reparse points that NTFS-3G shows as links that lead nowhere. */
const NOT_SHOWN = new Set(['deduplicated', 'in the cloud', 'system compressed', 'unknown']);

let place: Workspace;
beforeAll(() => (place = workspace()));
afterAll(() => {
  place.remove();
});

const opened = (name: string): FileSystem => openNtfs(new MemoryDevice(keptVolume(name).bytes));

function idsOf(system: FileSystem): Map<string, number> {
  const ids = new Map<string, number>();
  const fail = (path: string): void => {
    throw new Error(path);
  };
  forEachFile(system, system.root, ({ path, entry }) => ids.set(path, entry.id), fail, silent);
  return ids;
}

describe.each(keptVolumes())('The volume "$name"', ({ name, bytes, files, free }) => {
  const tree = readTree(opened(name));

  test('has the files that NTFS-3G showed', () => {
    const shown: string[] = [];
    const ours: string[] = [];
    for (const [path, { type, size, sha1 }] of files) {
      if (NOT_SHOWN.has(path) || path.endsWith(`/${GIANT}`)) continue;
      const seen = tree.get(path)!;
      const isFile = type === 'file' && size > 0;
      shown.push(`${path}: ${type} ${isFile ? `${size} ${sha1}` : ''}`);
      ours.push(`${path}: ${seen.type} ${isFile ? `${seen.size} ${seen.sha1}` : ''}`);
    }
    expect(ours).toEqual(shown);
    expect([...tree.keys()].filter((path) => !files.has(path) && !NOT_SHOWN.has(path))).toEqual([]);
  });

  test('has the files that wimlib finds', () => {
    const image = place.path('i.img');
    fs.writeFileSync(image, bytes);
    const judged = judgedTree(image);
    // To wimlib, special files of Interix are system files like any other.
    for (const [path, file] of tree)
      if (path.startsWith('interix/'))
        judged.set(path, { ...judged.get(path)!, type: file.type, size: 0, sha1: '' });
    const compared = new Map(tree);
    // Of reparse points that it does not know, wimlib keeps nothing else.
    const cloud = tree.get('in the cloud');
    if (cloud !== undefined) compared.set('in the cloud', { ...cloud, size: 0, sha1: '' });
    expect(compared).toEqual(judged);
  });

  test('has the free clusters of its map, and is believed', () => {
    const system = opened(name);
    expect(system.doubts).toEqual([]);
    expect(freeOf(system)).toEqual(free.map((run) => run.map((cluster) => cluster * system.blockSize)));
  });
});

describe('The special files of a volume', () => {
  const system = opened('special');
  const ids = idsOf(system);
  const id = (path: string): number => ids.get(path)!;

  test.each([
    ['junction', 'C:\\Users\\Public'],
    ['volume', 'Volume{01234567-89ab-cdef-0123-456789abcdef}\\'],
    ['relative', '..\\compressed\\text'],
    ['absolute', 'D:\\data'],
    ['link', 'compressed/text'],
    ['interix/link', 'a/target of a link'],
  ])('%s leads to %s, and has neither entries nor contents', (path, target) => {
    expect(system.stat(id(path))).toMatchObject({ type: 'link', target, size: Buffer.byteLength(target) });
    expect(() => system.list(id(path))).toThrow('guest.notFolder');
    expect(() => system.read(id(path), 0, new Uint8Array(1))).toThrow('guest.notFile');
  });

  test.each([
    ['deduplicated', 'reparse point 0x80000013'],
    ['system compressed', 'compressed by WOF (compact /exe)'],
    ['unknown', 'reparse point 0x8000abcd'],
  ])('%s is a file whose contents are not read: %s', (path, value) => {
    const problem = { code: 'guest.notRead', what: 'contents', value };
    expect(system.stat(id(path))).toMatchObject({ type: 'file', problem });
    expect(() => system.read(id(path), 0, new Uint8Array(1))).toThrow('guest.notRead');
  });

  test('A file of a cloud that has all its contents is read', () => {
    expect(system.stat(id('in the cloud'))).not.toHaveProperty('problem');
    const bytes = new Uint8Array(9);
    expect(system.read(id('in the cloud'), 0, bytes)).toBe(4);
    expect(String(Buffer.from(bytes.subarray(0, 4)))).toBe('here');
  });

  test('Streams of files and folders are named with their sizes', () => {
    expect(system.stat(id('plain/text')).streams).toEqual([
      { name: 'one', size: 5 },
      { name: 'two', size: 9000 },
    ]);
    expect(system.stat(id('plain')).streams).toEqual([{ name: 'of a folder', size: 6 }]);
  });

  test('A short name is not an entry, and does not count', () => {
    expect([...ids.keys()].filter((path) => /LONGNA/i.test(path))).toEqual([]);
    expect(system.stat(id('plain/long name.text')).links).toBe(2);
    expect(id('plain/second name')).toBe(id('plain/long name.text'));
  });

  test('A file of terabytes takes what it has, and is read beyond 2^43', () => {
    const info = system.stat(id('plain/giant'));
    expect(info.size).toBe(2 ** 43 + 3000);
    expect(info.allocated).toBeLessThan(300_000);
    const bytes = new Uint8Array(4000);
    expect(system.read(id('plain/giant'), 2 ** 43 - 500, bytes)).toBe(3500);
    expect(String(Buffer.from(bytes.subarray(498, 506)))).toBe('\0\x000\n1\n2\n');
    const placed = [...system.extents(id('plain/giant'))].filter((extent) => extent.place !== undefined);
    expect(placed.map(({ at }) => at)).toContain(2 ** 43);
  });

  test('A compressed file takes less than it holds, and is read from anywhere', () => {
    const file = id('compressed/mixed');
    const { size, allocated } = system.stat(file);
    expect(allocated).toBeLessThan(size / 2);
    const placed = [...system.extents(file)].filter((extent) => extent.place !== undefined);
    expect(placed.reduce((sum, { length }) => sum + length, 0)).toBe(allocated);
    const whole = new Uint8Array(size);
    expect(system.read(file, 0, whole)).toBe(size);
    for (let at = size - 1; at > 0; at -= 7919) {
      const piece = new Uint8Array(5000);
      const length = system.read(file, at, piece);
      expect(Buffer.from(piece.subarray(0, length)).equals(whole.subarray(at, at + length))).toBe(true);
    }
  });
});

describe('What only Windows makes', () => {
  const ids = idsOf(opened('special'));
  const DATA = 0x80;
  const fresh = (): PatchedVolume => new PatchedVolume(Uint8Array.from(keptVolume('special').bytes));
  const reopened = ({ bytes }: PatchedVolume): FileSystem => openNtfs(new MemoryDevice(bytes));
  const file = ids.get('plain/text')!;
  const record = file % 2 ** 32;

  test('encrypted contents are not read, and the file says so', () => {
    const volume = fresh();
    volume.patchAttribute(record, DATA, (view, at) => {
      view.setUint16(at + 12, 0x4000, true);
    });
    const system = reopened(volume);
    expect(system.stat(file).problem).toEqual({ code: 'ntfs.encrypted' });
    expect(() => system.read(file, 0, new Uint8Array(1))).toThrow('ntfs.encrypted');
  });

  test('what was not written yet reads as zeroes, as it does for wimlib', () => {
    const volume = fresh();
    volume.patchAttribute(record, DATA, (view, at) => {
      view.setUint32(at + 0x38, 12_345, true);
    });
    fs.writeFileSync(place.path('w.img'), volume.bytes);
    const sha1 = sha1Of(reopened(volume), file);
    expect(sha1).not.toBe(sha1Of(opened('special'), file));
    expect(sha1).toBe(judgedTree(place.path('w.img')).get('plain/text')!.sha1);
  });

  test('an entry of a file whose record another one has now leads to no file', () => {
    const volume = fresh();
    volume.view.setUint16(volume.copiesOf(record)[0]! + 0x10, 77, true);
    const system = reopened(volume);
    expect(() => system.stat(file)).toThrow('guest.noFile');
    expect(system.stat(record).type).toBe('file');
    expect(() => system.stat(2 ** 31)).toThrow('guest.noFile');
  });

  test('a cloud file that has holes is not read', () => {
    const volume = fresh();
    volume.patchAttribute(ids.get('in the cloud')! % 2 ** 32, DATA, (view, at) => {
      view.setUint16(at + 12, 0x8000, true);
    });
    const system = reopened(volume);
    expect(() => system.read(ids.get('in the cloud')!, 0, new Uint8Array(1))).toThrow('guest.notRead');
  });
});

describe('Files with attribute lists', () => {
  test.each([
    ['fragments', 'one', 1000],
    ['fragments', 'two', 1000],
    ['large-records', 'two', 1000],
    ['table', '$MFT', 150],
  ])('of the volume "%s": %s has more than %i fragments', (name, path, least) => {
    const system = opened(name);
    const extents = [...system.extents(idsOf(system).get(path)!)];
    const placed = extents.filter((extent) => extent.place !== undefined);
    expect(placed.length).toBeGreaterThan(least);
    const { size, allocated } = system.stat(idsOf(system).get(path)!);
    expect(placed.reduce((sum, { length }) => sum + length, 0)).toBe(allocated);
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(size);
  });

  test('are not read where a record of theirs is that of another file', () => {
    const bytes = Uint8Array.from(keptVolume('fragments').bytes);
    const view = new DataView(bytes.buffer);
    const file = idsOf(opened('fragments')).get('one')!;
    let changed = 0;
    for (let at = 0; at < bytes.length; at += 512) {
      if (view.getUint32(at) !== 0x46494c45 || view.getUint32(at + 0x20, true) !== file % 2 ** 32) continue;
      view.setUint32(at + 0x20, 77, true);
      changed++;
    }
    expect(changed).toBeGreaterThan(1);
    const system = openNtfs(new MemoryDevice(bytes));
    let error: unknown;
    try {
      system.read(file, 0, new Uint8Array(1));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ problem: { code: 'guest.value', what: 'record that continues another' } });
    expect(system.stat(file).type).toBe('file');
    expect(system.list(5).entries.length).toBeGreaterThan(15);
  });
});
