import { describe, expect, test } from 'vitest';
import { readJsonName } from '../../../src/qcow2/chain/jsonName';

const read = (value: unknown) => readJsonName(`json:${JSON.stringify(value)}`);

describe('a json: name is followed', () => {
  test.each<[string, unknown, unknown]>([
    [
      'nested objects',
      { driver: 'qcow2', file: { driver: 'file', filename: 'a' } },
      { filename: 'a', format: 'qcow2' },
    ],
    [
      'dotted keys',
      { driver: 'raw', 'file.driver': 'file', 'file.filename': 'a' },
      { filename: 'a', format: 'raw' },
    ],
    [
      'both mixed',
      { driver: 'raw', file: { driver: 'file' }, 'file.filename': 'a' },
      { filename: 'a', format: 'raw' },
    ],
    [
      'no driver for the file',
      { driver: 'qcow2', file: { filename: 'a' } },
      { filename: 'a', format: 'qcow2' },
    ],
    ['no driver at all', { file: { filename: 'a' } }, { filename: 'a' }],
    ['the file driver alone', { driver: 'file', filename: 'a' }, { filename: 'a', format: 'raw' }],
    [
      'raw between qcow2 and file',
      { driver: 'qcow2', file: { driver: 'raw', file: { driver: 'file', filename: 'a' } } },
      { filename: 'a', format: 'qcow2' },
    ],
    [
      'options that change no byte',
      {
        driver: 'raw',
        'read-only': true,
        file: { driver: 'file', filename: 'a', locking: 'off', aio: 'io_uring' },
      },
      { filename: 'a', format: 'raw' },
    ],
    ['a name that looks like a protocol', { file: { filename: 'nbd:host' } }, { filename: 'nbd:host' }],
  ])('with %s', (_title, value, expected) => {
    expect(read(value)).toEqual({ follows: true, ...(expected as object) });
  });

  test('with single quotes, as QEMU takes them', () => {
    expect(readJsonName(`json:{'driver':'raw', 'file':{'filename':'it\\'s "a"\\u0021'}}`)).toEqual({
      follows: true,
      filename: `it's "a"!`,
      format: 'raw',
    });
  });
});

describe('a json: name is not followed', () => {
  test.each<[string, unknown, string, string]>([
    ['with another driver', { driver: 'vmdk', file: { filename: 'a' } }, 'gate.jsonDriver', 'vmdk'],
    ['over the network', { driver: 'qcow2', file: { driver: 'nbd', host: 'h' } }, 'gate.jsonDriver', 'nbd'],
    [
      'to a device',
      { driver: 'raw', file: { driver: 'host_device', filename: '/dev/sda' } },
      'gate.jsonDriver',
      'host_device',
    ],
    ['with a driver that is no text', { driver: 5, file: { filename: 'a' } }, 'gate.jsonDriver', '5'],
    ['to a node by its name', { driver: 'qcow2', file: 'node0' }, 'gate.jsonNoFile', 'filename'],
    [
      'with a window of the file',
      { driver: 'raw', offset: 512, file: { filename: 'a' } },
      'gate.jsonOption',
      'offset',
    ],
    [
      'with a backing file of its own',
      { driver: 'qcow2', file: { filename: 'a' }, backing: null },
      'gate.jsonOption',
      'backing',
    ],
    [
      'with qcow2 inside qcow2',
      { driver: 'qcow2', file: { driver: 'qcow2', file: { filename: 'a' } } },
      'gate.jsonDriver',
      'qcow2',
    ],
    [
      'with a key given twice',
      { file: { filename: 'a' }, 'file.filename': 'b' },
      'gate.jsonOption',
      'file.filename (twice)',
    ],
    ['without a file', { driver: 'raw' }, 'gate.jsonNoFile', 'filename'],
    ['with an empty name', { file: { filename: '' } }, 'gate.jsonNoFile', 'filename'],
  ])('%s', (_title, value, code, shown) => {
    expect(read(value)).toEqual({ follows: false, code, value: shown });
  });

  test.each(['json:', 'json:{', 'json:[]', 'json:"a"', 'json:null', "json:{'a}", 'json:{"a":1}}'])(
    'when it is no JSON object: %s',
    (name) => {
      expect(readJsonName(name)).toMatchObject({ follows: false, code: 'gate.jsonSyntax' });
    },
  );

  test('when it nests or chains too deep, or is too long', () => {
    const deep = `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`;
    expect(readJsonName(`json:${deep}`)).toMatchObject({ code: 'gate.jsonTooLarge', limit: 16 });
    const keys: Record<string, string> = { driver: 'raw' };
    for (let depth = 1; depth < 20; depth++) keys[`${'file.'.repeat(depth)}driver`] = 'raw';
    expect(read(keys)).toMatchObject({ code: 'gate.jsonTooLarge', limit: 16 });
    expect(readJsonName(`json:${'x'.repeat(5000)}`)).toMatchObject({
      code: 'gate.jsonTooLarge',
      limit: 4096,
    });
  });

  test('because of names that are special to JavaScript', () => {
    expect(readJsonName('json:{"__proto__":{"filename":"a"}}')).toMatchObject({ follows: false });
    expect(readJsonName('json:{"file":{"filename":"a"},"constructor":1}')).toMatchObject({
      value: 'constructor',
    });
  });
});
