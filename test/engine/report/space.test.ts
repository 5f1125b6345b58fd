/** Where the bytes of an image are, judged by what QEMU frees when something is given up. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checkImage } from '../../../src/qcow2/check/checkImage';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { HostLayout } from '../../../src/qcow2/map/hostLayout';
import { silent } from '../../../src/qcow2/progress';
import {
  spaceReport,
  type SpaceKind,
  type SpaceReport,
  type SpaceRow,
} from '../../../src/qcow2/report/spaceReport';
import { buildPlan, imagePlan } from '../../support/arbitraryImage';
import { seededRandom } from '../../support/builder/random';
import { damage, patients } from '../../support/damage';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace } from '../../support/workspace';

const files = workspace();
afterAll(() => {
  files.remove();
});

function withImage<T>(path: string, use: (image: Qcow2Image) => T): T {
  const file = openLocalFile(path);
  try {
    return use(Qcow2Image.open(file));
  } finally {
    file.close();
  }
}

const reportOn = (path: string): SpaceReport =>
  withImage(path, (image) => spaceReport(HostLayout.of(image, silent), silent));

const rowOf = ({ rows }: SpaceReport, kind: SpaceKind): SpaceRow =>
  rows.find((row) => row.kind === kind) ?? { kind, bytes: 0, allocated: 0, reclaimable: 0 };

/** Bytes of clusters whose refcount is not 0. */
const inUse = (path: string): number =>
  withImage(path, (image) => {
    const { header, file, refcounts } = image;
    const clusters = Math.ceil(file.size / header.clusterSize);
    return refcounts.countUsed(clusters as never, Infinity) * header.clusterSize;
  });

function create(name: string, options: string, size: string, ...writes: string[]): string {
  const path = files.path(name);
  mustQemuImg(['create', '-q', '-f', 'qcow2', ...(options === '' ? [] : ['-o', options]), path, size]);
  mustQemuIo(path, writes);
  return path;
}

describe('the report of space', () => {
  it('has a row for every part of the file', () => {
    const path = create(
      'parts.qcow2',
      '',
      '64M',
      'write -P 1 0 8M',
      'write -c -P 2 16M 64k',
      'write -z 0 1M',
      'discard 4M 1M',
    );
    mustQemuImg(['bitmap', '--add', path, 'b0']);
    const report = reportOn(path);
    expect(report.length).toBe(readFileSync(path).length);
    expect(rowOf(report, 'data').bytes).toBe(6 * 2 ** 20);
    expect(rowOf(report, 'zeroAllocated')).toMatchObject({ bytes: 2 ** 20, reclaimable: 2 ** 20 });
    // The bitmap has taken two of the clusters that were discarded.
    const free = 2 ** 20 - 2 * 2 ** 16;
    expect(rowOf(report, 'free')).toMatchObject({ bytes: free, reclaimable: free });
    expect(report.rows.map(({ kind }) => kind)).toEqual([
      'data',
      'zeroAllocated',
      'compressed',
      'header',
      'refcountTable',
      'refcountBlocks',
      'l1Table',
      'l2Tables',
      'bitmaps',
      'free',
    ]);
  });

  it('tells what the host has allocated', () => {
    const path = create('holes.qcow2', 'preallocation=metadata', '64M', 'write -P 1 1M 2M');
    const report = reportOn(path);
    expect(rowOf(report, 'data')).toMatchObject({ bytes: 64 * 2 ** 20, allocated: 2 * 2 ** 20 });
  });

  it('has VM state past the end of the disk apart', () => {
    const path = create('state.qcow2', 'cluster_size=512', '256k', 'write -P 1 0 256k');
    const bytes = readFileSync(path);
    bytes.writeBigUInt64BE(128n * 1024n, 24);
    writeFileSync(path, bytes);
    const report = reportOn(path);
    // Four L2 tables are among them.
    expect(rowOf(report, 'vmState')).toMatchObject({ bytes: 128 * 1024 + 4 * 512 });
    expect(rowOf(report, 'data').bytes).toBe(128 * 1024);
    mustQemuImg(['snapshot', '-c', 'one', path]);
    mustQemuIo(path, ['write -P 2 0 512']);
    expect(rowOf(reportOn(path), 'vmState').bytes).toBeLessThanOrEqual(128 * 1024 + 4 * 512);
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'says what a snapshot holds alone: that is what its deletion frees (%d)',
    (seed) => {
      const random = seededRandom(seed + 7000);
      const between = (low: number, high: number): number => low + random.below(high - low);
      const clusterSize = [512, 4096, 65536][seed % 3] ?? 512;
      const disk = clusterSize * 256;
      const extended = seed % 4 === 3 && clusterSize >= 16384 ? ',extended_l2=on' : '';
      const path = create(`snapshots-${seed}.qcow2`, `cluster_size=${clusterSize}${extended}`, String(disk));
      for (let round = 0; round < 4; round++) {
        const writes = Array.from({ length: between(2, 8) }, () => {
          const at = between(0, 240);
          const count = between(1, 12);
          const verb = ['write -P 5', 'write -P 6', 'write -c -P 7', 'write -z', 'write -z -u', 'discard'][
            between(0, 6)
          ];
          const length = verb === 'write -c -P 7' ? clusterSize : count * clusterSize;
          return `${verb ?? 'write'} ${at * clusterSize} ${length}`;
        });
        mustQemuIo(path, writes);
        mustQemuImg(['snapshot', '-c', `s${round}`, path]);
      }
      mustQemuIo(path, [`write -P 9 0 ${32 * clusterSize}`]);
      const report = reportOn(path);
      expect(report.rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.length);
      for (const { name, bytes } of report.snapshots) {
        const copy = files.path(`copy-${seed}-${name}.qcow2`);
        copyFileSync(path, copy);
        mustQemuImg(['snapshot', '-d', name, copy]);
        expect(inUse(path) - inUse(copy)).toBe(bytes);
      }
    },
  );

  it('counts fragmentation as the check does', () => {
    fc.assert(
      fc.property(imagePlan, (plan) => {
        const image = Qcow2Image.open(new MemoryFile('disk.qcow2', buildPlan(plan).build().toBuffer()));
        const { allocatedClusters, fragmentedClusters, compressedClusters } = checkImage(image);
        expect(spaceReport(HostLayout.of(image, silent), silent)).toMatchObject({
          allocatedClusters,
          fragmentedClusters,
          compressedClusters,
        });
      }),
      { numRuns: 300, seed: 4711 },
    );
  });

  it('adds up to the length of the file, whatever is wrong with the image', () => {
    const random = seededRandom(4711);
    const all = patients();
    for (let round = 0; round < 150; round++) {
      const patient = all[round % all.length];
      if (patient === undefined) continue;
      const path = files.path('damaged.qcow2');
      writeFileSync(path, damage(patient, random).bytes);
      const opened = withImage(path, (image) => image.faults.every(({ blocks }) => blocks !== 'repair'));
      if (!opened) continue;
      const report = reportOn(path);
      expect(report.rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.length);
      const leaks = withImage(path, (image) => checkImage(image).leaks);
      if (leaks > 0) expect(report.rows.length).toBeGreaterThan(1);
    }
  });
});
