/** Parts of clusters and subclusters: treated as whole if the rest is known to be zero, otherwise written. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ZeroOptions } from '../../../src/qcow2/change/context';
import type { ChangeTally } from '../../../src/qcow2/change/tally';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { Kitchen } from '../../support/matrix/recipe';
import { RawView } from '../../support/changes/rawView';
import { qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';
import { CellBench, CLUSTER, expectCell, TARGET, type CellImage } from './cells';

const OPTIONS: ZeroOptions = { unmap: true, fallback: true, policy: 'unallocate', thorough: false };
const KEEP: ZeroOptions = { ...OPTIONS, unmap: false };

let bench: CellBench;
beforeAll(() => {
  bench = new CellBench();
});
afterAll(() => {
  bench.remove();
});

describe('a part of a cluster', () => {
  // Half of the cluster is zeroed; the other half reads as zero but where there is data.
  const half = [
    ['0 is whole, and stays 0', { kind: '0' }, '0', OPTIONS],
    ['0 is whole, and becomes a zero flag when kept', { kind: '0' }, 'ZP', KEEP],
    ['ZP is whole', { kind: 'ZP' }, '0', OPTIONS],
    ['ZA is whole, and keeps its host cluster', { kind: 'ZA' }, 'ZA', KEEP],
    ['ZA is whole, and gives it up', { kind: 'ZA' }, '0 rc-1', OPTIONS],
    ['ZP over a backing file is whole', { kind: 'ZP', hasBacking: true }, 'ZP', OPTIONS],
    ['N is written in place', { kind: 'N' }, 'N in place', OPTIONS],
    ['Ns is written to a new cluster', { kind: 'Ns' }, 'N new rc-1', OPTIONS],
    ['C is written to a new cluster', { kind: 'C' }, 'N new rc-1', OPTIONS],
    ['0 over backing data is written to a new cluster', { kind: '0', hasBacking: true }, 'N new', OPTIONS],
    ['0 of version 2 stays 0', { kind: '0', version: 2 }, '0', OPTIONS],
    ['0 of version 2 is written when kept', { kind: '0', version: 2 }, 'N new', KEEP],
  ] satisfies [string, CellImage, string, ZeroOptions][];

  const places = [
    ['head', TARGET + CLUSTER / 2, CLUSTER / 2],
    ['tail', TARGET, CLUSTER / 2],
    ['middle', TARGET + 1000, 777],
  ] as const;

  describe.each(places)('at its %s', (_place, start, length) => {
    test.each(half)('of %s', (_title, image, expected, options) => {
      const cell = bench.open(image);
      const after = cell.change((context) => writeZeroes(context, guestOffset(start), length, options));
      expectCell(cell, after, expected);
      cell.expectZeroed(start, length);
      cell.close();
    });

    test.each(half.filter(([, , expected]) => expected.startsWith('N')))(
      'of %s, or refused without fallback',
      (_title, image, _expected, options) => {
        const cell = bench.open(image);
        const staged = new StagedImage(cell.path);
        const zero = () =>
          staged.change((context) =>
            writeZeroes(context, guestOffset(start), length, { ...options, fallback: false }),
          );
        const code = 'version' in image ? 'zero.version2' : 'zero.partialCluster';
        expect(zero).toThrow(
          expect.objectContaining({ problem: expect.objectContaining({ code }) as unknown }),
        );
        expect(staged.file.isEmpty).toBe(true);
        staged.close();
        cell.close();
      },
    );
  });

  test('across whole clusters has a head, whole clusters and a tail', () => {
    const cell = bench.open({ kind: 'N' });
    let tally: ChangeTally | undefined;
    const after = cell.change((context) => {
      const change = writeZeroes(context, guestOffset(100), 2 * CLUSTER, OPTIONS);
      ({ tally } = change);
      return change;
    });
    expectCell(cell, after, '0 rc-1');
    cell.expectZeroed(100, 2 * CLUSTER);
    expect(tally).toMatchObject({
      becameUnallocated: { clusters: 1, bytes: CLUSTER },
      writtenExplicitly: { partialCluster: { clusters: 2, bytes: CLUSTER } },
      freedClusters: 1,
      allocatedClusters: 0,
    });
    cell.close();
  });
});

describe('some subclusters', () => {
  const SUB = CLUSTER / 32;
  const kinds = ['0', 'N', 'Ns', 'ZP', 'ZA'] as const;

  test.each(
    kinds.flatMap((kind) => [OPTIONS, KEEP].map((options) => [kind, options.unmap, options] as const)),
  )(
    'of %s (unmap: %s) get their zero bits, lose their allocation bits, and free nothing',
    (kind, _unmap, options) => {
      const cell = bench.open({ extendedL2: true, kind, hasBacking: true });
      const after = cell.change((context) =>
        writeZeroes(context, guestOffset(TARGET + 4 * SUB), 8 * SUB, options),
      );
      const mask = 0xff0n;
      const before = cell.old.bitmap ?? 0n;
      const { entry, bitmap, host } = after.cluster(1);
      expect(entry).toBe(cell.old.entry);
      expect(bitmap).toBe((before | (mask << 32n)) & ~mask);
      if (host !== 0) expect(after.refcountAt(host)).toBe(cell.before.refcountAt(host));
      cell.expectZeroed(TARGET + 4 * SUB, 8 * SUB);
      cell.close();
    },
  );

  test('of C are written: it is decompressed into a cluster of its own', () => {
    const cell = bench.open({ extendedL2: true, kind: 'C' });
    const after = cell.change((context) =>
      writeZeroes(context, guestOffset(TARGET + 4 * SUB), 8 * SUB, OPTIONS),
    );
    expectCell(cell, after, 'N new / all data rc-1');
    cell.expectZeroed(TARGET + 4 * SUB, 8 * SUB);
    cell.close();
  });

  test('of C are refused without fallback', () => {
    const cell = bench.open({ extendedL2: true, kind: 'C' });
    const staged = new StagedImage(cell.path);
    expect(() =>
      staged.change((context) =>
        writeZeroes(context, guestOffset(TARGET + SUB), SUB, { ...OPTIONS, fallback: false }),
      ),
    ).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'zero.compressed' }) as unknown }),
    );
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
    cell.close();
  });

  test('and a part of one: whole where the rest of that subcluster is zero', () => {
    const cell = bench.open({ extendedL2: true, kind: '0' });
    const after = cell.change((context) => writeZeroes(context, guestOffset(TARGET + 100), SUB, OPTIONS));
    expect(after.cluster(1)).toMatchObject({ entry: 0n, bitmap: 3n << 32n });
    cell.close();
  });

  test('and a part of one that has data: written in place', () => {
    const cell = bench.open({ extendedL2: true, kind: 'N' });
    const after = cell.change((context) =>
      writeZeroes(context, guestOffset(TARGET + 100), SUB - 100, OPTIONS),
    );
    expectCell(cell, after, 'N in place / all data');
    cell.expectZeroed(TARGET + 100, SUB - 100);
    cell.close();
  });

  test('and a part of one over backing data: only that subcluster gets data', () => {
    const cell = bench.open({ extendedL2: true, kind: '0', hasBacking: true });
    const after = cell.change((context) =>
      writeZeroes(context, guestOffset(TARGET + 2 * SUB + 100), 50, OPTIONS),
    );
    expect(after.cluster(1).bitmap).toBe(4n);
    cell.expectZeroed(TARGET + 2 * SUB + 100, 50);
    cell.close();
  });
});

describe('at ends that are not aligned', () => {
  const SIZE = 3 * CLUSTER + 1536;
  let place: Workspace;
  let kitchen: Kitchen;
  beforeEach(() => {
    place = workspace();
    kitchen = new Kitchen(place.folder);
  });
  afterEach(() => {
    place.remove();
  });

  /** @returns the state afterwards, and the tally */
  function zero(start: number, length: number, options = OPTIONS): { view: RawView; tally: ChangeTally } {
    const staged = new StagedImage(place.path('disk.qcow2'));
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(start), length, options));
    staged.flush();
    expect(staged.read(start, length).every((byte) => byte === 0)).toBe(true);
    staged.close();
    expect(qemuImg(['check', place.path('disk.qcow2')]).status).toBe(0);
    return { view: new RawView(place.path('disk.qcow2')), tally };
  }

  test('the last cluster counts as whole when zeroed up to the end of the disk', () => {
    kitchen.create('disk.qcow2', String(SIZE)).io('disk.qcow2', `write -P 7 0 ${SIZE}`);
    const { view, tally } = zero(3 * CLUSTER, 1536);
    expect(view.cluster(3).entry).toBe(0n);
    expect(tally).toMatchObject({ becameUnallocated: { clusters: 1, bytes: 1536 }, freedClusters: 1 });
  });

  test('a part of it does not', () => {
    kitchen.create('disk.qcow2', String(SIZE)).io('disk.qcow2', `write -P 7 0 ${SIZE}`);
    const { tally } = zero(3 * CLUSTER + 512, 1024);
    expect(tally.writtenExplicitly.partialCluster).toStrictEqual({ clusters: 1, bytes: 1024 });
  });

  test('all bytes of a backing file that ends within the cluster count as whole', () => {
    kitchen.raw('base', CLUSTER + 4096, [[0, CLUSTER + 4096]]);
    kitchen.create('disk.qcow2', String(SIZE), '', ['-b', 'base', '-F', 'raw']);
    const { view, tally } = zero(CLUSTER, 4096);
    expect(view.cluster(1).entry).toBe(1n);
    expect(tally.becameZero).toStrictEqual({ clusters: 1, bytes: 4096 });
  });

  test('only what lies past its end does not', () => {
    kitchen.raw('base', CLUSTER + 4096, [[0, CLUSTER + 4096]]);
    kitchen.create('disk.qcow2', String(SIZE), '', ['-b', 'base', '-F', 'raw']);
    const { view, tally } = zero(CLUSTER + 4096, CLUSTER - 4096);
    expect(view.cluster(1)).toMatchObject({ isCopied: true, hasZeroFlag: false });
    expect(tally.writtenExplicitly.partialCluster).toStrictEqual({ clusters: 1, bytes: CLUSTER - 4096 });
  });

  test('subclusters past the end of the disk do not matter', () => {
    kitchen.create('disk.qcow2', String(SIZE), 'extended_l2=on').io('disk.qcow2', `write -P 7 0 ${SIZE}`);
    expect(zero(3 * CLUSTER, 1536).view.cluster(3)).toMatchObject({ entry: 0n, bitmap: 0n });
  });
});
