import { describe, expect, test } from 'vitest';
import type { Layer } from '../../../src/qcow2/image/layer';
import { forEachExtent } from '../../../src/qcow2/map/map';
import { fakeLayer } from './fakeLayer';

/** `start+length depth flags @offset`, flags `p`resent, `z`ero, `d`ata, `c`ompressed. */
function mapOf(layers: readonly Layer[], start = 0, end = Infinity): string[] {
  const rows: string[] = [];
  forEachExtent(layers, start, end, (extent) => {
    const flags = [extent.present && 'p', extent.zero && 'z', extent.data && 'd', extent.compressed && 'c'];
    const offset = extent.offset < 0 ? '' : ` @${extent.offset}`;
    rows.push(`${extent.start}+${extent.length} ${extent.depth} ${flags.filter(Boolean).join('')}${offset}`);
  });
  return rows;
}

describe('extents of one layer', () => {
  test('have the flags of their kind', () => {
    const layer = fakeLayer({
      runs: [
        { kind: 'data', length: 512, host: 4096 },
        { kind: 'compressed', length: 512, host: 9999 },
        { kind: 'zeroPlain', length: 512 },
        { kind: 'zeroAllocated', length: 512, host: 8192 },
        { kind: 'unallocated', length: 512 },
        { kind: 'unallocatedSubcluster', length: 512, host: 16384 },
      ],
    });
    expect(mapOf([layer])).toEqual([
      '0+512 0 pd @4096',
      '512+512 0 pdc',
      '1024+512 0 pz',
      '1536+512 0 pz @8192',
      '2048+512 0 z',
      '2560+512 0 z @16384',
    ]);
  });

  test('merge where nothing but their place differs', () => {
    const layer = fakeLayer({
      runs: [
        { kind: 'data', length: 512, host: 4096 },
        { kind: 'data', length: 512, host: 4608 },
        { kind: 'data', length: 512, host: 9216 },
        { kind: 'compressed', length: 512, host: 1 },
        { kind: 'compressed', length: 512, host: 7 },
        { kind: 'unallocated', length: 512 },
        { kind: 'unallocated', length: 512 },
        { kind: 'zeroPlain', length: 512 },
      ],
    });
    expect(mapOf([layer])).toEqual([
      '0+1024 0 pd @4096',
      '1024+512 0 pd @9216',
      '1536+1024 0 pdc',
      '2560+1024 0 z',
      '3584+512 0 pz',
    ]);
  });

  test('have no offsets when the layer is encrypted', () => {
    const layer = fakeLayer({
      isEncrypted: true,
      runs: [
        { kind: 'data', length: 512, host: 4096 },
        { kind: 'data', length: 512, host: 0 },
        { kind: 'compressed', length: 512, host: 5 },
        { kind: 'zeroAllocated', length: 512, host: 512 },
      ],
    });
    expect(mapOf([layer])).toEqual(['0+1536 0 pd', '1536+512 0 pz']);
  });

  test('are cut at the ends of a range, to the byte', () => {
    const layer = fakeLayer({ runs: [{ kind: 'data', length: 4096, host: 65536 }] });
    expect(mapOf([layer], 100, 1101)).toEqual(['100+1001 0 pd @65636']);
    expect(mapOf([layer], 4000, 9999)).toEqual(['4000+96 0 pd @69536']);
    expect(mapOf([layer], 4096, 9999)).toEqual([]);
    expect(mapOf([layer], 5000, 9999)).toEqual([]);
  });
});

describe('host holes', () => {
  test('are zero and no data in a raw layer, which ends with its file', () => {
    const layer = fakeLayer({
      format: 'raw',
      runs: [{ kind: 'data', length: 4096, host: 0 }],
      hostExtents: [1000, 2048, 3000],
    });
    expect(mapOf([layer])).toEqual([
      '0+1000 0 pd @0',
      '1000+1048 0 pz @1000',
      '2048+952 0 pd @2048',
      '3000+1096 0 pz @3000',
    ]);
  });

  test('are zero data in a preallocated image', () => {
    const layer = fakeLayer({ runs: [{ kind: 'data', length: 2048, host: 512 }], hostExtents: [1024, 2048] });
    expect(mapOf([layer])).toEqual(['0+512 0 pd @512', '512+1536 0 pzd @1024']);
  });
});

describe('a chain', () => {
  const top = fakeLayer({
    namesBacking: true,
    runs: [
      { kind: 'unallocated', length: 1024 },
      { kind: 'unallocatedSubcluster', length: 1024, host: 4096 },
      { kind: 'zeroPlain', length: 1024 },
      { kind: 'unallocatedSubcluster', length: 2048, host: 8192 },
    ],
  });

  test('gives the owner of each extent', () => {
    const base = fakeLayer({
      runs: [
        { kind: 'data', length: 1536, host: 512 },
        { kind: 'unallocated', length: 4096 },
      ],
    });
    expect(mapOf([top, base])).toEqual([
      '0+1536 1 pd @512',
      '1536+512 1 z',
      '2048+1024 0 pz',
      '3072+2048 1 z',
    ]);
  });

  test('reads as zero past a shorter backing file, at the depth above it', () => {
    const base = fakeLayer({ runs: [{ kind: 'data', length: 3584, host: 0 }] });
    expect(mapOf([top, base])).toEqual([
      '0+2048 1 pd @0',
      '2048+1024 0 pz',
      '3072+512 1 pd @3072',
      '3584+1536 0 z @8704',
    ]);
  });

  test('claims nothing of what a backing file that is not open would provide', () => {
    expect(mapOf([top])).toEqual(['0+1024 0 ', '1024+1024 0  @4096', '2048+1024 0 pz', '3072+2048 0  @8192']);
  });

  test('merges what two runs of the overlay leave to one extent below', () => {
    const split = fakeLayer({
      namesBacking: true,
      runs: [
        { kind: 'unallocated', length: 512 },
        { kind: 'unallocatedSubcluster', length: 512, host: 0 },
      ],
    });
    const base = fakeLayer({ runs: [{ kind: 'data', length: 8192, host: 0 }] });
    expect(mapOf([split, base])).toEqual(['0+1024 1 pd @0']);
  });
});

test('progress is reported and can cancel', () => {
  const layer = fakeLayer({
    runs: Array.from({ length: 40000 }, (_, index) => ({
      kind: 'data' as const,
      length: 512,
      host: index * 4096,
    })),
  });
  const reports: number[] = [];
  const stop = new Error('stop');
  const progress = {
    report: (done: number, total: number) => {
      expect(total).toBe(40000 * 512);
      reports.push(done);
    },
    checkCancelled: () => {
      if (reports.length === 2) throw stop;
    },
  };
  expect(() => {
    forEachExtent([layer], 0, Infinity, () => undefined, progress);
  }).toThrow(stop);
  expect(reports[0]).toBeLessThan(reports[1] ?? 0);
});
