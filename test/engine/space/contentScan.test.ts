/** The content scan: in pieces, and in bounded memory; what it finds is judged in soak. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { guestOffset } from '../../../src/qcow2/units';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { silent, toEnd } from '../../../src/qcow2/progress';
import { type ContentScan, scanContents } from '../../../src/qcow2/space/contentScan';
import type { GuestSet } from '../../../src/qcow2/guestSet';
import { writeGiantImage } from '../../support/giantImages';
import { fill, image } from '../../support/imageBuilder';
import { type Workspace, workspace } from '../../support/workspace';

const TIB = 2 ** 40;
let place: Workspace;

beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

function scanned(mostUnits?: number): ContentScan {
  const chain = openChain(place.path('disk.qcow2'), { followsNames: true });
  try {
    return toEnd(scanContents(chain.layers, chain.top, silent, mostUnits));
  } finally {
    chain.close();
  }
}

const rangesOf = (set: GuestSet): [number, number][] => {
  const ranges: [number, number][] = [];
  set.forEachRange((start, end) => ranges.push([start, end]));
  return ranges;
};

describe('a content scan', () => {
  it.each(['contiguous', 'random'] as const)(
    'of a terabyte pauses every few milliseconds (%s)',
    (pattern) => {
      writeGiantImage(place.path('disk.qcow2'), { size: TIB, pattern });
      const chain = openChain(place.path('disk.qcow2'), { followsNames: true });
      let reads = 0;
      const progress = { ...silent, report: () => reads++ };
      const scanning = scanContents(chain.layers, chain.top, progress);
      let longest = 0;
      let piecesBefore = 0;
      // Of random order, the first window and the filling of the second one.
      for (let isDone = false; !isDone && reads < 2 ** 18 + 2;) {
        // Others may keep the machine busy.
        const started = process.cpuUsage();
        isDone = scanning.next().done === true;
        const { user, system } = process.cpuUsage(started);
        longest = Math.max(longest, (user + system) / 1000);
        if (reads === 0) piecesBefore++;
      }
      chain.close();
      expect(piecesBefore).toBeGreaterThan(2);
      expect(longest).toBeLessThan(50);
    },
  );

  it('takes whole clusters for units where subclusters would be too many', () => {
    const zeroes = fill(0);
    image({ clusterBits: 14, extendedL2: true, size: 16384 * 8 })
      .data(0, 1, zeroes)
      .subclusters(1, 'D.Z', { content: zeroes })
      .data(2, 1, { bytes: Buffer.alloc(600, 1) })
      .subclusters(3, 'D', { content: fill(7) })
      .writeTo(place.path('disk.qcow2'));
    const [fine, coarse] = [scanned(), scanned(1)];
    expect(fine.zeroes.unit).toBe(512);
    expect(fine.zeroes.bytes).toBe(16384 + 11 * 512 + 30 * 512);
    expect(coarse.zeroes.unit).toBe(16384);
    // The third one has other data as well.
    expect(rangesOf(coarse.zeroes)).toEqual([[0, 2 * 16384]]);
    expect(coarse.zeroes.bytes).toBe(fine.zeroes.bytes);
    expect(coarse.scanned).toBe(fine.scanned);
  });

  describe('of clusters of data', () => {
    const CLUSTER = 65536;
    const CLUSTERS = 400;
    const behindZeroes = Buffer.alloc(CLUSTER);
    behindZeroes[CLUSTER - 1] = 1;

    /** Data, zeroes, data that begins with zeroes, and half a cluster of zeroes at the end, in runs of many lengths. */
    const contentOf = (cluster: number): Buffer =>
      [Buffer.alloc(CLUSTER, 7), Buffer.alloc(CLUSTER), behindZeroes][Math.floor(cluster / 7) % 3]!;
    const isZeroAt = (cluster: number): boolean => cluster === CLUSTERS || Math.floor(cluster / 7) % 3 === 1;

    function scan(readsAhead: boolean): { readonly found: ContentScan; readonly readBytes: number } {
      const builder = image({ clusterBits: 16, size: CLUSTERS * CLUSTER + CLUSTER / 2 });
      for (let cluster = 0; cluster < CLUSTERS; cluster++) {
        builder.data(cluster, 1, { bytes: contentOf(cluster) });
      }
      builder.data(CLUSTERS, 1, { bytes: Buffer.alloc(CLUSTER) }).writeTo(place.path('disk.qcow2'));
      const file = openLocalFile(place.path('disk.qcow2'));
      let readBytes = 0;
      const read = file.read.bind(file);
      file.read = (target, offset) => {
        readBytes += target.length;
        read(target, offset);
      };
      if (!readsAhead) file.readAhead = () => false;
      const opened = Qcow2Image.open(file);
      try {
        return { found: toEnd(scanContents([opened], opened, silent)), readBytes };
      } finally {
        opened.close();
      }
    }

    it.runIf(process.platform === 'linux')('reads their beginnings, where the disk can read ahead', () => {
      const { found, readBytes } = scan(true);
      expect(readBytes).toBeLessThan(0.8 * CLUSTERS * CLUSTER);
      const clusters = Array.from({ length: CLUSTERS + 1 }, (_, cluster) => cluster);
      expect(clusters.filter((cluster) => found.zeroes.has(guestOffset(cluster * CLUSTER)))).toEqual(
        clusters.filter(isZeroAt),
      );
    });

    it('reads all of them elsewhere, and finds the same', () => {
      const { found, readBytes } = scan(false);
      expect(readBytes).toBeGreaterThan(CLUSTERS * CLUSTER);
      expect(rangesOf(found.zeroes)).toEqual(rangesOf(scan(true).found.zeroes));
    });
  });
});
