/** NTFS volumes for tests: made by `mkntfs` and wimlib, judged by wimlib (which reads them through libntfs-3g) and NTFS-3G. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { FileId, FileSystem, FileType } from '../../../src/guest/fileSystem';
import { forEachFile } from '../../../src/guest/walk';
import { silent } from '../../../src/qcow2/progress';
import type { Random } from '../builder/random';
import { run } from '../process';

export interface VolumePlan {
  /** Bytes of the image; it is sparse. */
  readonly size: number;
  readonly cluster?: number;
  readonly sector?: number;
  readonly label?: string;
}

function must(program: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr } = run(program, args);
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${status}\n${stderr}${String(stdout).slice(-2000)}`);
  return stdout;
}

/** An empty volume. */
export function makeVolume(image: string, { size, cluster, sector, label }: VolumePlan): void {
  fs.writeFileSync(image, '');
  fs.truncateSync(image, size);
  const option = (name: string, value: number | string | undefined): string[] =>
    value === undefined ? [] : [name, String(value)];
  must('mkntfs', [
    '-F',
    '-q',
    '-Q',
    ...option('-c', cluster),
    ...option('-s', sector),
    ...option('-L', label),
    image,
  ]);
}

/** Copies a folder's contents into an empty volume. */
export function fillVolume(image: string, folder: string): void {
  const archive = `${image}.fill.wim`;
  must('wimlib-imagex', [
    'capture',
    '--quiet',
    '--norpfix',
    '--unix-data',
    '--compress=none',
    folder,
    archive,
  ]);
  must('wimlib-imagex', ['apply', '--quiet', archive, image]);
  fs.rmSync(archive);
}

export interface SeenFile {
  readonly type: FileType;
  readonly size: number;
  /** SHA-1 of contents and of streams, in hex; empty for no bytes. */
  readonly sha1: string;
  readonly links: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Names and sizes, sorted. */
  readonly streams: readonly string[];
}

const LINK_TAGS = [0xa0000003, 0xa000000c, 0xa000001d];
const SPECIAL_TAGS: Partial<Record<number, FileType>> = {
  [0x80000023]: 'socket',
  [0x80000024]: 'pipe',
  [0x80000025]: 'characterDevice',
  [0x80000026]: 'blockDevice',
};
/** File systems differ in what they say of the sizes of folders and links, and of contents that nothing else can read. */
const NO_CONTENT = { size: 0, sha1: '' };

/** A file of this name is too large to be read from end to end, and is left out. */
export const GIANT = 'giant';

/** All files but the metadata, as wimlib sees them, by path. */
export function judgedTree(image: string): Map<string, SeenFile> {
  const archive = `${image}.judge.wim`;
  const config = `${image}.config`;
  fs.writeFileSync(config, `[ExclusionList]\n${GIANT}\n`);
  must('wimlib-imagex', [
    'capture',
    '--quiet',
    '--norpfix',
    '--compress=none',
    `--config=${config}`,
    image,
    archive,
  ]);
  const text = must('wimlib-imagex', ['dir', '--detailed', archive]).toString('latin1');
  fs.rmSync(archive);
  const tree = new Map<string, SeenFile>();
  for (const block of text.split(/^-{40,}$/m)) {
    const path = /^Full Path {11}= "\/(.*)"$/m.exec(block)?.[1];
    if (path === undefined || path === '') continue;
    tree.set(textOf(path), judgedFile(block));
  }
  return tree;
}

function judgedFile(block: string): SeenFile {
  const value = (name: string): string => new RegExp(`^${name} *= (.*)$`, 'm').exec(block)?.[1] ?? '0';
  const isFolder = block.includes('FILE_ATTRIBUTE_DIRECTORY is set');
  const tag = Number(value('Reparse Tag'));
  const type = LINK_TAGS.includes(tag) ? 'link' : (SPECIAL_TAGS[tag] ?? (isFolder ? 'folder' : 'file'));
  let main: { size: number; sha1: string } = NO_CONTENT;
  const streams: string[] = [];
  for (const [, name, hash, size] of block.matchAll(STREAM)) {
    if (name !== undefined) streams.push(`${textOf(name)} ${size}`);
    else if (type === 'file' && tag === 0) main = { size: Number(size), sha1: hash === NO_HASH ? '' : hash! };
  }
  const links = Number(value('Link Count'));
  return {
    type,
    ...main,
    links,
    modified: Date.parse(value('Last Write Time')) / 1000,
    streams: streams.sort(),
  };
}

const NO_HASH = '0'.repeat(40);
const STREAM =
  /^\t(?:Unnamed data stream|Named data stream "(.*)"):\nHash {14}= 0x([0-9a-f]{40})\nUncompressed size = (\d+) bytes$/gm;

/** From UTF-8 that may have surrogates, byte by byte, as NTFS-3G and wimlib write it. */
function textOf(bytes: string): string {
  return Buffer.from(bytes.replace(/\xed[\xa0-\xbf][\x80-\xbf]/g, '\xef\xbf\xbd'), 'latin1').toString('utf8');
}

/** The same table, as the reader sees the volume. */
export function readTree(system: FileSystem): Map<string, SeenFile> {
  const tree = new Map<string, SeenFile>();
  forEachFile(
    system,
    system.root,
    ({ path, entry, type: listed }) => {
      if (path.endsWith(`/${GIANT}`)) return;
      if (/^\$[A-Z]/.test(path) && isMetadata(entry.id, path)) return;
      const { type, links = 0, modified = 0, streams = [], size, problem } = system.stat(entry.id);
      assert.equal(listed, type, path);
      const isRead = type === 'file' && problem === undefined;
      const sha1 = isRead && size > 0 ? sha1Of(system, entry.id) : '';
      assert.ok(!tree.has(path), `twice: ${path}`);
      tree.set(path, {
        type,
        ...(isRead ? { size, sha1 } : NO_CONTENT),
        links,
        modified: Math.floor(modified / 1000),
        streams: streams.map((stream) => `${stream.name} ${stream.size}`).sort(),
      });
    },
    (path, problem) => {
      throw new Error(`${path}: ${JSON.stringify(problem)}`);
    },
    silent,
  );
  return tree;
}

const isMetadata = (id: FileId, path: string): boolean => id % 2 ** 32 < 16 || path.startsWith('$Extend/');

const PIECE = Buffer.alloc(1024 * 1024);

export function sha1Of(system: FileSystem, file: FileId): string {
  const hash = createHash('sha1');
  for (let at = 0; ;) {
    const length = system.read(file, at, PIECE);
    hash.update(PIECE.subarray(0, length));
    at += length;
    if (length < PIECE.length) return hash.digest('hex');
  }
}

/** What `ntfsinfo -m` says. */
export function volumeInfo(image: string): { clusterSize: number; clusters: number; freeClusters: number } {
  const text = String(must('ntfsinfo', ['-f', '-m', image]));
  const number = (name: string): number => Number(new RegExp(`^\\t${name}: (\\d+)`, 'm').exec(text)?.[1]);
  return {
    clusterSize: number('Cluster Size'),
    clusters: number('Volume Size in Clusters'),
    freeClusters: number('Free Clusters'),
  };
}

/** Free stretches as `[start, end)` in bytes: from the map as `ntfscat` reads it, bit by bit. */
export function judgedFree(image: string): [number, number][] {
  const { clusters, clusterSize } = volumeInfo(image);
  const bits = must('ntfscat', ['-f', '-i', '6', image]);
  const runs: [number, number][] = [];
  let last: [number, number] | undefined;
  for (let cluster = 0; cluster < clusters; cluster++) {
    if (((bits[cluster >> 3]! >> (cluster & 7)) & 1) === 1) last = undefined;
    else if (last === undefined) runs.push((last = [cluster * clusterSize, (cluster + 1) * clusterSize]));
    else last[1] += clusterSize;
  }
  return runs;
}

/** Random files and folders: hard links, symbolic links, holes, names of many alphabets. */
export function makeFolder(folder: string, random: Random, files: number): void {
  const folders = [folder];
  const made: string[] = [];
  for (let index = 0; index < files; index++) {
    const parent = random.pick(folders);
    const path = `${parent}/${randomName(random, index)}`;
    const kind = random.below(20);
    if (kind < 3 && folders.length < 40) {
      fs.mkdirSync(path);
      folders.push(path);
    } else if (kind === 3 && made.length > 0) fs.linkSync(random.pick(made), path);
    else if (kind === 4) fs.symlinkSync(`../${'long/'.repeat(random.below(30))}target ${index}`, path);
    else {
      writeRandom(path, random);
      made.push(path);
    }
  }
}

const ALPHABETS = ['abcdefghij ._-', 'ABCDEFGHij', 'äöüßéèçñ', '日本語中文字', '😀🚀🎉', 'абвгдежз'];

function randomName(random: Random, index: number): string {
  const letters = Array.from(random.pick(ALPHABETS));
  const length = random.below(12) === 0 ? 60 : random.below(14);
  return `${Array.from({ length }, () => random.pick(letters)).join('')}x${index}`;
}

function writeRandom(path: string, random: Random): void {
  const size = random.below(4) === 0 ? random.below(150_000) : random.below(2_000);
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at);
  fs.writeFileSync(path, bytes);
  if (random.below(12) === 0) fs.truncateSync(path, size + random.below(500_000));
  fs.utimesSync(path, 1_000_000_000 + random.below(700_000_000), 1_000_000_000 + random.below(700_000_000));
}
