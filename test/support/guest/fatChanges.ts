/** Random FAT images with files in the gaps of deleted ones, by mtools. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Random } from '../builder/random';
import { copyIn, type FatShape, makeFat, makeTree, tool } from './fatTools';

export function randomFatShape(random: Random): FatShape {
  const bits = random.pick([12, 16, 32] as const);
  const sectorSize = random.pick([512, 512, 1024, 2048, 4096]);
  const perCluster = random.pick([1, 1, 2, 4, 8]);
  const clusters = {
    12: 300 + random.below(3700),
    16: 4300 + random.below(20_000),
    32: 66_000 + random.below(9000),
  }[bits];
  const mebibytes = Math.max(1, Math.ceil((clusters * sectorSize * perCluster) / 1024 / 1024));
  // Rounding up may make it another type than asked for.
  const most = { 12: 3900, 16: 64_000, 32: Infinity }[bits];
  const isType = (mebibytes * 1024 * 1024) / (sectorSize * perCluster) < most;
  return isType
    ? { bits, mebibytes, sectorSize, perCluster, copies: 1 + random.below(2) }
    : randomFatShape(random);
}

/** Makes a file system that files were written to, deleted from, and written to again. */
export function fillRandomFat(image: string, shape: FatShape, random: Random): void {
  const folder = path.dirname(image);
  makeFat(image, shape, random.pick(['', 'LABEL', 'TWO WORDS']));
  const room = shape.mebibytes * 1024 * 1024;
  const fill = (name: string, files: number, share: number): void => {
    makeTree(`${folder}/${name}`, random, files, Math.min(200_000, (room / files) * share));
    copyIn(image, `${folder}/${name}`, '::/', true);
    fs.rmSync(`${folder}/${name}`, { recursive: true });
  };
  fill('first', 30 + random.below(120), 1);
  deleteSome(image, random);
  // Some are full then.
  fill('second', 20 + random.below(60), random.pick([1, 1, 8]));
  if (random.below(2) === 0) deleteSome(image, random);
}

/** What is written afterwards lies in the gaps. */
function deleteSome(image: string, random: Random): void {
  const names = tool('mdir', ['-b', '-/', '-a', '-i', image, '::/']).split('\n');
  const files = names.filter((name) => name !== '' && !name.endsWith('/'));
  const gone = random.shuffled(files).slice(0, random.below(files.length));
  if (gone.length > 0) tool('mdel', ['-i', image, ...gone]);
}
