/** Images of all variants of ext2, ext3 and ext4, made by mke2fs from a folder. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Random, seededRandom } from '../builder/random';
import { run } from '../process';
import { debugfs, succeed } from './extJudge';

/** By what makes it special: options of mke2fs, and the size in MiB. */
export const VARIANTS: Readonly<Record<string, readonly [size: number, ...options: string[]]>> = {
  'ext2 of the first revision': [16, '-r', '0', '-t', 'ext2', '-b', '1024', '-O', 'none'],
  'ext2 without features': [24, '-t', 'ext2', '-b', '2048', '-O', 'none'],
  'ext2 with many groups': [16, '-t', 'ext2', '-b', '1024', '-g', '512', '-O', '^resize_inode'],
  'ext3 with blocks of 1 KiB': [24, '-t', 'ext3', '-b', '1024'],
  'ext3 with small inodes': [32, '-t', 'ext3', '-b', '4096', '-I', '128'],
  'ext4 as it is made today': [32, '-t', 'ext4', '-b', '4096'],
  'ext4 with blocks of 1 KiB': [32, '-t', 'ext4', '-b', '1024'],
  'ext4 with blocks of 2 KiB': [32, '-t', 'ext4', '-b', '2048', '-O', '^64bit'],
  uninit_bg: [32, '-t', 'ext4', '-b', '1024', '-g', '1024', '-O', '^metadata_csum,uninit_bg,^64bit'],
  'uninit_bg and 64bit': [32, '-t', 'ext4', '-b', '1024', '-g', '1024', '-O', '^metadata_csum,uninit_bg'],
  'no checksums': [32, '-t', 'ext4', '-b', '4096', '-O', '^metadata_csum'],
  meta_bg: [48, '-t', 'ext4', '-b', '1024', '-g', '512', '-O', 'meta_bg,^resize_inode'],
  'meta_bg without flex_bg': [
    48,
    '-t',
    'ext4',
    '-b',
    '1024',
    '-g',
    '512',
    '-O',
    'meta_bg,^resize_inode,^flex_bg',
  ],
  'meta_bg without 64bit': [
    48,
    '-t',
    'ext4',
    '-b',
    '1024',
    '-g',
    '512',
    '-O',
    'meta_bg,^resize_inode,^64bit',
  ],
  'no flex_bg, many groups': [32, '-t', 'ext4', '-b', '1024', '-g', '1024', '-O', '^flex_bg'],
  'no sparse_super': [32, '-t', 'ext4', '-b', '1024', '-g', '2048', '-O', '^sparse_super,^resize_inode'],
  sparse_super2: [32, '-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'sparse_super2,^resize_inode'],
  bigalloc: [64, '-t', 'ext4', '-b', '4096', '-C', '16384', '-O', 'bigalloc'],
  'bigalloc with blocks of 1 KiB': [
    64,
    '-t',
    'ext4',
    '-b',
    '1024',
    '-C',
    '8192',
    '-O',
    'bigalloc,^resize_inode',
  ],
  inline_data: [32, '-t', 'ext4', '-b', '4096', '-O', 'inline_data'],
  'inline_data with large inodes': [32, '-t', 'ext4', '-b', '4096', '-I', '1024', '-O', 'inline_data'],
  'inodes of 4 KiB': [48, '-t', 'ext4', '-b', '4096', '-I', '4096', '-N', '2048'],
  'blocks of 64 KiB': [96, '-t', 'ext4', '-b', '65536'],
  csum_seed: [32, '-t', 'ext4', '-O', 'metadata_csum_seed'],
  'every other feature': [
    32,
    '-t',
    'ext4',
    '-b',
    '1024',
    '-E',
    'encoding=utf8',
    '-O',
    'ea_inode,large_dir,project,quota,casefold,encrypt,verity,mmp,stable_inodes',
  ],
  'no journal': [32, '-t', 'ext4', '-O', '^has_journal'],
  orphan_file: [32, '-t', 'ext4', '-O', 'orphan_file'],
};

/** @param size in MiB; the variant's own unless told @returns the path of the image */
export function makeImage(variant: string, place: string, tree: string, size?: number): string {
  const image = path.join(place, 'image');
  const [usual, ...options] = VARIANTS[variant] ?? [];
  if (usual === undefined) throw new Error(`no such variant: ${variant}`);
  fs.rmSync(image, { force: true });
  succeed('mke2fs', ['-q', '-F', '-L', 'Ümlaut', ...options, '-d', tree, image, `${size ?? usual}M`]);
  return image;
}

const SMALL = ['-b', '1024', '-N', '320', '-O'];

/** Small images that are damaged: little of them is empty. Options of mke2fs, and what e2fsck does afterwards. */
export const FUZZED: Readonly<Record<string, readonly string[]>> = {
  ext2: ['-t', 'ext2', ...SMALL, 'none'],
  'ext4 with checksums': ['-t', 'ext4', ...SMALL, '^has_journal,^resize_inode'],
  'ext4 without checksums': ['-t', 'ext4', ...SMALL, '^has_journal,^resize_inode,^metadata_csum'],
  'ext4 with groups': [
    '-t',
    'ext4',
    '-g',
    '512',
    ...SMALL,
    '^has_journal,meta_bg,^resize_inode,^metadata_csum',
  ],
  inline_data: ['-t', 'ext4', ...SMALL, '^has_journal,^resize_inode,^metadata_csum,inline_data'],
  bigalloc: ['-t', 'ext4', '-C', '4096', ...SMALL, '^has_journal,^resize_inode,^metadata_csum,bigalloc'],
  ext3: ['-t', 'ext3', ...SMALL, '^resize_inode'],
};

/** @param folder for files that are in the way of nothing else */
export function makeFuzzed(name: string, folder: string): Uint8Array {
  const tree = path.join(folder, 'small tree');
  const image = path.join(folder, 'small image');
  fs.rmSync(tree, { recursive: true, force: true });
  fs.mkdirSync(tree);
  makeTree(tree, seededRandom(7), 60);
  fs.rmSync(path.join(tree, 'sizes/40000'));
  fs.rmSync(image, { force: true });
  succeed('mke2fs', ['-q', '-F', ...(FUZZED[name] ?? []), '-d', tree, image, '3M']);
  fragment(image, folder);
  // Hashes the folders; 1 says that it changed something.
  run('e2fsck', ['-fyD', image]);
  return fs.readFileSync(image);
}

/** Writes files and deletes every other one, then a large one into the gaps: its extents do not fit into the inode. */
export function fragment(image: string, folder: string): void {
  const small = path.join(folder, 'small file');
  fs.writeFileSync(small, Buffer.alloc(1000, 'small'));
  const large = path.join(folder, 'large file');
  fs.writeFileSync(large, Buffer.alloc(30_000, 'large'));
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  const writes = numbers.map((index) => `write "${small}" gap${index}`);
  const removes = numbers.filter((index) => index % 2 === 0).map((index) => `rm gap${index}`);
  debugfs(image, [...writes, ...removes, `write "${large}" fragmented`], true);
}

/** Fills a folder with what file systems treat differently. @param files of the largest folder */
export function makeTree(folder: string, random: Random, files: number): void {
  const put = (name: string, bytes: Uint8Array | string): void => {
    const full = path.join(folder, name);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, bytes);
  };
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));
  for (const length of [0, 1, 59, 60, 61, 100, 132, 133, 160, 300, 800, 1023, 1024, 1025, 4096, 5000, 40_000])
    put(`sizes/${length}`, noise(length));
  for (let index = 0; index < files; index++) put(`many/file number ${index}.txt`, `${index}\n`);
  for (let index = 0; index < 3; index++) put(`few/${index}`, 'x');
  put(Array.from({ length: 30 }, (_, depth) => `folder ${depth}`).join('/') + '/deep', 'deep');
  for (const name of ['grüße', '日本語', '😀', 'n'.repeat(255), ' ', 'a\nb', 'quote"\\', 'ü'.repeat(127)])
    put(`names/${name}`, name);
  fs.linkSync(path.join(folder, 'sizes/5000'), path.join(folder, 'names/hard link'));
  fs.symlinkSync('sizes/1', path.join(folder, 'short link'));
  for (const length of [58, 59, 60, 61, 200, 1000])
    fs.symlinkSync('l'.repeat(length), path.join(folder, `link of ${length}`));
  const sparse = fs.openSync(path.join(folder, 'sparse'), 'w');
  for (const at of [0, 13 * 1024, 300_000, 5_000_000]) fs.writeSync(sparse, noise(1500), 0, 1500, at);
  fs.closeSync(sparse);
  succeed('mkfifo', [path.join(folder, 'pipe')]);
  fs.chmodSync(path.join(folder, 'few/0'), 0o4751);
  fs.chmodSync(path.join(folder, 'few'), 0o1777);
  const date = new Date('1966-05-04T03:02:01Z');
  fs.utimesSync(path.join(folder, 'few/1'), date, date);
}
