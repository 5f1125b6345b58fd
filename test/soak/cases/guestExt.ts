/**
 * ext2, ext3 and ext4: a random image in which debugfs wrote and deleted files, judged by e2fsprogs, and damaged images,
 * of which everything is read that can be.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openExt } from '../../../src/guest/ext/extSystem';
import { type Random, seededRandom } from '../../support/builder/random';
import { FileDevice } from '../../support/guest/devices';
import { damagedImages, exerciseDamaged } from '../../support/guest/exercise';
import { FUZZED, makeFuzzed, makeImage, makeTree, VARIANTS } from '../../support/guest/extImages';
import { randomChanges } from '../../support/guest/extChanges';
import { debugfs, expectAsJudged, folderTree } from '../../support/guest/extJudge';
import type { CasePlace, Counts } from '../kind';

/** Damaged images of a case. */
const DAMAGED = damagedImages(60);

/** Images to be damaged, by their names; made when they are first wanted. */
const prepared = new Map<string, Uint8Array>();

export function guestExt(seed: number, place: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const operations = compareRandom(random, place);
  for (let count = 0; count < DAMAGED; count++) {
    const name = random.pick(Object.keys(FUZZED));
    const bytes = prepared.get(name) ?? makeFuzzed(name, place.folder);
    prepared.set(name, bytes);
    try {
      exerciseDamaged(openExt, bytes, random);
    } catch (error) {
      throw new Error(`${name}, damaged image ${count}`, { cause: error });
    }
  }
  return { images: 1 + DAMAGED, operations };
}

/** @returns files compared */
function compareRandom(random: Random, { folder, tell }: CasePlace): number {
  const variant = random.pick(Object.keys(VARIANTS));
  tell?.(variant);
  const tree = path.join(folder, 'tree');
  fs.mkdirSync(tree);
  makeTree(tree, random, random.below(4) === 0 ? 400 : 20);
  const image = makeImage(variant, folder, tree);
  debugfs(image, randomChanges(random, tree, folder), true);
  const device = new FileDevice(image);
  try {
    return expectAsJudged(image, openExt(device), folderTree(tree));
  } catch (error) {
    throw new Error(variant, { cause: error });
  } finally {
    device.close();
  }
}
