/** All that the kernel says of the files of a mounted image, and the same as the reader says it. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { FileSystem, FileType } from '../../../../src/guest/fileSystem';
import { forEachFile } from '../../../../src/guest/walk';
import { silent } from '../../../../src/qcow2/progress';
import { sha256Of } from '../tree';
import { must } from './mounted';

export interface KnownFile {
  readonly type: FileType;
  readonly inode: number;
  /** Of folders, too. */
  readonly size: number;
  /** SHA-256 of the contents; of links the target. */
  readonly content?: string;
  readonly allocated: number;
  readonly modified: number;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly links: number;
  /** Stretches that are allocated, as `[at, length, place]` in bytes; those that follow each other are one. */
  readonly extents?: readonly (readonly number[])[];
}

/** By paths from the root. */
export type KnownTree = Record<string, KnownFile>;

/** Beyond that contents are holes, in tests. */
const LONGEST_READ = 64 * 1024 * 1024;

/** @param point where it is mounted @param withExtents of how many files they are asked for */
export function kernelTree(point: string, withExtents: number): KnownTree {
  const tree: KnownTree = {};
  let asked = 0;
  const visit = (folder: string): void => {
    for (const name of fs.readdirSync(`${point}/${folder}`)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const full = `${point}/${path}`;
      const stat = fs.lstatSync(full, { bigint: true });
      const type = typeOf(stat);
      const known: KnownFile = {
        type,
        inode: Number(stat.ino),
        size: Number(stat.size),
        allocated: Number(stat.blocks) * 512,
        modified: Math.floor(Number(stat.mtimeNs / 1000n) / 1000),
        mode: Number(stat.mode & 0o7777n),
        owner: Number(stat.uid),
        group: Number(stat.gid),
        links: Number(stat.nlink),
      };
      if (type === 'link') tree[path] = { ...known, content: fs.readlinkSync(full) };
      else if (type === 'file' && known.size <= LONGEST_READ)
        tree[path] = {
          ...known,
          content: createHash('sha256').update(fs.readFileSync(full)).digest('hex'),
          ...(known.allocated > 0 && asked++ < withExtents ? { extents: kernelExtents(full) } : {}),
        };
      else tree[path] = known;
      if (type === 'folder') visit(path);
    }
  };
  visit('');
  return tree;
}

function typeOf(stat: fs.BigIntStats): FileType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  if (stat.isSymbolicLink()) return 'link';
  if (stat.isFIFO()) return 'pipe';
  if (stat.isBlockDevice()) return 'blockDevice';
  return stat.isCharacterDevice() ? 'characterDevice' : 'socket';
}

/** What `xfs_bmap` prints: sectors of the file, and of the device. */
function kernelExtents(path: string): number[][] {
  const text = must('xfs_io', ['-r', '-c', 'bmap -p', path]);
  return joined(
    [...text.matchAll(/\[(\d+)\.\.(\d+)\]: (\d+)\.\.\d+/gu)].map((found) => {
      const [first, last, place] = found.slice(1).map(Number) as [number, number, number];
      return [first * 512, (last + 1 - first) * 512, place * 512] as const;
    }),
  );
}

function joined(extents: Iterable<readonly [number, number, number]>): number[][] {
  const result: number[][] = [];
  for (const [at, length, place] of extents) {
    const last = result.at(-1);
    const follows = last !== undefined && last[0]! + last[1]! === at && last[2]! + last[1]! === place;
    if (follows) last[1]! += length;
    else result.push([at, length, place]);
  }
  return result;
}

/** @param like says of which files extents are compared, and which contents are read */
export function readerTree(system: FileSystem, like: KnownTree): KnownTree {
  const tree: KnownTree = {};
  forEachFile(
    system,
    system.root,
    ({ path, entry, type }) => {
      const info = system.stat(entry.id);
      if (info.type !== type) throw new Error(`${path}: ${type}, ${info.type}`);
      const { size, allocated, modified = NaN, mode = -1, owner = -1, group = -1, links = -1 } = info;
      const known = { type, inode: entry.id, size, allocated, modified, mode, owner, group, links };
      if (type === 'link') tree[path] = { ...known, content: info.target ?? '' };
      else if (type === 'file' && size <= LONGEST_READ)
        tree[path] = {
          ...known,
          content: sha256Of(system, entry.id),
          ...(like[path]?.extents === undefined ? {} : { extents: readerExtents(system, entry.id) }),
        };
      else tree[path] = known;
    },
    (path, problem) => {
      throw new Error(`${path}: ${JSON.stringify(problem)}`);
    },
    silent,
  );
  return tree;
}

function readerExtents(system: FileSystem, id: number): number[][] {
  const places: [number, number, number][] = [];
  let end = 0;
  for (const { at, length, place } of system.extents(id)) {
    if (at !== end) throw new Error(`a gap at ${end}`);
    end = at + length;
    if (place !== undefined) places.push([at, length, place]);
  }
  return joined(places);
}

/** The first difference, in words; undefined where both are equal. */
export function difference(ours: KnownTree, theirs: KnownTree): string | undefined {
  for (const path of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [our, their] = [ours[path], theirs[path]].map((file) => JSON.stringify(file, sortedKeys(file)));
    if (our !== their) return `${path}:\nours   ${our ?? 'absent'}\ntheirs ${their ?? 'absent'}`;
  }
  return undefined;
}

function sortedKeys(file: KnownFile | undefined): string[] {
  return Object.keys(file ?? {}).sort();
}
