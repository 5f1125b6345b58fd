/** L2 tables under change: only those with a changed entry are touched, and empty ones are freed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ZeroOptions } from '../../../src/qcow2/change/context';
import { discard } from '../../../src/qcow2/change/discard';
import { writeGuest } from '../../../src/qcow2/change/write';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { mapText } from '../../support/inProcess';
import { Kitchen } from '../../support/matrix/recipe';
import { RawView } from '../../support/changes/rawView';
import { qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

const UNMAP: ZeroOptions = { unmap: true, fallback: true, policy: 'unallocate', thorough: false };
const CLUSTER = 4096;
/** Guest bytes of one L2 table. */
const SPAN = (CLUSTER / 8) * CLUSTER;
const COPIED = 1n << 63n;

let place: Workspace;
let kitchen: Kitchen;
let path: string;
beforeEach(() => {
  place = workspace();
  kitchen = new Kitchen(place.folder);
  path = place.path('disk.qcow2');
});
afterEach(() => {
  expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
  place.remove();
});

describe('a table', () => {
  test('in which no entry is left is given up, and not rewritten', () => {
    kitchen.create('disk.qcow2', String(2 * SPAN), `cluster_size=${CLUSTER}`);
    kitchen.io('disk.qcow2', `write -P 1 0 ${2 * SPAN}`);
    const before = new RawView(path);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), SPAN, UNMAP));
    expect(tally).toMatchObject({ l2TablesGivenUp: 1, freedClusters: 513, allocatedClusters: 0 });
    // The L1 entry, and refcounts: nothing else.
    expect(staged.staged().bytes).toBeLessThanOrEqual(4 * CLUSTER);
    staged.flush();
    staged.close();
    const after = new RawView(path);
    expect(after.l1Entry(0)).toBe(0n);
    expect(after.l1Entry(1)).toBe(before.l1Entry(1));
    expect(after.refcountAt(Number(before.l1Entry(0) & ~COPIED))).toBe(0);
  });

  test('of which something is left stays', () => {
    kitchen.create('disk.qcow2', String(SPAN), `cluster_size=${CLUSTER}`).io('disk.qcow2', 'write -P 1 0 1M');
    const before = new RawView(path);
    const staged = new StagedImage(path);
    staged.change((context) => writeZeroes(context, guestOffset(0), 2 ** 20 - CLUSTER, UNMAP));
    staged.flush();
    staged.close();
    expect(new RawView(path).l1Entry(0)).toBe(before.l1Entry(0));
  });

  test('that is given up shows the same map as one full of nothing', () => {
    kitchen.create('disk.qcow2', String(2 * SPAN), `cluster_size=${CLUSTER},compat=0.10`);
    kitchen.io('disk.qcow2', `write -P 1 0 ${2 * SPAN}`);
    kitchen.img([
      'convert',
      '-O',
      'qcow2',
      '-o',
      `cluster_size=${CLUSTER},compat=0.10`,
      'disk.qcow2',
      'twin.qcow2',
    ]);
    kitchen.io('twin.qcow2', `discard 0 ${SPAN}`);
    const staged = new StagedImage(path);
    staged.change((context) => discard(context, guestOffset(0), SPAN));
    staged.flush();
    staged.close();
    expect(new RawView(path).l1Entry(0)).toBe(0n);
    expect(new RawView(place.path('twin.qcow2')).l1Entry(0)).not.toBe(0n);
    expect(mapText(path, { form: 'json', start: guestOffset(0), length: SPAN })).toBe(
      mapText(place.path('twin.qcow2'), { form: 'json', start: guestOffset(0), length: SPAN }),
    );
  });

  test('shared with a snapshot is copied before it changes, and its data keep their refcounts', () => {
    kitchen
      .create('disk.qcow2', String(SPAN), `cluster_size=${CLUSTER}`)
      .io('disk.qcow2', 'write -P 1 0 64k');
    kitchen.img(['snapshot', '-c', 'before', 'disk.qcow2']);
    const before = new RawView(path);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), CLUSTER, UNMAP));
    expect(tally).toMatchObject({
      l2TablesCopied: 1,
      l2TablesAllocated: 0,
      freedClusters: 0,
      allocatedClusters: 1,
    });
    staged.flush();
    staged.close();
    const after = new RawView(path);
    const oldTable = Number(before.l1Entry(0) & ~COPIED);
    expect(after.l1Entry(0) & COPIED).toBe(COPIED);
    expect(before.refcountAt(oldTable)).toBe(2);
    expect(after.refcountAt(oldTable)).toBe(1);
    expect(after.refcountAt(before.cluster(0).host)).toBe(1);
    expect(after.refcountAt(before.cluster(1).host)).toBe(2);
    expect(after.cluster(1).isCopied).toBe(false);
  });

  test('shared with a snapshot and given up loses its reference only', () => {
    kitchen
      .create('disk.qcow2', String(SPAN), `cluster_size=${CLUSTER}`)
      .io('disk.qcow2', 'write -P 1 0 64k');
    kitchen.img(['snapshot', '-c', 'before', 'disk.qcow2']);
    const before = new RawView(path);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), SPAN, UNMAP));
    expect(tally).toMatchObject({
      l2TablesGivenUp: 1,
      l2TablesCopied: 0,
      freedClusters: 0,
      allocatedClusters: 0,
    });
    staged.flush();
    staged.close();
    const after = new RawView(path);
    expect(after.l1Entry(0)).toBe(0n);
    expect(after.refcountAt(Number(before.l1Entry(0) & ~COPIED))).toBe(1);
  });
});

