/** What a guest does to a mounted file system: makes, changes, moves and deletes files of many kinds at random. */
import * as fs from 'node:fs';
import type { Random } from '../../builder/random';
import { run } from '../../process';

export interface WorkloadOptions {
  readonly steps: number;
  /** Entries of a folder that is filled at once, and half emptied again. */
  readonly largeFolder: number;
  /** Pieces of a file that is written with holes between them: beyond some, its extents are in a tree. */
  readonly pieces: number;
  readonly hasReflink: boolean;
}

const BLOCK = 4096;
const FOLDERS = ['', 'a', 'a/b', 'a/b/c', 'Ünïcödé', 'x'.repeat(120)];

/** @param root a mount point */
export function workOn(root: string, random: Random, options: WorkloadOptions): void {
  for (const folder of FOLDERS) fs.mkdirSync(`${root}/${folder}`, { recursive: true });
  const guest = new Guest(root, random, options);
  guest.fragment();
  guest.fillLargeFolder();
  for (let step = 0; step < options.steps; step++) guest.step(step);
}

class Guest {
  readonly #root: string;
  readonly #random: Random;
  readonly #options: WorkloadOptions;
  #files: string[] = [];

  constructor(root: string, random: Random, options: WorkloadOptions) {
    this.#root = root;
    this.#random = random;
    this.#options = options;
  }

  /** One file with many pieces, and one that is allocated but written in few places. */
  fragment(): void {
    const file = fs.openSync(`${this.#root}/pieces`, 'w');
    for (let index = 0; index < this.#options.pieces; index++)
      fs.writeSync(file, this.#bytes(1 + this.#random.below(BLOCK)), 0, undefined, index * 2 * BLOCK);
    fs.fsyncSync(file);
    fs.closeSync(file);
    run('fallocate', ['-l', '300k', `${this.#root}/allocated`]);
    const allocated = fs.openSync(`${this.#root}/allocated`, 'r+');
    for (let index = 0; index < 5; index++)
      fs.writeSync(allocated, this.#bytes(5000), 0, undefined, index * 60_000);
    fs.closeSync(allocated);
    fs.closeSync(fs.openSync(`${this.#root}/sparse`, 'w'));
    fs.truncateSync(`${this.#root}/sparse`, 2 ** 40 + 5);
    const sparse = fs.openSync(`${this.#root}/sparse-start`, 'w');
    fs.writeSync(sparse, this.#bytes(100), 0, undefined, 0);
    fs.writeSync(sparse, this.#bytes(100), 0, undefined, 900_000);
    fs.closeSync(sparse);
  }

  fillLargeFolder(): void {
    const { largeFolder } = this.#options;
    if (largeFolder === 0) return;
    const folder = `${this.#root}/large`;
    fs.mkdirSync(folder);
    for (let index = 0; index < largeFolder; index++)
      fs.closeSync(fs.openSync(`${folder}/entry with a longer name ${index}`, 'w'));
    // Whole blocks become free in the middle, and single entries everywhere.
    for (let index = 0; index < largeFolder; index++)
      if (index % 3 === 1 || (index > largeFolder / 3 && index < largeFolder / 2))
        fs.unlinkSync(`${folder}/entry with a longer name ${index}`);
  }

  step(step: number): void {
    const random = this.#random;
    const path = `${this.#root}/${random.pick(FOLDERS)}/${random.pick(['file', 'Ä', 'n'.repeat(1 + random.below(200))])}-${step}`;
    switch (random.below(14)) {
      case 0:
        fs.symlinkSync('to/'.repeat(341).slice(0, 1 + random.below(random.pick([60, 400, 1020]))), path);
        return;
      case 1:
        fs.mkdirSync(path);
        return;
      case 2:
        run('mknod', [path, ...random.pick([['p'], ['c', '1', '3'], ['b', '7', '9']])]);
        return;
      case 3:
        this.#delete();
        this.#delete();
        return;
      case 4:
        this.#change();
        return;
      case 5:
        this.#withFile((other) => {
          fs.linkSync(other, path);
          this.#files.push(path);
        });
        return;
      case 6:
        this.#withFile((other) => {
          const mode = this.#options.hasReflink ? fs.constants.COPYFILE_FICLONE_FORCE : 0;
          fs.copyFileSync(other, path, mode);
          this.#files.push(path);
        });
        return;
      default:
        fs.writeFileSync(path, this.#bytes(random.below(random.pick([10, 3000, 20_000, 200_000]))));
        fs.chmodSync(path, random.below(0o10000));
        fs.chownSync(path, random.below(70_000), random.below(2 ** 31));
        this.#files.push(path);
    }
  }

  #change(): void {
    const random = this.#random;
    this.#withFile((path) => {
      const file = fs.openSync(path, 'r+');
      for (let index = random.below(4); index >= 0; index--)
        fs.writeSync(file, this.#bytes(1 + random.below(9000)), 0, undefined, random.below(400_000));
      if (random.below(3) === 0) fs.ftruncateSync(file, random.below(500_000));
      fs.closeSync(file);
      if (random.below(3) === 0)
        run('fallocate', ['-p', '-o', String(random.below(50_000)), '-l', '30000', path]);
      if (random.below(4) === 0) run('fallocate', ['-n', '-l', '600k', path]);
      if (random.below(4) === 0)
        run('setfattr', ['-n', 'user.note', '-v', 'v'.repeat(1 + random.below(3000)), path]);
      // Before 1970, and where timestamps may be big, after 2038.
      if (random.below(4) === 0) fs.utimesSync(path, 1, random.pick([-1000.5, 2 ** 31 - 2, 2 ** 32 + 0.25]));
    });
  }

  #delete(): void {
    const index = this.#random.below(this.#files.length);
    const path = this.#files[index];
    if (path === undefined) return;
    fs.unlinkSync(path);
    this.#files = this.#files.filter((other) => other !== path);
  }

  #withFile(action: (path: string) => void): void {
    if (this.#files.length > 0) action(this.#random.pick(this.#files));
  }

  /** Compressible, but nowhere the same for long. */
  #bytes(length: number): Buffer {
    return Buffer.alloc(length, `${this.#random.below(1_000_000)} `);
  }
}
