/** One fuzzing case after another, each made from the run's seed and its own number alone. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { seededRandom } from '../support/builder/random';
import { corpus, NEIGHBOURS, type Seed } from './corpus';
import { exerciseFile, exerciseMemory, type Tell } from './exercise';
import { mutate } from './mutate';

/** Longest time one case may take, in milliseconds. */
export const TIME_LIMIT = 2000;
/** Every so many cases one is a file on disk with a chain; the others are in memory, which is faster. */
const FILE_EVERY = 4;

export interface Case {
  readonly seedName: string;
  readonly bytes: Buffer;
  readonly dataFile: Buffer | undefined;
  readonly isFile: boolean;
}

export interface Fault {
  readonly index: number;
  readonly seedName: string;
  /** What happened: an error with its stack, or how long it took. */
  readonly what: string;
}

export class Fuzzer {
  readonly #seeds: readonly Seed[];

  /** @param folder an empty folder that the cases' files go into */
  constructor(
    readonly seed: number,
    readonly folder: string,
  ) {
    this.#seeds = corpus();
    for (const [name, content] of Object.entries(NEIGHBOURS))
      fs.writeFileSync(path.join(folder, name), content());
  }

  make(index: number): Case {
    // Mixed, so that neighbouring runs and cases have nothing in common.
    const random = seededRandom(Math.imul(this.seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
    const seed = random.pick(this.#seeds);
    const isFile = random.below(FILE_EVERY) === 0;
    return { seedName: seed.name, bytes: mutate(seed, random), dataFile: seed.dataFile, isFile };
  }

  /** Runs one case; `tell` hears what came of each question. */
  run(index: number, tell: Tell = () => undefined): Fault | undefined {
    const made = this.make(index);
    const started = performance.now();
    try {
      if (made.isFile) this.#runFile(made, tell);
      else exerciseMemory(made.bytes, made.dataFile, tell);
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { index, seedName: made.seedName, what };
    }
    const took = performance.now() - started;
    if (took < TIME_LIMIT) return undefined;
    return {
      index,
      seedName: made.seedName,
      what: `took ${Math.round(took)} ms, at most ${TIME_LIMIT} allowed`,
    };
  }

  #runFile({ bytes, dataFile }: Case, tell: Tell): void {
    const image = path.join(this.folder, 'disk.qcow2');
    fs.writeFileSync(image, bytes);
    if (dataFile !== undefined) fs.writeFileSync(path.join(this.folder, 'disk.data'), dataFile);
    exerciseFile(image, tell);
  }
}