describe('nothing at all is staged', () => {
  /** @returns what the change stages on the saved image */
  function stagedBy(start: number, length: number, options: ZeroOptions): boolean {
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(start), length, options));
    const { isEmpty } = staged.file;
    staged.close();
    expect(tally.changed).toBe(!isEmpty);
    expect(tally).toMatchObject({
      freedClusters: 0,
      allocatedClusters: 0,
      l2TablesCopied: 0,
      l2TablesAllocated: 0,
    });
    return !isEmpty;
  }

  const KEEP = { ...UNMAP, unmap: false };
  test.each([
    ['unmapping what was never allocated', [], UNMAP],
    [
      'unmapping what is unmapped',
      [`write -P 1 0 ${SPAN}`, `discard 0 ${SPAN}`, `write -z -u 0 ${SPAN}`],
      { ...UNMAP, policy: 'zero-flag' as const },
    ],
    ['zeroing what has its zero flag', [`write -P 1 0 1M`, `write -z 0 ${SPAN}`], KEEP],
  ])('by %s', (_title, commands, options) => {
    kitchen.create('disk.qcow2', String(SPAN), `cluster_size=${CLUSTER}`);
    if (commands.length > 0) kitchen.io('disk.qcow2', ...commands);
    expect(stagedBy(0, SPAN, options)).toBe(false);
  });

  test('where a snapshot shares the table', () => {
    kitchen
      .create('disk.qcow2', String(SPAN), `cluster_size=${CLUSTER}`)
      .io('disk.qcow2', 'write -P 1 0 64k', 'write -z 0 64k');
    kitchen.img(['snapshot', '-c', 'before', 'disk.qcow2']);
    expect(stagedBy(0, 65536, KEEP)).toBe(false);
  });

  test('by writing zeroes where explicit ones are', () => {
    kitchen
      .create('disk.qcow2', String(SPAN), `cluster_size=${CLUSTER},compat=0.10`)
      .io('disk.qcow2', 'write -P 0 0 64k');
    expect(stagedBy(0, 65536, KEEP)).toBe(false);
  });

  test('by requests of no length', () => {
    kitchen.create('disk.qcow2', String(SPAN));
    const staged = new StagedImage(path);
    const changes = [
      staged.change((context) => writeZeroes(context, guestOffset(SPAN), 0, UNMAP)),
      staged.change((context) => discard(context, guestOffset(512), 0)),
      staged.change((context) => writeGuest(context, new Uint8Array(0), guestOffset(0))),
    ];
    expect(changes.map(({ tally }) => tally.changed)).toStrictEqual([false, false, false]);
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
  });

  test('by requests beyond the end of the disk, which are refused', () => {
    kitchen.create('disk.qcow2', String(SPAN));
    const staged = new StagedImage(path);
    const refused = expect.objectContaining({
      problem: expect.objectContaining({ kind: 'argument', code: 'read.range' }) as unknown,
    }) as Error;
    expect(() =>
      staged.change((context) => writeZeroes(context, guestOffset(SPAN - 512), 1024, UNMAP)),
    ).toThrow(refused);
    expect(() => staged.change((context) => discard(context, guestOffset(SPAN), 1))).toThrow(refused);
    expect(() =>
      staged.change((context) => writeGuest(context, new Uint8Array(2), guestOffset(SPAN - 1))),
    ).toThrow(refused);
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
  });
});
