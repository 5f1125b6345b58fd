// @requires posix: paths with slashes
import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/qcow2/chain/gate';

const backing = (name: string) =>
  decide({ role: 'backing', name, namedBy: '/vm/top.qcow2' }, { followsNames: true });

describe('the gate opens', () => {
  test.each([
    ['a relative name', 'base.qcow2', '/vm/base.qcow2'],
    ['an absolute name', '/srv/base.qcow2', '/srv/base.qcow2'],
    ['a name with dots', '../../etc/hosts', '/vm/../../etc/hosts'],
    ['a name behind file:', 'file:base.raw', '/vm/base.raw'],
    ['an absolute name behind file:', 'file:/srv/base.raw', '/srv/base.raw'],
    ['a name with a colon after a slash', './a:b', '/vm/./a:b'],
    ['a name up to its first NUL', 'base.qcow2\0junk', '/vm/base.qcow2'],
  ])('%s', (_title, name, path) => {
    expect(backing(name)).toEqual({ opens: true, path });
  });

  test('what a json: name comes down to, in the folder of the image', () => {
    expect(backing('json:{"driver":"raw","file.filename":"base.raw"}')).toEqual({
      opens: true,
      path: '/vm/base.raw',
      format: 'raw',
    });
  });

  test('names in the folder of the process where QEMU does', () => {
    const named = (name: string, role: 'backing' | 'dataFile' = 'backing') =>
      decide({ role, name, namedBy: '/vm/top.qcow2' }, { followsNames: true, usesProcessFolder: true });
    expect(named('data.raw', 'dataFile')).toEqual({ opens: true, path: 'data.raw' });
    expect(named('file:base.raw')).toEqual({ opens: true, path: 'base.raw' });
    expect(named('json:{"file.filename":"base.raw"}')).toEqual({ opens: true, path: 'base.raw' });
    expect(named('base.raw')).toEqual({ opens: true, path: '/vm/base.raw' });
  });

  test('a data file under exactly its name', () => {
    const dataFile = (name: string) =>
      decide({ role: 'dataFile', name, namedBy: 'vm/top.qcow2' }, { followsNames: true });
    expect(dataFile('data.raw')).toEqual({ opens: true, path: 'vm/data.raw' });
    expect(dataFile('json:{}')).toEqual({ opens: true, path: 'vm/json:{}' });
    expect(dataFile('nbd:host')).toEqual({ opens: true, path: 'vm/nbd:host' });
  });
});

describe('the gate shows and does not open', () => {
  test.each([
    'nbd:host:10809',
    'nbd+unix:///x?socket=/s',
    'http://host/a',
    'https://h/a',
    'ssh://h/a',
    'rbd:pool/a',
    'host_device:/dev/sda',
    'fat:/etc',
    'iscsi://h/a',
    'unknown:x',
  ])('%s', (name) => {
    expect(backing(name)).toMatchObject({
      opens: false,
      problem: {
        kind: 'refused',
        code: 'gate.protocol',
        file: '/vm/top.qcow2',
        value: name,
        name: /^[^:]*/.exec(name)?.[0],
      },
    });
  });

  test('a json: name with the reason', () => {
    expect(backing('json:{"driver":"nbd","host":"h"}')).toMatchObject({
      opens: false,
      problem: { kind: 'refused', code: 'gate.jsonDriver', value: 'nbd' },
    });
  });

  test('an empty name', () => {
    expect(backing('')).toMatchObject({ opens: false, problem: { code: 'gate.noName' } });
    expect(backing('file:')).toMatchObject({ opens: false, problem: { code: 'gate.noName' } });
  });

  test('a name that is longer than any path', () => {
    for (const role of ['backing', 'dataFile'] as const) {
      const file = { role, name: 'a'.repeat(2 ** 21), namedBy: 'top.qcow2' };
      expect(decide(file, { followsNames: true })).toMatchObject({
        opens: false,
        problem: { code: 'gate.nameTooLong', value: 2 ** 21, limit: 32_767 },
      });
    }
  });

  test('anything in Restricted Mode', () => {
    for (const role of ['backing', 'dataFile'] as const) {
      const decision = decide({ role, name: 'base.raw', namedBy: 'top.qcow2' }, { followsNames: false });
      expect(decision).toMatchObject({
        opens: false,
        problem: { code: 'gate.restricted', value: 'base.raw' },
      });
    }
  });
});

describe('the gate on Windows', () => {
  const named = (name: string, namedBy: string, role: 'backing' | 'dataFile' = 'backing') =>
    decide({ role, name, namedBy }, { followsNames: true, rules: 'win32' });

  test.each([
    String.raw`\\server\share\top.qcow2`,
    String.raw`\\wsl.localhost\Debian\home\top.qcow2`,
    '//server/share/top.qcow2',
  ])('follows a relative name of an image on a share, which stays there: %s', (image) => {
    const folder = image.slice(0, -'top.qcow2'.length);
    for (const role of ['backing', 'dataFile'] as const) {
      expect(named('base.qcow2', image, role)).toEqual({ opens: true, path: `${folder}base.qcow2` });
    }
    expect(named('file:base.qcow2', image)).toEqual({ opens: true, path: `${folder}base.qcow2` });
  });

  test.each([
    [String.raw`\\evil\share\x`, 'gate.network'],
    ['//evil/share/x', 'gate.network'],
    [String.raw`file:\\evil\share\x`, 'gate.network'],
    [String.raw`json:{"file.filename":"\\\\evil\\share\\x"}`, 'gate.network'],
    [String.raw`\\.\PhysicalDrive0`, 'gate.device'],
    ['./base.qcow2:stream', 'gate.stream'],
    ['C:base.qcow2', 'gate.protocol'],
  ])('does not open %s, whatever image names it: %s', (name, code) => {
    for (const image of [String.raw`C:\vms\top.qcow2`, String.raw`\\server\share\top.qcow2`]) {
      expect(named(name, image)).toMatchObject({ opens: false, problem: { code } });
    }
  });

  test('does not open a data file of another machine, or one beside the content of another file', () => {
    expect(named(String.raw`\\evil\share\x`, 'top.qcow2', 'dataFile')).toMatchObject({
      problem: { code: 'gate.network' },
    });
    expect(named('C:x', 'top.qcow2', 'dataFile')).toMatchObject({ problem: { code: 'gate.stream' } });
  });
});
