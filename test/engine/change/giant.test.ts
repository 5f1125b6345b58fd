/** Disks with very many clusters: staged changes stay small, whatever the order. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ZeroOptions } from '../../../src/qcow2/change/context';
import { writeGuest } from '../../../src/qcow2/change/write';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { CancelledError } from '../../../src/qcow2/errors';
import { writeGiantImage } from '../../support/giantImages';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

const SIZE = 64 * 2 ** 30;
const CLUSTERS = SIZE / 65536;
const TABLES = CLUSTERS / 8192;
const UNMAP: ZeroOptions = { unmap: true, fallback: false, policy: 'unallocate', thorough: false };

let place: Workspace;
let path: string;
beforeEach(() => {
  place = workspace();
  path = place.path('disk.qcow2');
});
afterEach(() => {
  place.remove();
});

test.each(['contiguous', 'random'] as const)(
  'a full disk of %s clusters is unmapped table by table',
  (pattern) => {
    writeGiantImage(path, { size: SIZE, pattern });
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), SIZE, UNMAP));
    expect(tally).toMatchObject({
      becameUnallocated: { clusters: CLUSTERS, bytes: SIZE },
      l2TablesGivenUp: TABLES,
      freedClusters: CLUSTERS + TABLES,
    });
    // One page of the L1 table, and the blocks at both ends of the freed range.
    expect(staged.staged().bytes).toBeLessThan(4 * 65536);
    const before = staged.staged();
    const again = staged.change((context) => writeZeroes(context, guestOffset(0), SIZE, UNMAP));
    expect(again.tally.changed).toBe(false);
    expect(staged.staged()).toStrictEqual(before);
    staged.flush();
    staged.close();
    expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
  },
);

test.each([
  // Their entries rise from cluster to cluster: that is all that has to be remembered.
  { pattern: 'contiguous', size: SIZE, bytesOfTable: 0 },
  // QEMU takes half a minute to check four times as much in random order.
  { pattern: 'random', size: SIZE / 4, bytesOfTable: 65536 },
] as const)(
  'without unmapping only the tables of $pattern clusters are written',
  ({ pattern, size, bytesOfTable }) => {
    const clusters = size / 65536;
    const tables = clusters / 8192;
    writeGiantImage(path, { size, pattern });
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) =>
      writeZeroes(context, guestOffset(0), size, { ...UNMAP, unmap: false }),
    );
    expect(tally).toMatchObject({
      keptAllocation: { clusters, bytes: size },
      freedClusters: 0,
      allocatedClusters: 0,
    });
    expect(staged.staged()).toMatchObject({ bytes: tables * bytesOfTable });
    expect(staged.staged().pieces).toBeGreaterThanOrEqual(tables);
    staged.flush();
    staged.close();
    expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
  },
);

test('data beyond 4 GiB of the file is written where it belongs', () => {
  writeGiantImage(path, { size: SIZE, pattern: 'alternating' });
  const staged = new StagedImage(path);
  // The last two clusters: one in place, one new; both far behind 4 GiB.
  const content = Buffer.alloc(100_000, 0x5a);
  const start = guestOffset(SIZE - 2 * 65536 + 777);
  const { tally } = staged.change((context) => writeGuest(context, content, start));
  expect(tally).toMatchObject({ written: { clusters: 2, bytes: 100_000 }, allocatedClusters: 1 });
  expect(staged.read(start, 100_000).equals(content)).toBe(true);
  staged.flush();
  expect(staged.read(start, 100_000).equals(content)).toBe(true);
  expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
  const raw = place.path('judge.raw');
  const skip = (SIZE - 2 * 65536) / 65536;
  mustQemuImg([
    'dd',
    '-O',
    'raw',
    'bs=65536',
    `skip=${skip}`,
    `count=${skip + 2}`,
    `if=${path}`,
    `of=${raw}`,
  ]);
  const expected = Buffer.alloc(2 * 65536);
  content.copy(expected, 777);
  expect(readFileSync(raw).equals(expected)).toBe(true);
  staged.close();
});

test('a long change can be cancelled, and tells how far it is', () => {
  writeGiantImage(path, { size: SIZE, pattern: 'contiguous' });
  const staged = new StagedImage(path);
  const reports: number[] = [];
  const progress = {
    report: (done: number, total: number) => {
      expect(total).toBe(SIZE);
      reports.push(done);
    },
    checkCancelled: () => {
      if (reports.length === 10) throw new CancelledError('disk');
    },
  };
  const zero = () =>
    staged.change((context) => writeZeroes({ ...context, progress }, guestOffset(0), SIZE, UNMAP));
  expect(zero).toThrow(CancelledError);
  expect(staged.file.isEmpty).toBe(true);
  expect(reports).toStrictEqual([...reports].sort((one, other) => one - other));
  staged.close();
});
