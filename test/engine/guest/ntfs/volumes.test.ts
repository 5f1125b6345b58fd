/** Volumes of all kinds of sizes, made at test time, against wimlib and NTFS-3G. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNtfs } from '../../../../src/guest/ntfs/ntfs';
import { silent } from '../../../../src/qcow2/progress';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import {
  fillVolume,
  judgedFree,
  judgedTree,
  makeFolder,
  makeVolume,
  readTree,
  volumeInfo,
  type VolumePlan,
} from '../../../support/guest/ntfs';
import { freeOf } from '../../../support/guest/tree';
import { run } from '../../../support/process';
import { type Workspace, workspace } from '../../../support/workspace';

const MIB = 1024 * 1024;

const VOLUMES: readonly (VolumePlan & { readonly files: number })[] = [
  { cluster: 512, size: 48 * MIB, files: 150 },
  { cluster: 1024, size: 48 * MIB, files: 150 },
  { cluster: 2048, size: 48 * MIB, files: 150 },
  { cluster: 4096, size: 48 * MIB, files: 200, label: 'Ein Name: žluť 😀' },
  { cluster: 8192, size: 64 * MIB, files: 150 },
  { cluster: 65_536, size: 256 * MIB, files: 150 },
  { cluster: 2 * MIB, size: 2048 * MIB, files: 100 },
  { sector: 4096, cluster: 4096, size: 64 * MIB, files: 150 },
  { sector: 1024, cluster: 4096, size: 64 * MIB + 512, files: 100 },
];

let place: Workspace;
beforeAll(() => (place = workspace()));
afterAll(() => {
  place.remove();
});

describe.each(VOLUMES)('A volume with clusters of $cluster bytes, sectors of $sector', (plan) => {
  const image = (): string => place.path(`${plan.cluster}-${plan.sector}.img`);
  beforeAll(() => {
    const folder = place.path(`${plan.cluster}-${plan.sector}`);
    fs.mkdirSync(folder);
    makeFolder(folder, seededRandom(plan.cluster! + plan.files), plan.files);
    makeVolume(image(), plan);
    fillVolume(image(), folder);
    fs.rmSync(folder, { recursive: true });
  });
  const opened = () => openNtfs(new FileDevice(image(), plan.sector));

  test('has the files that wimlib finds, with their contents, times and links', () => {
    const tree = judgedTree(image());
    expect(tree.size).toBe(plan.files);
    expect(readTree(opened())).toEqual(tree);
  });

  test('has the free clusters that ntfscat and ntfsinfo find, and is believed', () => {
    const system = opened();
    const { clusterSize, clusters, freeClusters } = volumeInfo(image());
    expect(system.doubts).toEqual([]);
    expect(freeOf(system)).toEqual(judgedFree(image()));
    expect(system.blockSize).toBe(clusterSize);
    expect(Math.floor(system.size / clusterSize)).toBe(clusters);
    expect(system.used(silent)).toBe((clusters - freeClusters) * clusterSize);
  });

  test('has the label and the serial number that blkid prints', () => {
    const system = opened();
    const { stdout } = run('blkid', ['-p', '-o', 'export', image()]);
    expect(String(stdout)).toContain(`\nUUID=${system.uuid}\n`);
    expect(system.label).toBe(plan.label ?? '');
  });
});
