/** Disks with very many clusters: what is staged stays small, and order does not matter. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ZeroOptions } from '../../../src/qcow2/change/context';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { CancelledError } from '../../../src/qcow2/errors';
import { writeGiantImage } from '../../support/giantImages';
import { qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';

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
    const { tally } = staged.change((context) => writeZeroes(context, 0, SIZE, UNMAP));
    expect(tally).toMatchObject({
      becameUnallocated: { clusters: CLUSTERS, bytes: SIZE },
      l2TablesGivenUp: TABLES,
      freedClusters: CLUSTERS + TABLES,
    });
    // One page of the L1 table; the blocks at both ends of what was freed.
    expect(staged.staged().bytes).toBeLessThan(4 * 65536);
    const before = staged.staged();
    const again = staged.change((context) => writeZeroes(context, 0, SIZE, UNMAP));
    expect(again.tally.changed).toBe(false);
    expect(staged.staged()).toStrictEqual(before);
    staged.flush();
    staged.close();
    expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
  },
);

test('without unmapping only the tables are written', () => {
  writeGiantImage(path, { size: SIZE, pattern: 'contiguous' });
  const staged = new StagedImage(path);
  const { tally } = staged.change((context) => writeZeroes(context, 0, SIZE, { ...UNMAP, unmap: false }));
  expect(tally).toMatchObject({
    keptAllocation: { clusters: CLUSTERS, bytes: SIZE },
    freedClusters: 0,
    allocatedClusters: 0,
  });
  expect(staged.staged().bytes).toBe(TABLES * 65536);
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
  const zero = () => staged.change((context) => writeZeroes({ ...context, progress }, 0, SIZE, UNMAP));
  expect(zero).toThrow(CancelledError);
  expect(staged.file.isEmpty).toBe(true);
  expect(reports).toStrictEqual([...reports].sort((one, other) => one - other));
  staged.close();
});
