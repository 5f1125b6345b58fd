/** Images that the Linux kernel filled, compared with what it said of them. */
import { describe, expect, it } from 'vitest';
import { openExt } from '../../../../src/guest/ext/extSystem';
import type { FileSystem } from '../../../../src/guest/fileSystem';
import { forEachFile } from '../../../../src/guest/walk';
import { silent } from '../../../../src/qcow2/progress';
import { MemoryDevice } from '../../../support/guest/devices';
import { type Fixture, type FixtureFile, readFixture } from '../../../support/guest/extFixtures';
import { freeOf, sha256Of } from '../../../support/guest/tree';

const opened = (fixture: Fixture): FileSystem => openExt(new MemoryDevice(fixture.bytes));

/** All files in the words of the fixture. */
function filesOf(system: FileSystem): Map<string, FixtureFile> {
  const files = new Map<string, FixtureFile>();
  const tell = (path: string): void => {
    throw new Error(`cannot be read: ${path}`);
  };
  const add = (path: string, id: number): void => {
    const { type, mode = 0, links = 0, modified = 0, allocated, size, target } = system.stat(id);
    const common = { type, id, mode, links, modified, allocated };
    if (type === 'folder') files.set(path, common);
    else if (target !== undefined) files.set(path, { ...common, size, target });
    else files.set(path, { ...common, size, sha256: sha256Of(system, id) });
  };
  forEachFile(
    system,
    system.root,
    ({ path, entry }) => {
      add(path, entry.id);
    },
    tell,
    silent,
  );
  return files;
}

const sorted = <T>(files: ReadonlyMap<string, T>): [string, T][] =>
  [...files].sort(([a], [b]) => (a < b ? -1 : 1));

describe('ext, as the kernel writes it', () => {
  it.each([
    ['fragments, unwritten and punched stretches, deleted files', 'fragmented'],
    ['contents within the inode, and some that grew out of it', 'inline'],
    ['block maps with holes', 'mapped'],
  ] as const)('is read as the kernel reads it: %s', (_, name) => {
    const fixture = readFixture(name);
    const system = opened(fixture);
    // Contents within the inode are sectors for the kernel's `stat`; blocks have 1 KiB.
    const files = sorted(fixture.files).map(([path, file]) => {
      const isInline = file.allocated % 1024 !== 0;
      return [path, isInline ? { ...file, allocated: 0 } : file];
    });
    expect(sorted(filesOf(system))).toEqual(files);
    expect(system.doubts).toEqual([]);
    expect(freeOf(system)).toEqual(fixture.free);
    const free = fixture.free.reduce((sum, [start, end]) => sum + end - start, 0);
    expect(system.used(silent)).toBe(system.size - free);
  });

  it('is not believed while it is mounted, and still lists what is on the disk', () => {
    const { bytes } = readFixture('mounted');
    const system = openExt(new MemoryDevice(bytes));
    expect(system.doubts.map(({ code }) => code)).toContain('ext.recover');
    expect(system.list(system.root).problem).toBeUndefined();
    // The file that is deleted and still open is in use, if only by the map as it is on the disk.
    expect(() => freeOf(system)).not.toThrow();
  });

  it('shows encrypted names as such, and does not read what is encrypted', () => {
    const { bytes, files, free } = readFixture('encrypted');
    const system = openExt(new MemoryDevice(bytes));
    const secret = system.list(system.root).entries.find(({ name }) => name === 'secret')!;
    expect(system.stat(secret.id).problem).toEqual({ code: 'ext.encrypted', what: 'names' });
    const { entries, problem } = system.list(secret.id);
    expect(problem).toBeUndefined();
    expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
    expect(entries.every(({ name }) => /^\[encrypted\] [\w-]{20,}$/.test(name))).toBe(true);
    const theirs = [...files].filter(([path]) => path.startsWith('secret/')).map(([, file]) => file);
    const byId = (a: { id: number }, b: { id: number }): number => a.id - b.id;
    expect([...entries].sort(byId).map(({ id, type }) => ({ id, type }))).toEqual(
      theirs.map(({ id, type }) => ({ id, type })).sort(byId),
    );
    for (const { id, type } of entries) {
      const info = system.stat(id);
      expect(info.problem?.code).toBe('ext.encrypted');
      expect(info.target).toBeUndefined();
      if (type !== 'file') continue;
      expect(info.size).toBe(theirs.find((file) => file.id === id)?.size);
      expect(() => system.read(id, 0, new Uint8Array(10))).toThrow('ext.encrypted');
    }
    expect(system.doubts).toEqual([]);
    expect(freeOf(system)).toEqual(free);
  });

  it('reads any part of a file, across fragments and holes', () => {
    for (const [name, path] of [
      ['fragmented', 'punched'],
      ['mapped', 'sparse'],
      ['inline', 'grown'],
    ] as const) {
      const system = opened(readFixture(name));
      const { id } = system.list(system.root).entries.find((entry) => entry.name === path)!;
      const { size } = system.stat(id);
      const whole = new Uint8Array(Math.min(size, 1_000_000));
      expect(system.read(id, 0, whole)).toBe(whole.length);
      for (const [at, length] of [
        [0, 1],
        [1, 5000],
        [1023, 2],
        [4999, 30_000],
        [whole.length - 3, 3],
        [size - 5, 100],
        [size, 10],
        [size + 100_000, 10],
      ] as const) {
        const part = new Uint8Array(length).fill(0xaa);
        const count = system.read(id, Math.max(0, at), part);
        expect(count).toBe(Math.max(0, Math.min(length, size - Math.max(0, at))));
        if (at >= 0 && at + count <= whole.length)
          expect(Buffer.from(part.subarray(0, count))).toEqual(Buffer.from(whole.subarray(at, at + count)));
      }
    }
  });
});
