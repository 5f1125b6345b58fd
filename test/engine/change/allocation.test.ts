/** Allocation of new clusters, and their refcounts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Allocator } from '../../../src/qcow2/change/allocator';
import { ClusterBits } from '../../../src/qcow2/clusterSet';
import { TallyCounter } from '../../../src/qcow2/change/tally';
import { writeGuest } from '../../../src/qcow2/change/write';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { image } from '../../support/imageBuilder';
import { Kitchen } from '../../support/matrix/recipe';
import { qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset, hostCluster } from '../../../src/qcow2/units';

let place: Workspace;
let path: string;
beforeEach(() => {
  place = workspace();
  path = place.path('disk.qcow2');
});
afterEach(() => {
  place.remove();
});

describe('refcounts of every width', () => {
  test.each([1, 2, 4, 8, 16, 32, 64])(
    'of %i bits get new blocks and a larger table as the file grows',
    (bits) => {
      new Kitchen(place.folder).create('disk.qcow2', '6M', `cluster_size=512,refcount_bits=${bits}`);
      const staged = new StagedImage(path);
      const content = Buffer.from(Array.from({ length: 6 * 2 ** 20 }, (_, at) => at % 251));
      const { tally } = staged.change((context) => writeGuest(context, content, guestOffset(0)));
      expect(tally.written).toStrictEqual({ clusters: 12288, bytes: content.length });
      expect(tally.refcountTableMoved).toBe(bits >= 32);
      expect(tally.refcountBlocksAdded).toBeGreaterThanOrEqual(Math.floor((12288 * bits) / 4096));
      staged.flush();
      expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
      const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
      const again = staged.change((context) => writeZeroes(context, guestOffset(0), content.length, options));
      expect(again.tally.freedClusters).toBe(12288 + 192);
      staged.flush();
      expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
      staged.close();
    },
  );
});

describe('a free cluster', () => {
  /** Clusters that an allocator hands out one by one on an image with free ones in its middle. */
  function handedOut(count: number, held: ClusterBits, disk: (cluster: number) => number): number[] {
    image({ clusterBits: 12, size: '1M' }).data(0, 4).writeTo(path);
    const staged = new StagedImage(path);
    const context = { ...staged.context, held, disk: { refcountOf: disk } };
    const allocator = new Allocator(context, new TallyCounter());
    const clusters = Array.from({ length: count }, () => allocator.allocate(1));
    staged.close();
    return clusters;
  }

  test('is the lowest one that is free in the staged image, on disk, or in a state that can come back', () => {
    const none = new ClusterBits();
    const [first = 0, ...next] = handedOut(4, none, () => 0);
    expect(next).toStrictEqual([first + 1, first + 2, first + 3]);
    const held = new ClusterBits();
    held.add(hostCluster(first + 1), 2);
    expect(handedOut(2, held, () => 0)).toStrictEqual([first, first + 3]);
    expect(handedOut(2, none, (cluster) => (cluster === first ? 1 : 0))).toStrictEqual([
      first + 1,
      first + 2,
    ]);
  });

  test('comes in runs as long as they are asked for, and what is too short for them is left to others', () => {
    image({ clusterBits: 12, size: '1M' }).data(0, 4).writeTo(path);
    const staged = new StagedImage(path);
    const held = new ClusterBits();
    held.add(hostCluster(20));
    const allocator = new Allocator({ ...staged.context, held }, new TallyCounter());
    expect(allocator.allocate(100)).toBe(21);
    expect(allocator.allocate(1)).toBeLessThan(20);
    expect(allocator.allocate(100)).toBe(121);
    expect(allocator.allocate(3, hostCluster(300))).toBe(300);
    expect(allocator.allocate(3, hostCluster(299))).not.toBe(299);
    staged.close();
  });

  test('is not one that the same change gave up', () => {
    image({ clusterBits: 12, size: '1M' }).data(0, 4).writeTo(path);
    const staged = new StagedImage(path);
    const { refcounts, ...rest } = new Allocator(staged.context, new TallyCounter());
    expect(rest.freed.count).toBe(0);
    const allocator = new Allocator({ ...staged.context, disk: { refcountOf: () => 0 } }, new TallyCounter());
    const first = allocator.allocate(1);
    allocator.release(first);
    expect(allocator.allocate(1)).toBe(first + 1);
    expect(refcounts.get(first)).toBe(0);
    staged.close();
  });
});

describe('refcounts that are wrong', () => {
  test('are refused where one would fall below 0, and nothing is staged', () => {
    const built = image({ clusterBits: 12, size: '1M' }).data(0, 4).writeTo(path);
    const host = built.layout.hostOffsets.get(2) ?? 0;
    const block = built.layout.refcountBlockOffsets[0] ?? 0;
    new Kitchen(place.folder).poke('disk.qcow2', block + (host / 4096) * 2, Uint8Array.of(0, 0));
    const staged = new StagedImage(path);
    const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
    expect(() => staged.change((context) => writeZeroes(context, guestOffset(0), 2 ** 20, options))).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ code: 'refcount.tooLow', offset: host }) as unknown,
      }),
    );
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
  });
});
