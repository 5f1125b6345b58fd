/** Random images of every kind that can be changed, made by QEMU's own programs. */
import * as fs from 'node:fs';
import type { Random } from '../builder/random';
import { Kitchen } from '../matrix/recipe';
import { run } from '../process';
import { mustQemuImg, qemuImg } from '../qemu';

export interface ImagePlan {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly refcountBits: number;
  readonly extendedL2: boolean;
  readonly dataFile: 'none' | 'plain' | 'raw';
  /** Guest bytes, a multiple of 512. */
  readonly size: number;
  /** Bytes of the backing file, where there is one. */
  readonly backing: { readonly format: 'raw' | 'qcow2'; readonly size: number } | undefined;
  readonly snapshots: number;
  readonly compressed: boolean;
  readonly preallocated: boolean;
  readonly bitmaps: boolean;
}

const CLUSTER_BITS = [9, 9, 9, 10, 12, 12, 14, 16, 16, 18, 21];

export function randomPlan(random: Random): ImagePlan {
  const version = random.below(4) === 0 ? 2 : 3;
  const clusterBits = random.pick(CLUSTER_BITS);
  const clusterSize = 2 ** clusterBits;
  const extendedL2 = version === 3 && clusterBits >= 14 && random.below(2) === 0;
  const dataFile = version === 3 && random.below(5) === 0 ? random.pick(['plain', 'raw'] as const) : 'none';
  const refcountBits = version === 2 ? 16 : random.pick([1, 2, 4, 8, 16, 16, 32, 64]);
  const most = clusterBits === 9 ? 700 : Math.max(6, Math.floor(2 ** 21 / clusterSize));
  const clusters = 2 + random.below(most);
  // Half of the disks end within a cluster.
  const end = random.below(2) === 0 ? 0 : 512 * random.below(clusterSize / 512);
  const size = clusters * clusterSize + end;
  const hasBacking = dataFile !== 'raw' && random.below(2) === 0;
  return {
    version,
    clusterBits,
    refcountBits,
    extendedL2,
    dataFile,
    size,
    backing: hasBacking ? randomBacking(random, size) : undefined,
    snapshots: dataFile === 'none' && refcountBits > 1 ? random.below(3) : 0,
    compressed: dataFile === 'none' && random.below(2) === 0,
    preallocated: !hasBacking && random.below(6) === 0,
    bitmaps: version === 3 && random.below(4) === 0,
  };
}

function randomBacking(random: Random, size: number): ImagePlan['backing'] {
  const format = random.pick(['raw', 'qcow2'] as const);
  switch (random.below(3)) {
    case 0:
      return { format, size };
    case 1:
      return { format, size: 512 * (1 + random.below(size / 512)) };
    default:
      return { format, size: size + 512 * random.below(200) };
  }
}

/** Options of qemu-io: discards do unmap. */
export const QEMU_IO = ['-f', 'qcow2', '-d', 'unmap'] as const;

/** Names of an image's files. */
export const DISK = 'disk.qcow2';
const SNAPSHOTS = ['first', 'second'] as const;

/**
 * Makes the image with random content in `folder`.
 * @returns the names of its snapshots: QEMU refuses one that narrow refcounts have no room for
 */
export function makeImage(plan: ImagePlan, random: Random, folder: string): string[] {
  for (;;) {
    const snapshots = tryToMakeImage(plan, random, folder);
    if (isSound(folder) && snapshots.every((name) => isReadable(name, folder))) return snapshots;
  }
}

/** QEMU 7.2 itself leaks clusters where it refuses a snapshot, and marks some images of its own making as corrupt. */
function isSound(folder: string): boolean {
  const header = fs.readFileSync(`${folder}/${DISK}`).subarray(0, 80);
  const isCorrupt = header.readUInt32BE(4) === 3 && (header.readUInt8(79) & 2) !== 0;
  return !isCorrupt && qemuImg(['check', DISK], { cwd: folder }).status === 0;
}

