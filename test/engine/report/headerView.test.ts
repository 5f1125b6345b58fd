import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import type { HeaderView } from '../../../src/qcow2/report/headerView';
import { readHeaderView } from '../../../src/qcow2/report/headerView';
import { image } from '../../support/imageBuilder';

const view = (bytes: Uint8Array) => readHeaderView(new MemoryFile('disk', bytes));
const field = (header: HeaderView, name: string) =>
  header.fields.find((candidate) => candidate.name === name);

describe('the header of a sound image', () => {
  const header = view(
    image({ size: '1G', backing: { name: 'base.raw', format: 'raw' }, featureNames: true, dirty: true })
      .data(0)
      .snapshot('before')
      .bitmap('changes')
      .extension(0x12345678, 'something')
      .toBuffer(),
  );

  test('has every field with its place, raw and decoded', () => {
    expect(field(header, 'magic')).toEqual({
      name: 'magic',
      offset: 0,
      length: 4,
      raw: '0x514649fb',
      decoded: 'QFI\\xfb',
    });
    expect(field(header, 'cluster_bits')).toMatchObject({ raw: '0x00000010', decoded: '64 KiB' });
    expect(field(header, 'size')).toMatchObject({
      raw: '0x0000000040000000',
      decoded: '1 GiB (1073741824 bytes)',
    });
    expect(field(header, 'backing_file_offset')).toMatchObject({ decoded: 'base.raw' });
    expect(field(header, 'l1_table_offset')?.pointsTo).toBeGreaterThan(0);
    expect(field(header, 'refcount_order')).toMatchObject({ decoded: '16 bits' });
    expect(field(header, 'compression_type')).toMatchObject({ raw: '0x00', decoded: 'deflate' });
    expect(header.fields).toHaveLength(19);
    expect(header.raw).toHaveLength(4096);
  });

  test('names its feature bits', () => {
    expect(header.features.filter(({ isSet }) => isSet)).toEqual([
      { type: 'incompatible', bit: 0, isSet: true, name: 'dirty', nameInImage: expect.any(String) as string },
      { type: 'autoclear', bit: 0, isSet: true, name: 'bitmaps', nameInImage: expect.any(String) as string },
    ]);
    expect(header.features).toHaveLength(8);
  });

  test('lists extensions, snapshots and bitmaps', () => {
    expect(header.extensions.map(({ name }) => name)).toContain('backing file format');
    expect(header.extensions.at(-1)).toMatchObject({ type: '0x12345678', name: 'unknown', length: 9 });
    expect(header.snapshots.map(({ name }) => name)).toEqual(['before']);
    expect(header.bitmaps.map(({ name }) => name)).toEqual(['changes']);
  });
});

test('version 2 has the fields and features of version 2', () => {
  const header = view(image({ version: 2 }).toBuffer());
  expect(header.fields.at(-1)?.name).toBe('snapshots_offset');
  expect(header.features).toEqual([]);
});

test('an unknown feature bit is shown with the name the image gives it, or none', () => {
  const header = view(image({ incompatible: 1n << 40n }).toBuffer());
  expect(header.features).toContainEqual({ type: 'incompatible', bit: 40, isSet: true });
});

describe('a header that cannot be used is shown as far as it goes', () => {
  test('from an empty file', () => {
    expect(view(new Uint8Array(0))).toMatchObject({
      fields: [],
      features: [],
      extensions: [],
      snapshots: [],
      bitmaps: [],
    });
  });

  test('from a file that ends in the middle of it', () => {
    const header = view(image().toBuffer().subarray(0, 50));
    expect(header.fields.at(-1)?.name).toBe('l1_table_offset');
    expect(header.raw).toHaveLength(50);
  });

  test('from a file of another kind', () => {
    const header = view(
      Buffer.from('#!/bin/sh\necho this is no image but has enough bytes for a header'.repeat(3)),
    );
    expect(field(header, 'magic')).toMatchObject({ raw: '0x23212f62', decoded: 'not qcow2' });
    expect(header.snapshots).toEqual([]);
  });

  test('with extensions up to the one that is cut off', () => {
    const bytes = image({ backing: { name: 'b', format: 'qcow2' } }).toBuffer();
    bytes.writeUInt32BE(0xffff, 112 + 4);
    expect(view(bytes).extensions[0]?.decoded).toContain('(cut off)');
  });

  test('from any bytes, quickly', () => {
    const sound = image({ backing: { name: 'b', format: 'raw' }, featureNames: true })
      .data(0)
      .snapshot('s')
      .bitmap('b')
      .toBuffer();
    const change = fc.tuple(fc.nat(400), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.nat(sound.length),
        (changes, length) => {
          const bytes = Buffer.from(sound);
          for (const [at, value] of changes) bytes[at] = value;
          const header = view(bytes.subarray(0, length));
          expect(header.raw.length).toBe(Math.min(4096, length));
        },
      ),
      { numRuns: 300 },
    );
  });
});
