/** Giving space back, interrupted and failing at every call (test/faults/giveBackExercise.ts). */
import * as fs from 'node:fs';
import { GiveBackExercise } from '../../faults/giveBackExercise';
import { seededRandom, type Random } from '../../support/builder/random';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import type { CasePlace, Counts } from '../kind';

const OPTIONS = [
  'cluster_size=4k',
  'cluster_size=16k,extended_l2=on',
  'cluster_size=512',
  'compat=0.10,cluster_size=8k',
  'cluster_size=1k,refcount_bits=4',
];
/** Violations that are told. */
const ENOUGH = 5;

export function giveBackFaults(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const options = random.pick(OPTIONS);
  const image = imageWithFreeSpace(`${folder}/disk.qcow2`, options, random);
  const exercise = new GiveBackExercise(image, ['kept'], random, folder);
  exercise.run();
  const { tally, violations } = exercise;
  tell?.(`${options}: ${JSON.stringify(tally)}`);
  if (violations.length > 0) {
    throw new Error(`${options}: ${violations.length} violations\n${violations.slice(0, ENOUGH).join('\n')}`);
  }
  return { images: 1, operations: 1 + tally.failures, killPoints: tally.states };
}

/** An image with free clusters here and there and at its end; `kept` is a snapshot of it. */
export function imageWithFreeSpace(disk: string, options: string, random: Random): Uint8Array {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, disk, '2M']);
  mustQemuIo(disk, ['write -P 1 0 512k']);
  mustQemuImg(['snapshot', '-c', 'kept', disk]);
  mustQemuIo(disk, ['write -P 2 128k 512k', 'write -P 3 1M 512k']);
  const unmap = Array.from(
    { length: 4 + random.below(4) },
    () => `write -z -u ${64 * random.below(22)}k 64k`,
  );
  // Not given to the file system, so the file keeps its length.
  mustQemuIo(disk, [...unmap, 'write -z -u 1472k 64k'], {}, ['-d', 'ignore']);
  return fs.readFileSync(disk);
}
