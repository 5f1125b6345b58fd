/** Images to shrink: by QEMU's programs or by the builder, over chains, with zeroes and copies of the backing file as data. */
import * as fs from 'node:fs';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { openLocalFile } from '../../src/qcow2/io/localFile';
import type { Random } from './builder/random';
import { DISK, type ImagePlan, makeImage, QEMU_IO, randomPlan } from './changes/imagePlan';
import { byBuilder } from './compaction';
import { Kitchen } from './matrix/recipe';
import { moveEnd } from './movedEnd';
import { run } from './process';
import { mustQemuImg, qemuImg } from './qemu';

export interface Shrinkable {
  readonly plan: ImagePlan;
  /** Names of its snapshots. */
  readonly snapshots: readonly string[];
  /** The disk is as long as when its content was made. */
  readonly isWhole: boolean;
}

/** Makes `DISK` in a folder. @returns undefined where QEMU cannot read it */
export function makeShrinkable(
  random: Random,
  folder: string,
  tell?: (line: string) => void,
): Shrinkable | undefined {
  let { plan, snapshots } = random.below(4) === 0 ? built(random, folder, tell) : made(random, folder, tell);
  bloat(plan, random, folder);
  if (snapshots.length === 0 && !plan.bitmaps && random.below(4) === 0) plan = resized(plan, random, folder);
  const isWhole = plan.bitmaps || plan.dataFile !== 'none' || random.below(6) > 0;
  if (!isWhole) moveEnd(`${folder}/${DISK}`, random);
  if (snapshots.length > 0 && isWhole && random.below(4) === 0) {
    loseSnapshots(folder);
    snapshots = [];
  }
  // Clusters of zeroes become holes of the file.
  if (random.below(4) === 0) run('fallocate', ['--dig-holes', DISK], { cwd: folder });
  // QEMU 7.2 writes some compressed clusters that it cannot read itself.
  const isReadable = qemuImg(['convert', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder }).status === 0;
  return isReadable ? { plan, snapshots, isWhole } : undefined;
}

type Made = Pick<Shrinkable, 'plan' | 'snapshots'>;

function made(random: Random, folder: string, tell?: (line: string) => void): Made {
  const plan = randomPlan(random);
  tell?.(JSON.stringify(plan));
  const snapshots = makeImage(plan, random, folder);
  if (plan.backing?.format === 'qcow2' && random.below(2) === 0) makeMiddle(plan, random, folder);
  return { plan, snapshots };
}

/** Everything lies anywhere, compressed with zstd too; half of the images have a backing file. */
function built(random: Random, folder: string, tell?: (line: string) => void): Made {
  let backing: ImagePlan['backing'];
  if (random.below(2) === 0) {
    backing = { format: 'raw', size: 512 * (1 + random.below(2000)) };
    new Kitchen(folder).raw('base', backing.size, [[0, backing.size / 2]]);
  }
  const snapshots = byBuilder(
    random,
    folder,
    tell,
    backing === undefined ? {} : { backing: { name: 'base', format: 'raw' } },
  );
  const image = Qcow2Image.open(openLocalFile(`${folder}/${DISK}`));
  const { version, clusterBits, refcountBits, size, features } = image.header;
  const bitmaps = image.bitmaps.length > 0;
  image.close();
  const { extendedL2 } = features;
  const shape = { version, clusterBits, refcountBits, extendedL2, size, backing, bitmaps } as const;
  const plan: ImagePlan = {
    ...shape,
    dataFile: 'none',
    snapshots: snapshots.length,
    compressed: true,
    preallocated: false,
  };
  return { plan, snapshots };
}

/** Puts a layer with content of its own between the image and its backing file. */
function makeMiddle(plan: ImagePlan, random: Random, folder: string): void {
  fs.renameSync(`${folder}/base`, `${folder}/root`);
  const size = random.below(2) === 0 ? plan.size : 512 * (1 + random.below(plan.size / 256));
  const options = random.pick([
    'cluster_size=512',
    'extended_l2=on',
    'compat=0.10,cluster_size=4096',
    'cluster_size=4096,data_file=middle.data',
  ]);
  const over = ['-o', options, '-b', 'root', '-F', 'qcow2'];
  mustQemuImg(['create', '-f', 'qcow2', ...over, 'base', String(size)], { cwd: folder });
  const commands = Array.from({ length: 1 + random.below(5) }, () => {
    const start = 512 * random.below(size / 512);
    const length = Math.min(size - start, 512 * (1 + random.below(256)));
    // Only where a whole cluster is there.
    if (random.below(5) === 0) return `write -c -P ${1 + random.below(3)} ${start - (start % 65536)} 64k`;
    return random.pick([`write -P ${random.below(3)}`, 'write -z', 'write -z -u']) + ` ${start} ${length}`;
  });
  run('qemu-io', [...QEMU_IO, ...commands.flatMap((command) => ['-c', command]), 'base'], { cwd: folder });
}

/** Forgets the snapshots in the header alone: refcounts of what they shared are too high, and the rest leaks. */
function loseSnapshots(folder: string): void {
  const bytes = fs.readFileSync(`${folder}/${DISK}`);
  fs.writeFileSync(`${folder}/${DISK}`, bytes.fill(0, 60, 72));
}

/** Writes zeroes as data, and data that the backing file has. */
function bloat(plan: ImagePlan, random: Random, folder: string): void {
  const commands: string[] = [];
  for (let count = 1 + random.below(6); count > 0; count--) {
    const start = 512 * random.below(plan.size / 512);
    const most = random.below(2) === 0 ? plan.size : 2 ** (plan.clusterBits + 1);
    const length = Math.min(plan.size - start, 512 * (1 + random.below(most / 512)));
    if (plan.backing === undefined || random.below(2) === 0) commands.push(`write -P 0 ${start} ${length}`);
    else if (length > 0) {
      const piece = `piece${count}`;
      fs.writeFileSync(`${folder}/${piece}`, backingBytes(plan, folder).subarray(start, start + length));
      commands.push(`write -s ${piece} ${start} ${length}`);
    }
  }
  run('qemu-io', [...QEMU_IO, ...commands.flatMap((command) => ['-c', command]), DISK], { cwd: folder });
}

/** What the backing file gives for the whole disk; zeroes past its end. */
export function backingBytes(plan: { readonly size: number }, folder: string): Buffer {
  const bytes = Buffer.alloc(plan.size);
  if (!fs.existsSync(`${folder}/base`)) return bytes;
  const format = fs.readFileSync(`${folder}/base`).toString('latin1', 0, 3) === 'QFI' ? 'qcow2' : 'raw';
  mustQemuImg(['convert', '-f', format, '-O', 'raw', 'base', 'base.judge'], { cwd: folder });
  fs.readFileSync(`${folder}/base.judge`).copy(bytes);
  return bytes;
}

/** Makes the disk smaller, or larger: entries of its last cluster stay. */
function resized(plan: ImagePlan, random: Random, folder: string): ImagePlan {
  const size = 512 * (1 + random.below((plan.size / 512) * 2));
  const { status } = qemuImg(['resize', '--shrink', DISK, String(size)], { cwd: folder });
  return status === 0 ? { ...plan, size } : plan;
}
