/** What is copied out of a disk stays harmless, whatever its names are. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceOffset } from '../../../src/guest/units';
import { copyOut, type CopyReport } from '../../../src/inside/copyOut';
import '../../support/guest/useGuest';
import { silent } from '../../../src/qcow2/progress';
import { type FakeFile, FakeTree } from '../../support/guest/fakeTree';
import { type Workspace, workspace } from '../../support/workspace';

let files: Workspace;

beforeEach(() => {
  files = workspace();
});

afterEach(() => {
  files.remove();
});

function copy(entries: readonly FakeFile[], platform = 'linux'): { report: CopyReport; names: string[] } {
  const system = new FakeTree(entries);
  const report = copyOut(system, system.root, files.path('out'), { progress: silent, platform });
  expect(fs.readdirSync(files.folder)).toEqual(['out']);
  return { report, names: namesIn(files.path('out')).sort() };
}

/** Relative paths of all that is in a folder; links are not followed. */
const namesIn = (folder: string): string[] =>
  fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const below = entry.isDirectory() ? namesIn(path.join(folder, entry.name)) : [];
    return [entry.name, ...below.map((name) => path.join(entry.name, name))];
  });

describe('a name that comes from a disk', () => {
  const long = 'x'.repeat(300);
  const cases: [title: string, name: string, host: string, platform?: 'win32'][] = [
    ['leads up', '..', '__'],
    ['is the folder itself', '.', '_'],
    ['is empty', '', '_'],
    ['has slashes', '../../etc/passwd', '.._.._etc_passwd'],
    ['is absolute', '/etc/cron.d/x', '_etc_cron.d_x'],
    ['has a NUL', 'a\0b', 'a_b'],
    ['has line ends and escapes', 'a\n\x1b[31mb', 'a__[31mb'],
    ['runs from right to left', 'cod\u202egpj.exe', 'cod_gpj.exe'],
    ['is too long', long, `${'x'.repeat(254)}~`],
    ['is too long in bytes', 'ä'.repeat(200), `${'ä'.repeat(127)}~`],
    ['is a device of Windows', 'con.txt', 'con_.txt', 'win32'],
    ['is a device of Windows with digits', 'COM1', 'COM1_', 'win32'],
    ['is no device elsewhere', 'con.txt', 'con.txt'],
    ['ends as Windows drops it', 'name. .', 'name___', 'win32'],
    ['has a drive and backslashes', 'C:\\x\\..\\y', 'C__x_.._y', 'win32'],
    ['names another stream', 'a.txt:evil', 'a.txt_evil', 'win32'],
    ['has a backslash, which is a letter here', 'a\\b', 'a\\b'],
  ];

  it.each(cases)('and %s is written as one that stays in its folder', (_, name, host, platform) => {
    const { report, names } = copy([{ name, content: 'hello' }], platform);
    expect(names).toEqual([host]);
    expect(fs.readFileSync(files.path(`out/${host}`), 'utf8')).toBe('hello');
    expect(report).toMatchObject({ files: 1, renamed: name === host ? 0 : 1, problems: [] });
  });

  it('keeps joiners where a script needs them', () => {
    const name = 'می\u200cخواهم 👩\u200d💻';
    expect(copy([{ name }]).names).toEqual([name]);
  });

  it('and has become the same as another gets a number, in folders too', () => {
    const { names } = copy([
      { name: 'a/b.txt', content: '1' },
      { name: 'a_b.txt', content: '2' },
      { name: 'a\0b.txt', content: '3' },
      { name: '..', entries: [{ name: 'inner', content: '4' }] },
      { name: '__', content: '5' },
    ]);
    expect(names).toEqual(['__', '__ (2)', '__/inner', 'a_b (2).txt', 'a_b (3).txt', 'a_b.txt']);
  });

  it('differs from another by more than case where the host needs that', () => {
    const entries = [{ name: 'Makefile' }, { name: 'makefile' }, { name: 'MAKEFILE' }];
    expect(copy(entries, 'darwin').names).toEqual(['MAKEFILE (3)', 'Makefile', 'makefile (2)']);
  });

  it('occurs twice and is written twice', () => {
    expect(copy([{ name: 'same' }, { name: 'same' }]).names).toEqual(['same', 'same (2)']);
  });
});

