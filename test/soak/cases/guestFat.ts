/**
 * FAT and exFAT: damaged images end in errors that are told, in time; and a random image that mtools filled, emptied in part
 * and filled again is read as mtools and fsck.fat do; and so is a random exFAT image that fsck.exfat finds clean.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { seededRandom, type Random } from '../../support/builder/random';
import { damagedImages, exerciseDamaged } from '../../support/guest/exercise';
import { judgeRandomExfat } from '../../support/guest/exfatRandom';
import { judgeFat } from '../../support/guest/fatJudge';
import { type FatPatient, fatPatients } from '../../support/guest/fatPatients';
import { copyIn, type FatShape, makeFat, makeTree, tool } from '../../support/guest/fatTools';
import type { CasePlace, Counts } from '../kind';

const DAMAGED = damagedImages(100);

let everybody: readonly FatPatient[] | undefined;

export function guestFat(seed: number, { folder, tell }: CasePlace): Counts {
  everybody ??= fatPatients(fs.mkdtempSync(path.join(folder, 'patients-')));
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  for (let count = 0; count < DAMAGED; count++) {
    const { name, bytes, open } = random.pick(everybody);
    tell?.(`${count}: ${name}`);
    try {
      exerciseDamaged(open, bytes, random);
    } catch (error) {
      throw new Error(`${name}, damaged image ${count}`, { cause: error });
    }
  }
  const shape = randomShape(random);
  tell?.(JSON.stringify(shape));
  try {
    const files = randomImage(folder, shape, random) + judgeRandomExfat(folder, random);
    return { images: DAMAGED + 2, operations: files };
  } catch (error) {
    throw new Error(JSON.stringify(shape), { cause: error });
  }
}

function randomShape(random: Random): FatShape {
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
    : randomShape(random);
}

/** @returns how many files were compared */
function randomImage(folder: string, shape: FatShape, random: Random): number {
  const image = `${folder}/disk.img`;
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
  return judgeFat(image, `${folder}/theirs`);
}

/** What is written afterwards lies in the gaps. */
function deleteSome(image: string, random: Random): void {
  const names = tool('mdir', ['-b', '-/', '-a', '-i', image, '::/']).split('\n');
  const files = names.filter((name) => name !== '' && !name.endsWith('/'));
  const gone = random.shuffled(files).slice(0, random.below(files.length));
  if (gone.length > 0) tool('mdel', ['-i', image, ...gone]);
}
