/**
 * FAT and exFAT: damaged images end in errors that are told, in time; and a random image that mtools filled, emptied in part
 * and filled again is read as mtools and fsck.fat do; and so is a random exFAT image that fsck.exfat finds clean.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { seededRandom } from '../../support/builder/random';
import { damagedImages, exerciseDamaged } from '../../support/guest/exercise';
import { judgeRandomExfat } from '../../support/guest/exfatRandom';
import { judgeFat } from '../../support/guest/fatJudge';
import { type FatPatient, fatPatients } from '../../support/guest/fatPatients';
import { fillRandomFat, randomFatShape } from '../../support/guest/fatChanges';
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
  const shape = randomFatShape(random);
  tell?.(JSON.stringify(shape));
  try {
    const image = `${folder}/disk.img`;
    fillRandomFat(image, shape, random);
    const files = judgeFat(image, `${folder}/theirs`) + judgeRandomExfat(folder, random);
    return { images: DAMAGED + 2, operations: files };
  } catch (error) {
    throw new Error(JSON.stringify(shape), { cause: error });
  }
}
