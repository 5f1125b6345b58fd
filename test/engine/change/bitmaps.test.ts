/** Persistent dirty bitmaps and autoclear bits after changes, compared with QEMU's. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeGuest } from '../../../src/qcow2/change/write';
import { seededRandom } from '../../support/builder/random';
import { bitmapBits } from '../../support/changes/bitmapBits';
import { QEMU_IO, type ImagePlan } from '../../support/changes/imagePlan';
import { applyToEngine, qemuIoCommand, randomOperation } from '../../support/changes/operation';
import { RawView } from '../../support/changes/rawView';
import { image } from '../../support/imageBuilder';
import { Kitchen } from '../../support/matrix/recipe';
import { mustQemuIo, qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

let place: Workspace;
let kitchen: Kitchen;
let path: string;
beforeEach(() => {
  place = workspace();
  kitchen = new Kitchen(place.folder);
  path = place.path('disk.qcow2');
});
afterEach(() => {
  place.remove();
});

const PLAN: ImagePlan = {
  version: 3,
  clusterBits: 9,
  refcountBits: 16,
  extendedL2: false,
  dataFile: 'none',
  size: 6 * 2 ** 20 + 512,
  backing: undefined,
  snapshots: 0,
  compressed: false,
  preallocated: false,
  bitmaps: true,
};

describe('a bitmap', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('that records has the bits that QEMU sets (seed %i)', (seed) => {
    const random = seededRandom(seed);
    kitchen.create('disk.qcow2', String(PLAN.size), 'cluster_size=512');
    // A bitmap of 512-byte granularity has three table entries, one of 2 MiB a few bits.
    for (const bits of [9, 12, 16, 21])
      kitchen.img(['bitmap', '--add', '-g', String(2 ** bits), 'disk.qcow2', `b${bits}`]);
    kitchen.img(['bitmap', '--add', '--disable', 'disk.qcow2', 'off']);
    fs.copyFileSync(path, place.path('twin.qcow2'));
    const staged = new StagedImage(path);
    const commands: string[] = [];
    for (let count = 0; count < 12; count++) {
      const operation = randomOperation(PLAN, random, { fallback: true });
      const { tally } = staged.change((context) => applyToEngine(context, operation));
      // QEMU marks the requested range even if nothing changes.
      if (tally.changed) commands.push(qemuIoCommand(operation));
      if (tally.changed) expect(tally.bitmapsMarked).toStrictEqual(['b9', 'b12', 'b16', 'b21']);
    }
    staged.flush();
    staged.close();
    mustQemuIo('twin.qcow2', commands, { cwd: place.folder }, QEMU_IO);
    expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
    expect(bitmapBits(path)).toStrictEqual(bitmapBits(place.path('twin.qcow2')));
    // QEMU reads them, and stores them as it has read them.
    const before = bitmapBits(path);
    mustQemuIo('disk.qcow2', ['write -P 1 0 512'], { cwd: place.folder }, QEMU_IO);
    for (const [name, bits] of bitmapBits(path)) {
      expect(bits).toBe(name === 'off' ? before.get(name) : `1${before.get(name)?.slice(1) ?? ''}`);
    }
  });

  test('that is covered as a whole needs no clusters any more', () => {
    image({ clusterBits: 12, size: '1M' })
      .bitmap('b', { auto: true, granularityBits: 12, dirty: [[0, 4096]] })
      .bitmap('inUse', { auto: true, inUse: true })
      .writeTo(path);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) =>
      writeGuest(context, Buffer.alloc(2 ** 20, 1), guestOffset(0)),
    );
    expect(tally).toMatchObject({ freedClusters: 1, bitmapsMarked: ['b'] });
    staged.flush();
    staged.close();
    expect(bitmapBits(path).get('b')).toBe('1'.repeat(256));
    expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
  });

  test('is not touched where nothing changes', () => {
    image({ clusterBits: 12, size: '1M' }).bitmap('b', { auto: true }).writeTo(path);
    const staged = new StagedImage(path);
    const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
    const operation = { kind: 'zero', start: 0, length: 2 ** 20, options } as const;
    const { tally } = staged.change((context) => applyToEngine(context, operation));
    expect(tally.bitmapsMarked).toStrictEqual([]);
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
  });
});

describe('autoclear bits', () => {
  test('that are unknown are cleared by the first change, known ones stay', () => {
    image({ clusterBits: 12, size: '1M', autoclear: 0xf0n }).bitmap('b', { auto: true }).writeTo(path);
    expect(new RawView(path).autoclear).toBe(0xf1n);
    const staged = new StagedImage(path);
    const none = staged.change((context) => writeGuest(context, new Uint8Array(0), guestOffset(0)));
    expect(none.tally.autoclearBitsCleared).toStrictEqual([]);
    expect(staged.file.isEmpty).toBe(true);
    const { tally } = staged.change((context) => writeGuest(context, Uint8Array.of(1), guestOffset(0)));
    expect(tally.autoclearBitsCleared).toStrictEqual([4, 5, 6, 7]);
    staged.flush();
    staged.close();
    expect(new RawView(path).autoclear).toBe(1n);
  });
});