/** QEMU 7.2 packs compressed data into a cluster that it has freed, and gives that to other data besides. */
function isReadable(snapshot: string, folder: string): boolean {
  const nowhere = ['-n', '--target-image-opts', '-f', 'qcow2', DISK, 'driver=null-co,size=1E'];
  return qemuImg(['convert', '-l', snapshot, ...nowhere], { cwd: folder }).status === 0;
}

function tryToMakeImage(plan: ImagePlan, random: Random, folder: string): string[] {
  const snapshots: string[] = [];
  const kitchen = new Kitchen(folder);
  const clusterSize = 2 ** plan.clusterBits;
  if (plan.backing !== undefined) makeBacking(plan.backing, random, kitchen);
  const options = [
    `cluster_size=${clusterSize}`,
    plan.version === 2 ? 'compat=0.10' : `compat=1.1,refcount_bits=${plan.refcountBits}`,
    ...(plan.extendedL2 ? ['extended_l2=on'] : []),
    ...(plan.dataFile === 'none' ? [] : ['data_file=data.raw']),
    ...(plan.dataFile === 'raw' ? ['data_file_raw=on'] : []),
    ...(plan.preallocated ? ['preallocation=metadata'] : []),
  ].join(',');
  const backing = plan.backing === undefined ? [] : ['-b', 'base', '-F', plan.backing.format];
  kitchen.create(DISK, String(plan.size), options, backing);
  for (let round = 0; round <= plan.snapshots; round++) {
    const commands = Array.from({ length: 2 + random.below(8) }, () => fillingCommand(plan, random));
    // Compressed data does not go over clusters that are allocated; then nothing happens.
    run('qemu-io', [...QEMU_IO, ...commands.flatMap((command) => ['-c', command]), DISK], { cwd: folder });
    const name = SNAPSHOTS[round];
    if (round === plan.snapshots || name === undefined) continue;
    const isMade = qemuImg(['snapshot', '-c', name, DISK], { cwd: folder }).status === 0;
    if (isMade) snapshots.push(name);
  }
  if (!plan.bitmaps || !isSound(folder)) return snapshots;
  kitchen.img(['bitmap', '--add', '-g', String(2 ** (9 + random.below(6))), DISK, 'fine']);
  kitchen.img(['bitmap', '--add', DISK, 'coarse']);
  kitchen.img(['bitmap', '--add', '--disable', DISK, 'off']);
  return snapshots;
}

function makeBacking(
  { format, size }: NonNullable<ImagePlan['backing']>,
  random: Random,
  kitchen: Kitchen,
): void {
  const pieces = Array.from({ length: 1 + random.below(5) }, () => {
    const start = 512 * random.below(Math.max(1, size / 512 - 1));
    return [start, Math.min(size - start, 512 * (1 + random.below(200)))] as const;
  });
  kitchen.raw('base.raw', size, pieces);
  if (format === 'raw') fs.renameSync(kitchen.path('base.raw'), kitchen.path('base'));
  else
    mustQemuImg(['convert', '-O', 'qcow2', '-o', 'cluster_size=512', 'base.raw', 'base'], {
      cwd: kitchen.folder,
    });
}

/** A command that leaves entries of some kind; whole clusters most of the time. */
function fillingCommand(plan: ImagePlan, random: Random): string {
  const clusterSize = 2 ** plan.clusterBits;
  const clusters = Math.floor(plan.size / clusterSize);
  const first = random.below(clusters);
  const most = clusterSize >= 2 ** 18 ? 2 : clusterSize === 512 ? 300 : 20;
  const count = Math.min(clusters - first, 1 + random.below(most));
  const pattern = 1 + random.below(255);
  const range = `${first * clusterSize} ${count * clusterSize}`;
  switch (random.below(plan.compressed ? 8 : 6)) {
    case 0:
    case 1:
      return `write -P ${pattern} ${range}`;
    case 2: {
      const start = 512 * random.below(plan.size / 512);
      const length = Math.min(plan.size - start, 512 * (1 + random.below(64)));
      return `write -P ${pattern} ${start} ${length}`;
    }
    case 3:
      return `write -z ${range}`;
    case 4:
      return `write -z -u ${range}`;
    case 5:
      return `discard ${range}`;
    default:
      return `write -c -P ${pattern} ${first * clusterSize} ${clusterSize}`;
  }
}
