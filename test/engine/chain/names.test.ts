// @requires posix: paths with slashes
import { describe, expect, test } from 'vitest';
import {
  absolutePath,
  asFileName,
  foreignKind,
  folderOf,
  fullBackingName,
  joinName,
  protocolOf,
} from '../../../src/qcow2/chain/names';

describe('the protocol of a name', () => {
  test.each([
    ['nbd://host/disk', 'nbd'],
    ['nbd:host:10809', 'nbd'],
    ['json:{"driver":"qcow2"}', 'json'],
    ['file:base.raw', 'file'],
    ['a:b.qcow2', 'a'],
    [':b', ''],
  ])('is what stands before the first colon: %s', (name, protocol) => {
    expect(protocolOf(name)).toBe(protocol);
  });

  test.each(['base.qcow2', './a:b.qcow2', '/images/a:b', '../x/y:z', ''])(
    'is absent without a colon before the first slash: %s',
    (name) => {
      expect(protocolOf(name)).toBeUndefined();
    },
  );
});

describe('a name in an image', () => {
  test('belongs to the folder of the image, as that one was named', () => {
    expect(joinName('/vm/disks/top.qcow2', 'base.qcow2')).toBe('/vm/disks/base.qcow2');
    expect(joinName('disks/top.qcow2', 'base.qcow2')).toBe('disks/base.qcow2');
    expect(joinName('top.qcow2', 'base.qcow2')).toBe('base.qcow2');
  });

  test('is joined and not normalised', () => {
    expect(joinName('a/./b/top.qcow2', '../x//base.qcow2')).toBe('a/./b/../x//base.qcow2');
  });

  test('stays as it is when it is absolute', () => {
    expect(joinName('/vm/top.qcow2', '/srv/base.qcow2')).toBe('/srv/base.qcow2');
  });

  test('keeps newlines', () => {
    expect(joinName('/vm/top.qcow2', 'two\nlines')).toBe('/vm/two\nlines');
  });

  test('has as its full name the joined one, or itself when it has a protocol', () => {
    expect(fullBackingName('i/top.qcow2', 'base.raw')).toBe('i/base.raw');
    expect(fullBackingName('i/top.qcow2', 'file:base.raw')).toBe('file:base.raw');
    expect(fullBackingName('i/top.qcow2', 'json:{}')).toBe('json:{}');
  });
});

test('the folder of a bare name is empty', () => {
  expect(folderOf('top.qcow2')).toBe('');
  expect(folderOf('/top.qcow2')).toBe('/');
});

test('an absolute path is made without normalising', () => {
  expect(absolutePath('/a/../b')).toBe('/a/../b');
  expect(absolutePath('x/../b')).toBe(`${process.cwd()}/x/../b`);
});

test.each([
  ['a:b.qcow2', './a:b.qcow2'],
  ['base.qcow2', 'base.qcow2'],
  ['x/a:b', 'x/a:b'],
  ['./a:b', './a:b'],
])('the relative name %s is written as %s, so that it is taken for a file', (name, written) => {
  expect(asFileName(name)).toBe(written);
});

describe('by the rules of Windows', () => {
  const IMAGE = String.raw`\\server\share\vms\top.qcow2`;

  test.each([
    ['base.qcow2', String.raw`\\server\share\vms\base.qcow2`],
    [String.raw`..\base.qcow2`, String.raw`\\server\share\vms\..\base.qcow2`],
    [String.raw`C:\vms\base.qcow2`, String.raw`C:\vms\base.qcow2`],
  ])('the name %s of an image on a share is the path %s', (name, path) => {
    expect(joinName(IMAGE, name, 'win32')).toBe(path);
    expect(foreignKind(name, IMAGE, 'win32')).toBeUndefined();
  });

  test('a drive letter is no protocol', () => {
    expect(protocolOf(String.raw`c:\base.qcow2`, 'win32')).toBeUndefined();
    expect(protocolOf('c:base.qcow2', 'win32')).toBe('c');
  });

  test.each([
    [String.raw`\\evil\share\x`, 'network'],
    ['//evil/share/x', 'network'],
    [String.raw`\/evil\share\x`, 'network'],
    [String.raw`\\server\other\x`, 'network'],
    [String.raw`\\?\UNC\evil\share\x`, 'network'],
    ['//?/unc/evil/share/x', 'network'],
    [String.raw`\\server`, 'device'],
    [String.raw`\\.\pipe\x`, 'device'],
    [String.raw`\\.\PhysicalDrive0`, 'device'],
    [String.raw`\\?\C:\x`, 'device'],
    [String.raw`\\?\GLOBALROOT\Device\x`, 'device'],
    ['C:base.qcow2', 'stream'],
    ['base.qcow2:stream', 'stream'],
    [String.raw`C:\base.qcow2:stream`, 'stream'],
    ['./base.qcow2::$DATA', 'stream'],
    [String.raw`\\SERVER\Share\base.qcow2`, undefined],
    [String.raw`\\?\UNC\server\share\base.qcow2`, undefined],
    [String.raw`\base.qcow2`, undefined],
    [String.raw`vms\base.qcow2`, undefined],
  ])('%s in an image on a share is foreign: %s', (name, kind) => {
    expect(foreignKind(name, IMAGE, 'win32')).toBe(kind);
  });

  test.each([String.raw`C:\vms\top.qcow2`, String.raw`\\wsl.localhost\Debian\top.qcow2`])(
    'a share named by %s is another machine',
    (image) => {
      expect(foreignKind(String.raw`\\evil\share\x`, image, 'win32')).toBe('network');
    },
  );

  test('nothing is foreign elsewhere', () => {
    for (const name of ['//evil/share', 'a:b', String.raw`\\x\y`]) {
      expect(foreignKind(name, '/vm/top.qcow2', 'posix')).toBeUndefined();
    }
  });
});