describe('a symbolic link', () => {
  const sub = (target: string): FakeFile[] => [{ name: 'sub', entries: [{ name: 'link', target }] }];

  it.each([
    ['beside it', 'file', 'file'],
    ['in the folder above', '../file', '../file'],
    ['at an absolute path of the disk that was copied whole', '/etc/file', '../etc/file'],
    ['at the root', '/', '..'],
    ['at its own folder', '.', '.'],
  ])('to a file %s is made', (_, target, made) => {
    const { report } = copy(sub(target));
    expect(fs.readlinkSync(files.path('out/sub/link'))).toBe(made);
    expect(report).toMatchObject({ links: 1, notes: 0 });
  });

  it.each([
    ['out of what is copied', '../../secret'],
    ['out of it by way of a name', 'a/../../../secret'],
    ['up behind a name, where another link might be', 'a/..'],
    ['to nothing', ''],
    ['to a text with a line end', 'a\nb'],
    ['out of the disk', '/../../etc/passwd'],
  ])('%s becomes a note', (_, target) => {
    const { report } = copy(sub(target));
    expect(fs.lstatSync(files.path('out/sub/link')).isFile()).toBe(true);
    expect(fs.readFileSync(files.path('out/sub/link'), 'utf8')).toBe(`Symbolic link to ${target}\n`);
    expect(report).toMatchObject({ links: 0, notes: 1 });
  });

  it('is not written through', () => {
    const { names } = copy([
      { name: 'door', target: '/' },
      { name: 'door', entries: [{ name: 'inner', content: 'x' }] },
    ]);
    expect(names).toEqual(['door', 'door (2)', 'door (2)/inner']);
    expect(fs.lstatSync(files.path('out/door')).isSymbolicLink()).toBe(true);
  });

  it('with an absolute target is a note where a part of the disk is copied', () => {
    const folder: FakeFile = { name: 'home', entries: [{ name: 'link', target: '/etc/passwd' }] };
    const system = new FakeTree([folder]);
    const home = system.list(0).entries[0]!.id;
    copyOut(system, home, files.path('out'), { progress: silent });
    expect(fs.readFileSync(files.path('out/link'), 'utf8')).toBe('Symbolic link to /etc/passwd\n');
  });
});

describe('copying out', () => {
  it('takes over neither devices nor permissions nor owners, and counts what it leaves', () => {
    const { report, names } = copy([
      { name: 'root', content: '#!', info: { mode: 0o4777, owner: 12345 } },
      { name: 'sda', type: 'blockDevice' },
      { name: 'tty', type: 'characterDevice' },
      { name: 'pipe', type: 'pipe' },
      { name: 'socket', type: 'socket' },
    ]);
    expect(names).toEqual(['root']);
    const { mode, uid, mtimeMs } = fs.statSync(files.path('out/root'));
    expect(mode & 0o7111).toBe(0);
    expect(uid).toBe(process.getuid?.());
    expect(mtimeMs).toBe(Date.UTC(2020, 1, 2));
    expect(report).toMatchObject({ files: 1, skipped: 4 });
  });

  it('keeps holes', () => {
    const size = 64 * 2 ** 30;
    const entry: FakeFile = {
      name: 'sparse',
      content: 'start',
      info: { size, allocated: 4096 },
      extents: [
        { at: 0, length: 4096, place: undefined },
        { at: 4096, length: size - 4096, place: undefined, isHole: true },
      ],
    };
    const { report } = copy([entry]);
    const stat = fs.statSync(files.path('out/sparse'));
    expect(stat.size).toBe(size);
    expect(stat.blocks * 512).toBeLessThan(2 ** 20);
    expect(report.bytes).toBe(4096);
  });

  it('copies contents that have no place of their own, as compressed ones have none', () => {
    const content = Buffer.alloc(300_000, 7).fill(0, 100_000, 200_000);
    const entry: FakeFile = {
      name: 'compressed',
      content,
      extents: [
        { at: 0, length: 4096, place: deviceOffset(4096) },
        { at: 4096, length: content.length - 4096, place: undefined },
      ],
    };
    copy([entry]);
    expect(fs.readFileSync(files.path('out/compressed')).equals(content)).toBe(true);
  });

  it('goes into a folder once that contains itself', () => {
    const inner: { name: string; entries: FakeFile[] } = { name: 'a', entries: [] };
    inner.entries.push({ name: 'file' }, inner);
    const { report, names } = copy([inner]);
    expect(names).toEqual(['a', 'a/file']);
    expect(report.problems).toEqual([{ path: 'a/a', problem: { code: 'guest.loop', what: 'folder' } }]);
  });

  it('goes on where the host takes no longer path', () => {
    let deep: FakeFile = { name: 'x'.repeat(250), content: 'deep' };
    for (let depth = 0; depth < 20; depth++) deep = { name: 'y'.repeat(250), entries: [deep] };
    const { report, names } = copy([deep, { name: 'other' }]);
    expect(names).toContain('other');
    expect(report.problems).toHaveLength(1);
  });

  it('never writes over what is there', () => {
    fs.writeFileSync(files.path('out'), 'mine');
    expect(() => copy([{ name: 'a' }])).toThrow(/file.create/);
    expect(fs.readFileSync(files.path('out'), 'utf8')).toBe('mine');
    fs.symlinkSync(path.join(files.folder, 'elsewhere'), files.path('link'));
    const system = new FakeTree([{ name: 'a', content: 'x' }]);
    const file = system.list(0).entries[0]!.id;
    expect(() => copyOut(system, file, files.path('link'), { progress: silent })).toThrow(/file.create/);
    expect(fs.existsSync(files.path('elsewhere'))).toBe(false);
  });

  it('begins only where the host has the room', () => {
    const info = { size: 2 ** 52, allocated: 2 ** 52 };
    expect(() => copy([{ name: 'huge', info }])).toThrow(/copy.full/);
    expect(fs.readdirSync(files.folder)).toEqual([]);
  });
});
