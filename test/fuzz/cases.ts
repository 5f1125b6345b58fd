/** Fuzzing cases; each depends only on its number. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { seededRandom } from '../support/builder/random';
import { corpus, NEIGHBOURS, type Seed } from './corpus';
import { exerciseFile, exerciseMemory, type Tell } from './exercise';
import { mutate } from './mutate';

/** One in so many cases is a file on disk with a chain; the others are in memory, which is faster. */
const FILE_EVERY = 4;

export interface Case {
  /** The image of the corpus that it was made from. */
  readonly seedName: string;
  readonly bytes: Buffer;
  readonly dataFile: Buffer | undefined;
  readonly isFile: boolean;
}

let seeds: readonly Seed[] | undefined;

export function makeCase(index: number): Case {
  seeds ??= corpus();
  // Mixed, so that neighbouring cases have nothing in common.
  const random = seededRandom(Math.imul(index + 1, 0x85ebca6b));
  const seed = random.pick(seeds);
  const isFile = random.below(FILE_EVERY) === 0;
  return { seedName: seed.name, bytes: mutate(seed, random), dataFile: seed.dataFile, isFile };
}

/**
 * Runs one case; `tell` hears what came of each question.
 * @param folder for its files, where it has any
 * @throws anything that is not an `EngineError`
 */
export function runCase({ bytes, dataFile, isFile }: Case, folder: string, tell: Tell): void {
  if (!isFile) {
    exerciseMemory(bytes, dataFile, tell);
    return;
  }
  for (const [name, content] of Object.entries(NEIGHBOURS))
    fs.writeFileSync(path.join(folder, name), content());
  if (dataFile !== undefined) fs.writeFileSync(path.join(folder, 'disk.data'), dataFile);
  const image = path.join(folder, 'disk.qcow2');
  fs.writeFileSync(image, bytes);
  exerciseFile(image, tell);
}
