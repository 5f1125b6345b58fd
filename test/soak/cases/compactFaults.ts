/** Compaction, interrupted and failing at a sample of its calls (test/faults/compactExercise.ts). */
import * as fs from 'node:fs';
import { CompactExercise, type CompactTally } from '../../faults/compactExercise';
import { seededRandom, type Random } from '../../support/builder/random';
import { DISK } from '../../support/changes/imagePlan';
import { byBuilder } from '../../support/compaction';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import type { CasePlace, Counts } from '../kind';

export const COMPACT_OPTIONS = [
  'cluster_size=4k',
  'cluster_size=16k,extended_l2=on',
  'cluster_size=512',
  'compat=0.10,cluster_size=8k',
  'cluster_size=1k,refcount_bits=4',
  'cluster_size=512,refcount_bits=64',
  'compat=0.10,cluster_size=1k',
];
/** Violations that are told. */
const ENOUGH = 5;

export function compactFaults(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const options = random.below(2) === 0 ? 'built' : random.pick(COMPACT_OPTIONS);
  const { tally, violations } = exerciseCompaction(options, random, folder, 20);
  tell?.(`${options}: ${JSON.stringify(tally)}`);
  if (violations.length > 0) {
    throw new Error(`${options}: ${violations.length} violations\n${violations.slice(0, ENOUGH).join('\n')}`);
  }
  return { images: 1, operations: 1 + tally.failures, killPoints: tally.states };
}

/**
 * @param options of `qemu-img create`, or `built` for an image of the builder
 * @param most points and calls that are tried
 */
export function exerciseCompaction(
  options: string,
  random: Random,
  folder: string,
  most: number,
): { readonly tally: CompactTally; readonly violations: readonly string[] } {
  const disk = `${folder}/${DISK}`;
  const snapshots = options === 'built' ? byBuilder(random, folder) : ['kept'];
  const image = options === 'built' ? fs.readFileSync(disk) : imageToCompact(disk, options, random);
  const batchBytes = 2 ** (14 + random.below(6));
  const exercise = new CompactExercise(image, snapshots, random, folder, { most, qemuEvery: 25, batchBytes });
  exercise.run();
  return exercise;
}

/** An image with free clusters before others of every kind; `kept` is a snapshot of it. */
export function imageToCompact(disk: string, options: string, random: Random): Uint8Array {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, disk, '1M']);
  const isVersion3 = !options.includes('0.10');
  // What is freed in the end comes first.
  mustQemuIo(disk, [`write -P 1 0 ${128 + 16 * random.below(16)}k`]);
  mustQemuIo(disk, ['write -P 2 512k 64k']);
  // Narrow refcounts have no room for all streams of a cluster in two snapshots.
  if (!options.includes('refcount_bits=4')) mustQemuIo(disk, ['write -c -P 3 640k 64k']);
  if (isVersion3 && random.below(2) === 0) mustQemuImg(['bitmap', '--add', '-g', '4k', disk, 'dirty']);
  mustQemuImg(['snapshot', '-c', 'gone', disk]);
  mustQemuIo(disk, ['write -P 4 528k 128k', 'write -z -u 768k 64k', 'write -P 5 900k 64k']);
  mustQemuImg(['snapshot', '-c', 'kept', disk]);
  mustQemuIo(disk, ['write -P 6 544k 64k', `write -P 7 ${16 * random.below(40)}k 32k`]);
  mustQemuImg(['snapshot', '-d', 'gone', disk]);
  const freed = Array.from({ length: 1 + random.below(4) }, () => `discard ${32 * random.below(20)}k 64k`);
  // Not given to the file system, so the file keeps its length.
  mustQemuIo(disk, ['discard 0 64k', ...freed], {}, ['-d', 'unmap']);
  return fs.readFileSync(disk);
}
