import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src/qcow2/errors';
import type { Layer } from '../../../src/qcow2/image/layer';
import type { MapExport, MapExportResult } from '../../../src/qcow2/map/mapExport';
import { exportMap } from '../../../src/qcow2/map/mapExport';
import { fakeLayer } from './fakeLayer';

function write(layers: readonly Layer[], request: MapExport): { text: string; result: MapExportResult } {
  const pieces: Buffer[] = [];
  const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) };
  const result = exportMap(layers, request, sink);
  return { text: Buffer.concat(pieces).toString(), result };
}

const layer = fakeLayer({
  name: 'disk.qcow2',
  runs: [
    { kind: 'data', length: 65536, host: 327680 },
    { kind: 'zeroPlain', length: 65536 },
    { kind: 'unallocated', length: 131072 },
  ],
});

test('JSON is laid out as qemu-img lays it out', () => {
  expect(write([layer], { form: 'json' })).toEqual({
    text:
      '[{ "start": 0, "length": 65536, "depth": 0, "present": true, "zero": false, "data": true, "offset": 327680},\n' +
      '{ "start": 65536, "length": 65536, "depth": 0, "present": true, "zero": true, "data": false},\n' +
      '{ "start": 131072, "length": 131072, "depth": 0, "present": false, "zero": true, "data": false}]\n',
    result: { extents: 3, bytes: 300 },
  });
});

test('a range without bytes is one row of length 0', () => {
  const row = (start: number) =>
    `[{ "start": ${start}, "length": 0, "depth": 0, "present": false, "zero": false, "data": false}]\n`;
  expect(write([layer], { form: 'json', start: 999999 }).text).toBe(row(999999));
  expect(write([layer], { form: 'json', start: 7, length: 0 }).text).toBe(row(7));
  expect(write([fakeLayer({ runs: [] })], { form: 'json' }).text).toBe(row(0));
});

test('text has columns of 16 and rows of data only', () => {
  expect(write([layer], { form: 'text' }).text).toBe(
    'Offset          Length          Mapped to       File\n' +
      '0               0x10000         0x50000         disk.qcow2\n',
  );
});

describe('data without a host offset', () => {
  const compressed = fakeLayer({
    runs: [
      { kind: 'data', length: 512, host: 0 },
      { kind: 'compressed', length: 512, host: 77 },
    ],
  });

  test('ends the text form, after the rows before it', () => {
    const pieces: string[] = [];
    const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes).toString()) };
    let code = '';
    try {
      exportMap([compressed], { form: 'text' }, sink);
    } catch (error) {
      if (error instanceof EngineError) ({ code } = error.problem);
    }
    expect(code).toBe('map.noOffset');
    expect(pieces.join('').split('\n')).toHaveLength(3);
  });

  test('is named there if asked for', () => {
    const { text } = write([compressed], { form: 'text', unmapped: 'name' });
    expect(text.split('\n')[2]).toBe('0x200           0x200           compressed      disk');
  });
});

test('CSV has a title line, the compressed flag and quoted names', () => {
  const layers = [
    fakeLayer({
      name: 'a "b", c',
      runs: [
        { kind: 'data', length: 512, host: 1024 },
        { kind: 'compressed', length: 512, host: 77 },
      ],
    }),
  ];
  expect(write(layers, { form: 'csv' }).text).toBe(
    'start,length,depth,present,zero,data,compressed,offset,file\n' +
      '0,512,0,true,false,true,false,1024,"a ""b"", c"\n' +
      '512,512,0,true,false,true,true,,\n',
  );
});

test('rows of every shape stay right over many fillings of the buffer', () => {
  const kinds = ['data', 'zeroPlain', 'zeroAllocated', 'unallocated'] as const;
  let host = 0;
  const runs = Array.from({ length: 20000 }, (_, index) => {
    const length = 512 * (1 + ((index * 7919) % 5000));
    host += length + 512 * (index % 3000);
    return { kind: kinds[(index * 31) % 4]!, length, host };
  });
  const { text, result } = write([fakeLayer({ runs })], { form: 'json' });
  const rows = JSON.parse(text) as { start: number; length: number; offset?: number }[];
  expect(rows).toHaveLength(result.extents);
  expect(result.bytes).toBe(text.length);
  let at = 0;
  const expected = runs.map(({ kind, length, host: offset }) => {
    const start = at;
    at += length;
    const hasOffset = kind === 'data' || kind === 'zeroAllocated';
    return hasOffset ? { start, length, offset } : { start, length };
  });
  expect(
    rows.map(({ start, length, offset }) =>
      offset === undefined ? { start, length } : { start, length, offset },
    ),
  ).toEqual(expected);
  expect(text).toBe(
    `[${rows.map((row) => JSON.stringify(row).replaceAll('":', '": ').replaceAll(',"', ', "').replace('{', '{ ')).join(',\n')}]\n`,
  );
});
