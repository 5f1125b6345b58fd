import { describe, expect, test } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import type { ClusterReport } from '../../../src/qcow2/report/inspect';
import { inspectCluster } from '../../../src/qcow2/report/inspect';
import type { ImageBuilder } from '../../support/imageBuilder';
import { image } from '../../support/imageBuilder';

/** @param damage what is done to the file's bytes before it is opened */
function inspect(built: ImageBuilder, guest: number, damage?: (bytes: Buffer) => void): ClusterReport {
  const bytes = built.toBuffer();
  damage?.(bytes);
  const opened = Qcow2Image.open(new MemoryFile('disk', bytes));
  return inspectCluster(opened, [opened], guest);
}

const value = (report: ClusterReport, name: string) =>
  report.fields.find((field) => field.name === name)?.value;

describe('a report on a cluster', () => {
  const built = image({ size: '1M' }).data(0).zeroPlain(1).zeroAllocated(2).compressed(3);

  test('of data names every bit', () => {
    const report = inspect(built, 70);
    expect(report).toMatchObject({
      guestOffset: 0,
      length: 65536,
      l1Index: 0,
      l2Index: 0,
      kind: 'data',
      cellKind: 'data',
      providedBy: 0,
      refcount: 1,
    });
    expect(report.fields.map(({ name, bits }) => [name, ...bits])).toEqual([
      ['COPIED', 63, 63],
      ['COMPRESSED', 62, 62],
      ['reserved', 61, 56],
      ['host cluster offset', 55, 9],
      ['reserved', 8, 1],
      ['zero flag', 0, 0],
    ]);
    expect(value(report, 'host cluster offset')).toBe(`0x${(report.hostOffset ?? 0).toString(16)}`);
    expect(report.l1Fields[1]).toMatchObject({ name: 'reserved', value: '0x0' });
  });

  test('of zero clusters tells whether one is kept', () => {
    expect(inspect(built, 65536)).toMatchObject({ kind: 'zeroPlain', cellKind: 'zeroPlain' });
    expect(inspect(built, 65536)).not.toHaveProperty('hostOffset');
    const kept = inspect(built, 2 * 65536);
    expect(kept).toMatchObject({ kind: 'zeroAllocated', refcount: 1 });
    expect(value(kept, 'zero flag')).toBe('1');
  });

  test('of nothing', () => {
    expect(inspect(built, 5 * 65536)).toMatchObject({
      kind: 'unallocated',
      cellKind: 'unallocated',
      providedBy: -1,
    });
    expect(inspect(image({ size: '1M' }), 0)).toMatchObject({ kind: 'unallocated', fields: [] });
  });

  test.each([
    [9, 61],
    [16, 54],
    [21, 49],
  ])('of compressed data splits the descriptor where %d cluster bits put it', (clusterBits, low) => {
    const report = inspect(image({ clusterBits }).compressed(0), 0);
    expect(report.kind).toBe('compressed');
    expect(report.fields.map(({ name, bits }) => [name, ...bits])).toEqual([
      ['COPIED', 63, 63],
      ['COMPRESSED', 62, 62],
      ['additional sectors', 61, low],
      ['host offset of the compressed data', low - 1, 0],
    ]);
    expect(report.compressedLength).toBeGreaterThan(0);
  });

  test('of subclusters has the state of each', () => {
    const report = inspect(image({ extendedL2: true }).subclusters(0, 'DZ.D'), 0);
    expect(report.subclusters?.slice(0, 4)).toEqual(['data', 'zero', 'unallocated', 'data']);
    expect(report.subclusters).toHaveLength(32);
    expect(report.l2Entry).toMatch(/^0x[0-9a-f]{32}$/);
    expect(report.fields.at(-1)).toMatchObject({ name: 'allocated subclusters', bits: [31, 0] });
  });

  test('is short where the disk ends', () => {
    expect(inspect(image({ size: 65536 + 512 }).data(1), 65536)).toMatchObject({
      guestOffset: 65536,
      length: 512,
    });
  });

  test('is refused beyond the disk', () => {
    expect(() => inspect(built, 1024 * 1024)).toThrow('offset.beyondDisk');
    expect(() => inspect(built, -1)).toThrow('offset.beyondDisk');
  });
});

describe('a broken entry is reported, not thrown', () => {
  const built = image({ size: '1M' }).data(0);
  const l1 = Number(built.toBuffer().readBigUInt64BE(40));

  test('in the L1 table', () => {
    const report = inspect(built, 0, (bytes) => bytes.writeBigUInt64BE(0x7f00_0000_0000_0001n, l1));
    expect(report).toMatchObject({
      kind: 'invalid',
      cellKind: 'invalid',
      providedBy: -1,
      l1Entry: '0x7f00000000000001',
      problem: { code: 'entry.reserved' },
      fields: [],
    });
  });

  test('in the L2 table, with its raw value', () => {
    const report = inspect(built, 0, (bytes) => {
      const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
      bytes.writeBigUInt64BE(0x0000_0000_0005_0200n, l2);
    });
    expect(report).toMatchObject({
      kind: 'invalid',
      l2Entry: '0x0000000000050200',
      problem: { code: 'entry.misaligned' },
    });
    expect(value(report, 'host cluster offset')).toBe('0x50200');
  });

  test('when the L2 table lies beyond the file', () => {
    const report = inspect(built, 0, (bytes) => bytes.writeBigUInt64BE(0x8000_7000_0000_0000n, l1));
    expect(report).toMatchObject({ kind: 'invalid', problem: { code: 'table.beyondFile' } });
  });
});
