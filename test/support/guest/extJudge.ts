/** What e2fsprogs say of an ext image, in the words of the reader's interface. */
import * as fs from 'node:fs';
import { createHash } from 'node:crypto';
import * as path from 'node:path';
import type { FileSystem } from '../../../src/guest/fileSystem';
import { forEachFile } from '../../../src/guest/walk';
import { silent } from '../../../src/qcow2/progress';
import { run } from '../process';
import { freeOf, type TreeFile, treeOf } from './tree';

/** Runs a program that must succeed. @returns its output */
export function succeed(program: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = run(program, args, input === undefined ? {} : { input });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${status}\n${stdout.toString()}\n${stderr}`);
  return stdout.toString('utf8');
}

/**
 * Runs commands of debugfs one after the other.
 * @returns its output: each command in a line that begins with `debugfs: `, then what it says
 */
export function debugfs(image: string, commands: readonly string[], isWriting = false): string {
  const script = `${image}.commands`;
  fs.writeFileSync(script, commands.map((command) => `${command}\n`).join(''));
  const { status, stdout, stderr } = run('debugfs', [...(isWriting ? ['-w'] : []), '-f', script, image]);
  // It goes on after a command that fails, and ends as if none had.
  const [, ...complaints] = stderr.trim().split('\n');
  if (status !== 0 || complaints.length > 0) throw new Error(`debugfs: ${status}\n${stderr}`);
  return stdout.toString('utf8');
}

/** A folder of this machine as the reader's tree. Other than files, folders and links are left out, as by `rdump`. */
export function folderTree(folder: string, below = ''): Map<string, TreeFile> {
  const tree = new Map<string, TreeFile>();
  for (const name of fs.readdirSync(path.join(folder, below))) {
    const at = below === '' ? name : `${below}/${name}`;
    const full = path.join(folder, at);
    const stats = fs.lstatSync(full);
    if (stats.isDirectory()) {
      tree.set(at, { type: 'folder', size: 0 });
      for (const [key, file] of folderTree(folder, at)) tree.set(key, file);
    } else if (stats.isSymbolicLink()) {
      tree.set(at, { type: 'link', size: stats.size, content: fs.readlinkSync(full) });
    } else if (stats.isFile()) {
      const content = createHash('sha256').update(fs.readFileSync(full)).digest('hex');
      tree.set(at, { type: 'file', size: stats.size, content });
    }
  }
  return tree;
}

/** The reader's tree without what `folderTree` leaves out. */
export function copiedTree(system: FileSystem): Map<string, TreeFile> {
  const kept = [...treeOf(system)].filter(([, { type }]) => ['file', 'folder', 'link'].includes(type));
  return new Map(kept);
}

/** Free stretches as `dumpe2fs` prints them, joined, in bytes. */
export function judgedFree(image: string): [number, number][] {
  const text = succeed('dumpe2fs', [image]);
  const number = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  const blockSize = number('Block size');
  const blocks = number('Block count');
  const cluster = text.includes('Cluster size:') ? number('Cluster size') / blockSize : 1;
  const runs: [number, number][] = [];
  for (const [, list = ''] of text.matchAll(/^ {2}Free blocks: (.*)$/gm)) {
    for (const [, first, last = first] of list.matchAll(/(\d+)(?:-(\d+))?/g)) {
      const start = Number(first) * blockSize;
      const end = Math.min(Number(last) + cluster, blocks) * blockSize;
      const previous = runs.at(-1);
      if (previous?.[1] === start) previous[1] = end;
      else runs.push([start, end]);
    }
  }
  return runs;
}

/** What `stat` of debugfs says of a file. */
interface Judged {
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly links: number;
  readonly allocated: number;
  readonly modified: number;
  /** Blocks of the file and where they are, joined. */
  readonly extents: readonly string[];
}

const TYPES: Readonly<Record<string, string>> = {
  regular: 'file',
  directory: 'folder',
  symlink: 'link',
  FIFO: 'pipe',
  'character special': 'characterDevice',
  'block special': 'blockDevice',
  socket: 'socket',
};

/** @param isHuge the file's blocks are counted in blocks of the file system */
function parseStat(text: string, blockSize: number): Judged {
  const one = (expression: RegExp): string => expression.exec(text)?.[1] ?? '';
  const flags = Number(one(/Flags: (0x[0-9a-f]+)/));
  const type = TYPES[one(/Type: (.*?) +Mode:/)] ?? 'other';
  const [, seconds = '', nanoseconds = '0'] = /^ ?mtime: 0x([0-9a-f]+)(?::([0-9a-f]+))?/m.exec(text) ?? [];
  const extra = parseInt(nanoseconds, 16);
  const extents: { at: number; block: number; count: number }[] = [];
  const [, list = ''] = /^(?:BLOCKS|EXTENTS):\n([\s\S]*?)(?:\nTOTAL|\n\n|\n?$)/m.exec(text) ?? [];
  for (const [, first, last = first, block] of list.matchAll(
    /\((\d+)(?:\[u\])?(?:-(\d+)(?:\[u\])?)?\):(\d+)/g,
  )) {
    const next = { at: Number(first), block: Number(block), count: Number(last) - Number(first) + 1 };
    const previous = extents.at(-1);
    const { at = 0, count = 0, block: before = 0 } = previous ?? {};
    if (previous !== undefined && at + count === next.at && before + count === next.block)
      previous.count += next.count;
    else extents.push(next);
  }
  return {
    type,
    size: Number(one(/Size: (\d+)\n/)),
    mode: parseInt(one(/Mode: +(\d+)/), 8),
    owner: Number(one(/User: +(\d+)/)),
    group: Number(one(/Group: +(\d+)/)),
    links: Number(one(/^Links: (\d+)/m)),
    allocated: Number(one(/Blockcount: (\d+)/)) * ((flags & 0x40000) === 0 ? 512 : blockSize),
    modified:
      ((parseInt(seconds, 16) | 0) + (extra & 3) * 2 ** 32) * 1000 + Math.floor(Math.floor(extra / 4) / 1e6),
    extents: extents.map(({ at, block, count }) => `${at}+${count}@${block}`),
  };
}

/** Compares `stat` and `extents` of all files with debugfs. @returns what differs */
export function statDifferences(image: string, system: FileSystem): string[] {
  const paths = new Map([[system.root, '/']]);
  const tell = (at: string): void => {
    throw new Error(`cannot be read: ${at}`);
  };
  forEachFile(system, system.root, ({ path: at, entry }) => paths.set(entry.id, at), tell, silent);
  const ids = [...paths.keys()];
  const texts = debugfs(
    image,
    ids.map((id) => `stat <${id}>`),
  ).split(/^debugfs: stat <\d+>\n/m);
  const blockSize = Number(/Block size: +(\d+)/.exec(succeed('dumpe2fs', ['-h', image]))?.[1]);
  return ids.flatMap((id, index) => {
    const theirs = parseStat(texts[index + 1]!, blockSize);
    const { type, size, mode, owner, group, links, allocated, modified } = system.stat(id);
    const extents = [...system.extents(id)]
      .filter(({ place }) => place !== undefined)
      .map((extent) => `${extent.at / blockSize}+${extent.length / blockSize}@${extent.place! / blockSize}`);
    const isDevice = type === 'blockDevice' || type === 'characterDevice';
    const ours = { type, size, mode, owner, group, links, allocated, modified, extents };
    const expected = isDevice ? { ...theirs, size, extents } : theirs;
    const same = JSON.stringify(ours) === JSON.stringify(expected);
    return same
      ? []
      : [`${paths.get(id)}\nours   ${JSON.stringify(ours)}\ntheirs ${JSON.stringify(expected)}`];
  });
}

/**
 * All that the judges tell: names and contents are those of `expected`, the rest is as debugfs and dumpe2fs say.
 * (`rdump` of debugfs is no judge of contents: it copies inline ones with what follows them.)
 * @returns files compared
 * @throws Error that tells the first differences
 */
export function expectAsJudged(
  image: string,
  system: FileSystem,
  expected: ReadonlyMap<string, TreeFile>,
): number {
  const ours = copiedTree(system);
  ours.delete('lost+found');
  const paths = [...new Set([...expected.keys(), ...ours.keys()])];
  const wrong = paths.filter((at) => JSON.stringify(ours.get(at)) !== JSON.stringify(expected.get(at)));
  const contents = wrong.map(
    (at) => `${at}\nours   ${JSON.stringify(ours.get(at))}\ntheirs ${JSON.stringify(expected.get(at))}`,
  );
  const differences = [...contents, ...statDifferences(image, system)];
  const free = JSON.stringify(freeOf(system));
  const judged = JSON.stringify(judgedFree(image));
  if (free !== judged) differences.push(`free\nours   ${free}\ntheirs ${judged}`);
  if (differences.length > 0)
    throw new Error(`${differences.length} differences\n${differences.slice(0, 3).join('\n')}`);
  return ours.size;
}
