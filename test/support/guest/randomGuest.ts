/** File systems to shrink by: random ones that files were deleted from, and kept ones; with what their own tools say of them. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Random } from '../builder/random';
import { must, run } from '../process';
import { readBytes } from '../../../src/guest/blockDevice';
import { exfatFacts, exfatFixture } from './exfatFixtures';
import { randomChanges } from './extChanges';
import { makeImage, makeTree, VARIANTS } from './extImages';
import { debugfs, judgedFree } from './extJudge';
import { fillRandomFat, randomFatShape } from './fatChanges';
import { checkFat, type FatShape, freeByHand, someBytes } from './fatTools';
import { writeMbr } from './mbr';
import { keptVolumes } from './ntfsVolumes';
import { readFixture } from './xfs/fixtures';

export type GuestKind = 'ext' | 'fat' | 'ntfs' | 'xfs' | 'exfat';

export interface Guest {
  readonly name: string;
  readonly bytes: Buffer;
  /** `[start, end)` in bytes, ascending, as the judges say. */
  readonly free: readonly (readonly [number, number])[];
  /** What the file system's own checker says of it in a file; the path is left out. */
  readonly check: (file: string) => string;
}

const MiB = 1024 * 1024;
/** Of kept images, larger ones would cost time for what smaller ones have. */
const KEPT_XFS = [
  'big-counters-1k',
  'exchange',
  'no-bigtime-no-reflink-no-sparse',
  'plain',
  'sector-4k-stripe',
];
const KEPT_EXFAT = ['exfat-512', 'exfat-2k', 'exfat-4k-sectors', 'exfat-32k'] as const;
/** The kept NTFS volume with files that nothing can read. */
const ENCRYPTED = 'special';
/** Bytes of a cluster of the kept NTFS volumes: how many, and how long a sector. */
const NTFS_CLUSTER = { sector: 11, sectors: 13 };

/** @param folder an empty one */
export function randomGuest(kind: GuestKind, random: Random, folder: string): Guest {
  const guest = makeGuest(kind, random, folder);
  // What lies in free space is what deleted files left, or anything else.
  for (const [start, end] of guest.free)
    if (random.below(3) > 0) fillFree(guest.bytes.subarray(start, end), random);
  return guest;
}

function makeGuest(kind: GuestKind, random: Random, folder: string): Guest {
  switch (kind) {
    case 'ext':
      return ext(random, folder);
    case 'fat':
      return fat(random, folder);
    case 'ntfs': {
      const { name, bytes, free } = random.pick(keptVolumes().filter(({ name: each }) => each !== ENCRYPTED));
      const copy = Buffer.from(bytes);
      const cluster = copy.readUInt16LE(NTFS_CLUSTER.sector) * copy.readUInt8(NTFS_CLUSTER.sectors);
      const ends = free.map(([start, end]) => [start * cluster, end * cluster] as const);
      return { name: `NTFS ${name}`, bytes: copy, free: ends, check: checkerOf('ntfsfix', '--no-action') };
    }
    case 'xfs': {
      const name = random.pick(KEPT_XFS);
      const { device, known } = readFixture(name);
      const bytes = Buffer.from(readBytes(device, 0, device.size));
      return { name: `XFS ${name}`, bytes, free: known.free, check: checkerOf('xfs_repair', '-n', '-f') };
    }
    case 'exfat': {
      const name = random.pick(KEPT_EXFAT);
      const bytes = Buffer.from(exfatFixture(name).whole());
      return { name, bytes, free: exfatFacts(name).freeRuns, check: checkerOf('fsck.exfat', '-n') };
    }
  }
}

function ext(random: Random, folder: string): Guest {
  const variant = random.pick(Object.keys(VARIANTS).filter((name) => VARIANTS[name]![0] <= 48));
  const tree = path.join(folder, 'tree');
  fs.mkdirSync(tree);
  makeTree(tree, random, 20);
  const image = makeImage(variant, folder, tree, Math.max(16, VARIANTS[variant]![0] / 2));
  debugfs(image, randomChanges(random, tree, folder), true);
  // It adjusts what debugfs does not: counters of quotas, say. 1 says that it did.
  run('e2fsck', ['-fy', image]);
  const free = judgedFree(image);
  return { name: variant, bytes: fs.readFileSync(image), free, check: checkerOf('e2fsck', '-fn') };
}

function fat(random: Random, folder: string): Guest {
  const image = path.join(folder, 'fat.img');
  const shape = filledFat(random, image);
  const free = freeByHand(image, checkFat(image));
  const name = `FAT ${JSON.stringify(shape)}`;
  return { name, bytes: fs.readFileSync(image), free, check: checkerOf('fsck.fat', '-n') };
}

/** How often mtools may fail, one after the other. */
const FAT_ATTEMPTS = 3;

/** @returns the shape of the file system that was made */
function filledFat(random: Random, image: string, attempt = 1): FatShape {
  let shape = randomFatShape(random);
  while (shape.mebibytes > (shape.bits === 32 ? 48 : 20)) shape = randomFatShape(random);
  try {
    fillRandomFat(image, shape, random);
    return shape;
  } catch (error) {
    // mtools fills some FATs beyond their last cluster, and cannot read them itself then.
    if (attempt === FAT_ATTEMPTS || !String(error).includes('too big')) throw error;
    return filledFat(random, image, attempt + 1);
  }
}

/** @throws Error where the checker finds anything wrong */
const checkerOf =
  (program: string, ...args: readonly string[]) =>
  (file: string): string =>
    must(program, [...args, file], { timeout: 120_000 })
      .toString()
      .replaceAll(file, '');

function fillFree(bytes: Buffer, random: Random): void {
  if (random.below(2) === 0) bytes.fill(`deleted ${random.below(1000)}. `);
  else someBytes(random, bytes.length).copy(bytes);
}

/** A disk with one file system on it. */
export interface GuestDiskBytes {
  readonly bytes: Buffer;
  /** Where the file system begins on it. */
  readonly start: number;
  /** The table it has, in words. */
  readonly table: string;
}

const SECTOR = 512;
/** Room for a GPT and its backup. */
const GPT_SECTORS = 34;

/** Puts a file system on a disk: alone, or into a partition that may begin at any sector. */
export function onDisk({ bytes }: Guest, random: Random, folder: string): GuestDiskBytes {
  const table = random.pick(['none', 'MBR', 'GPT']);
  if (table === 'none') return { bytes, start: 0, table };
  const first = random.pick([63, 64, 2048, 2048, GPT_SECTORS + random.below(300)]);
  const after = GPT_SECTORS + random.below(2 * MiB) / SECTOR;
  const disk = Buffer.alloc((first + Math.ceil(after)) * SECTOR + bytes.length);
  bytes.copy(disk, first * SECTOR);
  const length = Math.floor(bytes.length / SECTOR);
  if (table === 'MBR') {
    writeMbr(disk, [[0x83, first, length]]);
    return { bytes: disk, start: first * SECTOR, table };
  }
  const file = path.join(folder, 'table.img');
  fs.writeFileSync(file, disk);
  must('sgdisk', ['-a1', `-n1:${first}:${first + length - 1}`, '-t1:8300', file]);
  return { bytes: fs.readFileSync(file), start: first * SECTOR, table };
}
