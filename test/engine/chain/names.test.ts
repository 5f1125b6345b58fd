import { describe, expect, test } from 'vitest';
import {
  absolutePath,
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
