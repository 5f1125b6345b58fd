/**
 * Placement of new data: its tables are allocated first, and data that is written at once stays contiguous. QEMU makes the
 * same writes on a copy of the image; `qemu-img check` counts the fragmented clusters of both.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeGuest } from '../../../src/qcow2/change/write';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { seededRandom } from '../../support/builder/random';
import { qemuCheck, type CheckNumbers } from '../../support/checkJudge';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

/** Guest bytes from `start` on are written with data. */
type Write = readonly [start: number, length: number];

interface Setting {
  /** `-o` of `qemu-img create`. */
  readonly options: string;
  readonly size: string;
  /** qemu-io commands that fill the image. */
  readonly before: readonly string[];
  readonly hasSnapshot?: boolean;
  /** There are free clusters before the end of the file. */
  readonly isHoley?: boolean;
}

function make(name: string, { options, size, before, hasSnapshot = false }: Setting): string {
  const file = place.path(name);
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, file, size]);
  if (before.length > 0) mustQemuIo(file, before, {}, ['-d', 'unmap']);
  if (hasSnapshot) mustQemuImg(['snapshot', '-c', 'kept', file]);
  return file;
}

function numbersOf(file: string): CheckNumbers {
  const { status, numbers, stderr } = qemuCheck([file], place.folder);
  expect(`${status} ${stderr}`).toBe('0 ');
  return numbers!;
}

/** What QEMU counts after the same writes by both programs. */
function compare(setting: Setting, writes: readonly Write[]): { ours: CheckNumbers; theirs: CheckNumbers } {
  const [one, other] = [make('ours.qcow2', setting), make('theirs.qcow2', setting)];
  const staged = new StagedImage(one);
  for (const [start, length] of writes) {
    staged.change((context) => writeGuest(context, Buffer.alloc(length, 7), guestOffset(start)));
  }
  staged.flush();
  staged.close();
  const commands = writes.map(([start, length]) => `write -P 7 ${start} ${length}`);
  // QEMU looks for free clusters behind the last one that it took, which hides holes: there, one process a write.
  if (setting.isHoley === true) for (const command of commands) mustQemuIo(other, [command]);
  else mustQemuIo(other, commands);
  return { ours: numbersOf(one), theirs: numbersOf(other) };
}

const KIB = 1024;
const MIB = 1024 * KIB;
const FRESH = { options: 'cluster_size=64k', size: '64M', before: [] };
/** Every second cluster of the first 4 MiB is free. */
const holes = Array.from({ length: 32 }, (_, index) => `discard ${index * 128}k 64k`);

const SETTINGS: readonly (readonly [string, Setting])[] = [
  ['a fresh image', FRESH],
  ['an image of version 2', { ...FRESH, options: 'compat=0.10' }],
  ['clusters of 512 bytes', { ...FRESH, options: 'cluster_size=512' }],
  ['wide refcounts in small clusters', { ...FRESH, options: 'cluster_size=512,refcount_bits=64' }],
  ['clusters of 4 KiB', { ...FRESH, options: 'cluster_size=4k' }],
  ['clusters of 2 MiB', { ...FRESH, options: 'cluster_size=2M' }],
  ['extended L2', { ...FRESH, options: 'extended_l2=on,cluster_size=128k' }],
  ['a preallocated image', { ...FRESH, options: 'preallocation=metadata' }],
  [
    'compressed clusters',
    { ...FRESH, before: Array.from({ length: 64 }, (_, index) => `write -c -P 5 ${index * 64}k 64k`) },
  ],
  ['data that a snapshot shares', { ...FRESH, before: ['write -P 3 0 4M'], hasSnapshot: true }],
  ['zero clusters', { ...FRESH, before: ['write -z 0 4M'] }],
  ['zero clusters that keep their allocation', { ...FRESH, before: ['write -P 3 0 4M', 'write -z 0 4M'] }],
  ['holes in the file', { ...FRESH, before: ['write -P 3 0 8M', ...holes], isHoley: true }],
];

test('4 MiB written to a fresh image are one extent', () => {
  const { ours } = compare(FRESH, [
    [0, 2 * MIB],
    [2 * MIB, 2 * MIB],
  ]);
  expect(ours).toMatchObject({ allocatedClusters: 64, fragmentedClusters: 0 });
});

describe.each(SETTINGS)('writes to %s are not more fragmented than QEMU has them', (_name, setting) => {
  test('in one piece', () => {
    const { ours, theirs } = compare(setting, [[3 * MIB + 512, 9 * MIB]]);
    expect(ours.fragmentedClusters).toBeLessThanOrEqual(theirs.fragmentedClusters);
  });

  test('one after the other', () => {
    const writes = Array.from({ length: 48 }, (_, index) => [index * 96 * KIB, 96 * KIB] as const);
    const { ours, theirs } = compare(setting, writes);
    expect(ours.fragmentedClusters).toBeLessThanOrEqual(theirs.fragmentedClusters);
  });

  test.each([1, 2])('at random (%i)', (seed) => {
    const random = seededRandom(seed);
    const writes = Array.from(
      { length: 25 },
      () => [512 * random.below(120_000), 512 * (1 + random.below(2000))] as const,
    );
    const { ours, theirs } = compare(setting, writes);
    expect(ours.fragmentedClusters).toBeLessThanOrEqual(theirs.fragmentedClusters);
  });
});

test('zeroes and repeated writes make no table that they do not need', () => {
  const file = make('disk.qcow2', FRESH);
  const staged = new StagedImage(file);
  const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
  const zeroed = staged.change((context) => writeZeroes(context, guestOffset(0), 64 * MIB, options));
  expect(zeroed.tally).toMatchObject({ changed: false, allocatedClusters: 0 });
  const content = Buffer.alloc(MIB, 7);
  const first = staged.change((context) => writeGuest(context, content, guestOffset(0)));
  expect(first.tally).toMatchObject({ l2TablesAllocated: 1, allocatedClusters: 17 });
  const again = staged.change((context) => writeGuest(context, content, guestOffset(0)));
  expect(again.tally).toMatchObject({ l2TablesAllocated: 0, allocatedClusters: 0 });
  staged.close();
});
