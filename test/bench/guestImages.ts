/** Disks with many files and with much free space, for the bench of looking into them. Made once, kept in its cache folder. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { must } from '../support/process';
import { mustQemuImg } from '../support/qemu';

const EDITION = 1;
const MINUTES = 60_000;
/** Entries of the large folder, which is one of those in the root. */
export const LARGE_FOLDER = 10_000;
export const FILES = 300_000;
const PER_FOLDER = 1_000;
/** Bytes of the file that is read through. */
export const LONG_FILE = 2 ** 30;
const TIB = 2 ** 40;

/** Of each kind an image with `FILES` files; `large` has a tenth of the thousands in one folder. */
export const CROWDED = ['ext4', 'XFS', 'NTFS'] as const;
export type Crowded = (typeof CROWDED)[number];

/** File systems of 8 TiB: as they are made, and one of which each group has a bitmap that is read. */
export const SPACIOUS = ['ext4, fresh', 'ext4, all bitmaps', 'XFS, fresh', 'NTFS, fresh'] as const;
export type Spacious = (typeof SPACIOUS)[number];

export class GuestImages {
  readonly #cache: string;

  /** @param cache a folder that may be deleted at any time */
  constructor(cache: string) {
    fs.mkdirSync(cache, { recursive: true });
    this.#cache = cache;
  }

  crowded(kind: Crowded): string {
    return this.#once(`crowded-${kind}`, (raw) => {
      if (kind === 'XFS') makeCrowdedXfs(raw);
      else
        withTree((tree) => {
          if (kind === 'ext4')
            must(
              'mke2fs',
              ['-q', '-F', '-t', 'ext4', '-N', String(FILES + 1000), '-d', tree, raw, '2G'],
              LONG,
            );
          else makeCrowdedNtfs(raw, tree);
        });
    });
  }

  spacious(kind: Spacious): string {
    return this.#once(`8-tib-${kind.replace(', ', '-').replaceAll(' ', '-')}`, (raw) => {
      const lazy = ['-N', '1000000', '-E', 'lazy_itable_init=1,lazy_journal_init=1'];
      // Without checksums each bitmap is written, and counts.
      const features = kind === 'ext4, fresh' ? [] : ['-O', '^metadata_csum,^uninit_bg'];
      sparse(raw, 8 * TIB);
      if (kind.startsWith('ext4'))
        must('mke2fs', ['-q', '-F', '-t', 'ext4', ...lazy, ...features, raw], LONG);
      else if (kind.startsWith('XFS')) must('mkfs.xfs', ['-q', '-f', '-l', 'size=64m', raw], LONG);
      else must('mkntfs', ['-F', '-q', '-Q', '-c', '4096', raw], LONG);
    });
  }

  /** ext4 with one file, `/long`. */
  get long(): string {
    return this.#once('long', (raw) => {
      const tree = `${raw}.tree`;
      fs.mkdirSync(tree, { recursive: true });
      const file = fs.openSync(path.join(tree, 'long'), 'w');
      const piece = Buffer.alloc(2 ** 20, 'what the file holds. ');
      for (let at = 0; at < LONG_FILE; at += piece.length) {
        piece.writeDoubleLE(at, 0);
        fs.writeSync(file, piece);
      }
      fs.closeSync(file);
      must('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, raw, '1200M'], LONG);
      fs.rmSync(tree, { recursive: true });
    });
  }

  #once(name: string, write: (raw: string) => void): string {
    const file = path.join(this.#cache, `guest-${name}-${EDITION}.qcow2`);
    if (fs.existsSync(file)) return file;
    console.log(`making ${path.basename(file)}`);
    const raw = `${file}.raw`;
    fs.rmSync(raw, { force: true });
    write(raw);
    mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', raw, `${file}.part`], LONG);
    fs.rmSync(raw);
    fs.renameSync(`${file}.part`, file);
    return file;
  }
}

const LONG = { timeout: 20 * MINUTES };

function sparse(file: string, size: number): void {
  fs.closeSync(fs.openSync(file, 'w'));
  fs.truncateSync(file, size);
}

/** Names of the folders in the root, each with how many files it has. */
function folders(): [string, number][] {
  const count = (FILES - LARGE_FOLDER) / PER_FOLDER;
  const small = Array.from({ length: count }, (_, index): [string, number] => [
    `folder ${index}`,
    PER_FOLDER,
  ]);
  return [['large', LARGE_FOLDER], ...small];
}

const fileName = (index: number): string => `a file of the usual kind ${index}.txt`;
const CONTENT = 'what a small file holds\n'.repeat(30);

/** A folder of this machine, in memory where there is some. */
function withTree(use: (tree: string) => void): void {
  const tree = fs.mkdtempSync(`${fs.existsSync('/dev/shm') ? '/dev/shm' : '/tmp'}/qcow2-bench-`);
  try {
    for (const [folder, count] of folders()) {
      fs.mkdirSync(path.join(tree, folder));
      for (let index = 0; index < count; index++)
        fs.writeFileSync(path.join(tree, folder, fileName(index)), CONTENT);
    }
    use(tree);
  } finally {
    fs.rmSync(tree, { recursive: true });
  }
}

/** By a list of all files, which needs no folder to copy from. */
function makeCrowdedXfs(raw: string): void {
  const [list, content] = [`${raw}.list`, `${raw}.content`];
  fs.writeFileSync(content, CONTENT);
  // A name ends at a space there.
  const lines = folders().flatMap(([folder, count]) => [
    `${folder.replaceAll(' ', '-')} d--755 0 0`,
    ...Array.from(
      { length: count },
      (_, index) => `${fileName(index).replaceAll(' ', '-')} ---644 0 0 ${content}`,
    ),
    '$',
  ]);
  fs.writeFileSync(list, ['/none', '0 0', 'd--755 0 0', ...lines, '$', ''].join('\n'));
  sparse(raw, 3 * 2 ** 30);
  must('mkfs.xfs', ['-q', '-f', '-p', list, raw], LONG);
  for (const file of [list, content]) fs.rmSync(file);
}

function makeCrowdedNtfs(raw: string, tree: string): void {
  sparse(raw, 3 * 2 ** 30);
  must('mkntfs', ['-F', '-q', '-Q', raw], LONG);
  const archive = `${raw}.wim`;
  must('wimlib-imagex', ['capture', '--quiet', '--norpfix', '--compress=none', tree, archive], LONG);
  must('wimlib-imagex', ['apply', '--quiet', archive, raw], LONG);
  fs.rmSync(archive);
}
