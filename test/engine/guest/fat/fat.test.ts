/** FAT12, FAT16 and FAT32 in many shapes, compared with what mtools and fsck.fat say. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFat } from '../../../../src/guest/fat/fat';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import { judgeFat } from '../../../support/guest/fatJudge';
import {
  checkFat,
  copyIn,
  type FatShape,
  freeByHand,
  makeFat,
  makeTree,
  someBytes,
  tool,
} from '../../../support/guest/fatTools';
import { freeOf } from '../../../support/guest/tree';
import { workspace, type Workspace } from '../../../support/workspace';

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

const SHAPES: FatShape[] = [
  { bits: 12, mebibytes: 2, sectorSize: 512, perCluster: 1, copies: 2 },
  { bits: 12, mebibytes: 12, sectorSize: 512, perCluster: 8, copies: 1 },
  { bits: 12, mebibytes: 16, sectorSize: 4096, perCluster: 4, copies: 2 },
  { bits: 16, mebibytes: 9, sectorSize: 512, perCluster: 2, copies: 2 },
  { bits: 16, mebibytes: 64, sectorSize: 512, perCluster: 16, copies: 1 },
  { bits: 16, mebibytes: 32, sectorSize: 2048, perCluster: 1, copies: 2 },
  { bits: 16, mebibytes: 64, sectorSize: 4096, perCluster: 2, copies: 2 },
  { bits: 32, mebibytes: 40, sectorSize: 512, perCluster: 1, copies: 2 },
  { bits: 32, mebibytes: 300, sectorSize: 512, perCluster: 8, copies: 1 },
  { bits: 32, mebibytes: 80, sectorSize: 1024, perCluster: 1, copies: 2 },
  { bits: 32, mebibytes: 2300, sectorSize: 4096, perCluster: 8, copies: 2 },
];

test.each(SHAPES)(
  'all files of FAT$bits with sectors of $sectorSize and clusters of $perCluster are as mtools copies them',
  (shape) => {
    const random = seededRandom(shape.bits * shape.sectorSize + shape.perCluster);
    const [image, source] = [place.path('disk.img'), place.path('source')];
    makeFat(image, shape, 'A LABEL');
    makeTree(source, random, 130, 20_000);
    copyIn(image, source);
    expect(judgeFat(image, place.path('theirs'))).toBeGreaterThan(100);
    const device = new FileDevice(image);
    const { label, uuid } = openFat(device);
    device.close();
    expect(label).toBe('A LABEL');
    expect(tool('blkid', ['-p', '-o', 'value', '-s', 'UUID', image]).trim()).toBe(uuid);
  },
);

test('a FAT32 of few clusters is told by its boot sector, as fsck.fat and Linux do', () => {
  const image = place.path('disk.img');
  makeFat(image, { bits: 32, mebibytes: 4, sectorSize: 512, perCluster: 2, copies: 2 }, 'SMALL');
  const device = new FileDevice(image);
  const system = openFat(device);
  const report = checkFat(image);
  expect([system.kind, system.label, report.bits]).toEqual(['FAT32', 'SMALL', 32]);
  expect(freeOf(system)).toEqual(freeByHand(image, report));
  device.close();
});

test('files in pieces are read, and their pieces told', () => {
  const [image, source] = [place.path('disk.img'), place.path('source')];
  makeFat(image, { bits: 16, mebibytes: 4, sectorSize: 512, perCluster: 1, copies: 2 }, '');
  fs.mkdirSync(source);
  for (let number = 0; number < 40; number++) fs.writeFileSync(`${source}/small${number}`, 'x'.repeat(1000));
  copyIn(image, source);
  tool('mdel', ['-i', image, ...Array.from({ length: 20 }, (_, index) => `::/small${2 * index}`)]);
  // More than what is free at the end: the rest lies in the gaps.
  const { clusters, usedClusters } = checkFat(image);
  fs.writeFileSync(`${source}/large`, someBytes(seededRandom(1), (clusters - usedClusters - 3) * 512));
  tool('mcopy', ['-i', image, `${source}/large`, '::/']);
  expect(judgeFat(image, place.path('theirs'))).toBe(21);
  const device = new FileDevice(image);
  const system = openFat(device);
  const large = system.list(0).entries.find(({ name }) => name === 'large')!;
  const extents = [...system.extents(large.id)];
  expect(extents.length).toBeGreaterThan(15);
  // As mshowfat tells them: <first-last> in clusters.
  const told = tool('mshowfat', ['-i', image, '::/large']);
  expect(
    [...told.matchAll(/<(\d+)(?:-(\d+))?>/g)].map(
      ([, first, last = first]) => Number(last) - Number(first) + 1,
    ),
  ).toEqual(extents.map(({ length }) => length / 512));
  device.close();
});
