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
  debugfs(image, changes(random, tree, folder), true);
  const device = new FileDevice(image);
  try {
    return expectAsJudged(image, openExt(device), folderTree(tree));
  } catch (error) {
    throw new Error(variant, { cause: error });
  } finally {
    device.close();
  }
}

/** Makes random changes to a folder of this machine. @returns the commands that make the same ones in an image */
function changes(random: Random, tree: string, folder: string): string[] {
  const commands: string[] = [];
  const files: string[] = [];
  const folders = [''];
  const write = (bytes: number): void => {
    const source = path.join(folder, `source ${commands.length}`);
    const at = `${random.pick(folders)}new${commands.length}`;
    fs.writeFileSync(source, Buffer.alloc(bytes, `${at} `));
    fs.copyFileSync(source, path.join(tree, at));
    commands.push(`write "${source}" "${at}"`);
    files.push(at);
  };
  const remove = (): void => {
    const at = random.pick(files);
    files.splice(files.indexOf(at), 1);
    fs.rmSync(path.join(tree, at));
    commands.push(`rm "${at}"`);
  };
  for (let count = 10 + random.below(60); count > 0; count--) {
    const kind = random.below(10);
    if (kind < 4) write(random.below(random.pick([70, 5000, 50_000])));
    else if (kind < 7 && files.length > 0) remove();
    else if (kind === 7) {
      const at = `${random.pick(folders)}folder${commands.length}`;
      fs.mkdirSync(path.join(tree, at));
      commands.push(`mkdir "${at}"`);
      folders.push(`${at}/`);
    } else if (kind === 8) {
      const at = `${random.pick(folders)}link${commands.length}`;
      const target = 't'.repeat(1 + random.below(150));
      fs.symlinkSync(target, path.join(tree, at));
      commands.push(`symlink "${at}" ${target}`);
    } else if (files.length > 0) {
      // `ln` does not make room: a new folder has some.
      const [from, folderOfLink] = [random.pick(files), `${random.pick(folders)}links${commands.length}`];
      const to = `${folderOfLink}/hard`;
      fs.mkdirSync(path.join(tree, folderOfLink));
      fs.linkSync(path.join(tree, from), path.join(tree, to));
      commands.push(`mkdir "${folderOfLink}"`, `ln "${from}" "${to}"`, `sif "${from}" links_count 2`);
      files.splice(files.indexOf(from), 1);
    }
  }
  // A large file goes where small ones were: into fragments.
  const first = files.length;
  for (let count = random.below(150); count > 0; count--) write(1 + random.below(6000));
  for (const at of files.slice(first).filter((_, index) => index % 2 === 0)) {
    fs.rmSync(path.join(tree, at));
    commands.push(`rm "${at}"`);
    files.splice(files.indexOf(at), 1);
  }
  write(random.below(2_000_000));
  // A hole at the end.
  const last = files.at(-1)!;
  const size = fs.statSync(path.join(tree, last)).size + random.below(100_000);
  if (size > 4096) {
    fs.truncateSync(path.join(tree, last), size);
    commands.push(`sif "${last}" size ${size}`, `sif "${last}" mtime 2040010203${10 + random.below(50)}`);
  }
  return commands;
}
