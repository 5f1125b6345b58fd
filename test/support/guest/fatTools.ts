/** FAT images made and judged by dosfstools and mtools. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createHash } from 'node:crypto';
import type { Random } from '../builder/random';
import { run } from '../process';
import type { TreeFile } from './tree';

export interface FatShape {
  readonly bits: 12 | 16 | 32;
  readonly mebibytes: number;
  readonly sectorSize: number;
  readonly perCluster: number;
  readonly copies: number;
}

/** Code page 437 instead of mtools' own default. */
const MTOOLS = { MTOOLSRC: path.join(import.meta.dirname, 'mtoolsrc') };

/** @throws Error with what the program says, where it fails */
export function tool(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = run(program, args, { env: MTOOLS, timeout: 60_000 });
  if (status !== 0)
    throw new Error(
      `${program}: ${status} ${stdout.toString().slice(0, 2000)} ${stderr.slice(0, 2000)} (${args.join(' ').slice(0, 500)})`,
    );
  return stdout.toString();
}

/** Makes an empty file system. @param label at most 11 characters; empty for none */
export function makeFat(image: string, shape: FatShape, label: string): void {
  fs.writeFileSync(image, '');
  fs.truncateSync(image, shape.mebibytes * 1024 * 1024);
  const { bits, sectorSize, perCluster, copies } = shape;
  const args = { '-F': bits, '-S': sectorSize, '-s': perCluster, '-f': copies };
  const named = label === '' ? [] : ['-n', label];
  tool('mkfs.fat', [
    ...Object.entries(args).flatMap(([key, value]) => [key, String(value)]),
    ...named,
    image,
  ]);
}

// mtools cannot add names of more entries than a cluster of a folder holds, confuses `é` with `É` in short names, and does not
// find names with surrogate pairs again.
const WORDS = [
  'readme',
  'Übersicht',
  '日本語',
  'LOUD',
  'quiet.txt',
  'a b c',
  'Straße',
  'x',
  'ÄÖÜ.DAT',
  'Café',
];

/** Files and folders on the host: short and long names, empty files and empty folders, folders in folders. */
export function makeTree(folder: string, random: Random, files: number, largest: number): void {
  // Few files are in the root directory, which may be of a fixed length.
  const top = path.join(folder, 'Top of all');
  const folders = [top];
  fs.mkdirSync(top, { recursive: true });
  for (let number = 0; number < files; number++) {
    const parent = number % 20 === 0 ? folder : random.below(3) === 0 ? top : random.pick(folders);
    const ending = random.pick(['', '.txt', '.TXT', '.tar.gz', '']);
    const long = random.below(8) === 0 ? 'long '.repeat(1 + random.below(30)).trim() : '';
    const name = `${random.pick(WORDS)}${long}${number}${ending}`;
    if (random.below(12) === 0 && folders.length < 40) {
      fs.mkdirSync(path.join(parent, name));
      folders.push(path.join(parent, name));
    } else
      fs.writeFileSync(
        path.join(parent, name),
        someBytes(random, random.below(random.pick([1, 100, 5000, largest]))),
      );
  }
}

/** Not the same anywhere, yet quickly made. */
export function someBytes(random: Random, length: number): Buffer {
  const words = Buffer.alloc(Math.ceil(length / 4) * 4);
  let word = random.below(2 ** 31);
  for (let at = 0; at < words.length; at += 4) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words.writeUInt32LE(word, at);
  }
  return words.subarray(0, length);
}

/**
 * Copies what is in a folder of the host into a folder of the image.
 * @param mayFail what does not fit, or has the name of a folder, is left out
 */
export function copyIn(image: string, folder: string, target = '::/', mayFail = false): void {
  const names = fs.readdirSync(folder).map((name) => path.join(folder, name));
  const args = ['-s', '-m', '-Q', '-D', 'o', '-i', image, ...names, target];
  if (mayFail) run('mcopy', args, { env: MTOOLS, timeout: 60_000 });
  else if (names.length > 0) tool('mcopy', args);
}

/** Everything in the image, as mtools copies it out. @param folder to be made */
export function judgedTree(
  image: string,
  folder: string,
): Map<string, TreeFile & { readonly modified: number }> {
  fs.mkdirSync(folder);
  const tree = new Map<string, TreeFile & { readonly modified: number }>();
  if (tool('mdir', ['-b', '-a', '-i', image, '::/']).trim() === '') return tree;
  tool('mcopy', ['-s', '-n', '-m', '-i', image, '::/*', folder]);
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    const { mtimeMs, size } = fs.statSync(file);
    const isFolder = fs.statSync(file).isDirectory();
    const content = isFolder ? undefined : createHash('sha256').update(fs.readFileSync(file)).digest('hex');
    const modified = Math.floor(mtimeMs / 1000) * 1000;
    tree.set(name, {
      type: isFolder ? 'folder' : 'file',
      size: isFolder ? 0 : size,
      modified: isFolder ? 0 : modified,
      ...(content === undefined ? {} : { content }),
    });
  }
  return tree;
}

/** What `fsck.fat -n -v` says of an image that has no errors. */
export interface FatReport {
  readonly bits: number;
  readonly tables: number;
  readonly tableStart: number;
  readonly tableLength: number;
  readonly dataStart: number;
  readonly clusterSize: number;
  readonly clusters: number;
  readonly usedClusters: number;
}

/** @throws Error where the checker finds an error */
export function checkFat(image: string): FatReport {
  const told = tool('fsck.fat', ['-n', '-v', image]);
  const number = (pattern: RegExp): number => Number(pattern.exec(told)?.[1] ?? NaN);
  return {
    bits: number(/(\d+) bit entries/),
    tables: number(/(\d+) FATs?,/),
    tableStart: number(/First FAT starts at byte (\d+)/),
    tableLength: number(/(\d+) bytes per FAT/),
    dataStart: number(/Data area starts at byte (\d+)/),
    clusterSize: number(/(\d+) bytes per cluster/),
    clusters: number(/(\d+) data clusters/),
    usedClusters: number(/, (\d+)\/\d+ clusters/),
  };
}

/** The free stretches, decoded apart from the reader, as `[start, end)` in bytes. */
export function freeByHand(image: string, report: FatReport): [number, number][] {
  const bytes = Buffer.alloc(report.tableLength);
  const file = fs.openSync(image, 'r');
  fs.readSync(file, bytes, 0, bytes.length, report.tableStart);
  fs.closeSync(file);
  const runs: [number, number][] = [];
  for (let cluster = 2; cluster < report.clusters + 2; cluster++) {
    let entry: number;
    if (report.bits === 12) {
      const pair = bytes.readUIntLE(3 * (cluster >> 1), 3);
      entry = cluster % 2 === 0 ? pair % 4096 : Math.floor(pair / 4096);
    } else
      entry =
        report.bits === 16 ? bytes.readUInt16LE(2 * cluster) : bytes.readUInt32LE(4 * cluster) % 2 ** 28;
    if (entry !== 0) continue;
    const start = report.dataStart + (cluster - 2) * report.clusterSize;
    const last = runs.at(-1);
    if (last?.[1] === start) last[1] += report.clusterSize;
    else runs.push([start, start + report.clusterSize]);
  }
  return runs;
}
