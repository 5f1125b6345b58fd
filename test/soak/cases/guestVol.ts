/**
 * Partition tables, LVM2 and signatures: damaged disks, which must end in nothing worse than problems, and a random partition
 * table made by sfdisk and a group made by lvm, where they are installed, which must be read as those read them.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { readPartitions } from '../../../src/guest/partitions/readPartitions';
import { type Random, seededRandom } from '../../support/builder/random';
import { changedMetadata, damagedDisk, exerciseDisk } from '../../support/guest/damagedDisk';
import { damagedImages } from '../../support/guest/exercise';
import { FileDevice } from '../../support/guest/devices';
import { type SfdiskTable, volDisks } from '../../support/guest/volDisks';
import { run } from '../../support/process';
import type { CasePlace, Counts } from '../kind';
import { canMakeVolumes, compareVolumes } from './guestLvm';

const DAMAGED = damagedImages(60);
const MiB = 1024 * 1024;
const SECTOR = 512;
/** Milliseconds: sfdisk waits until its table is on the disk of a machine that may be busy. */
const PATIENCE = 120_000;
/** Those that lead on to something; the others are for signatures. */
const LAYERED = [
  'gpt',
  'gpt-4k',
  'mbr',
  'mbr-logical',
  'mbr-extended-first',
  'lvm',
  'lvm',
  'lvm-others',
  'lvm-others',
];

export function guestVol(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  const kept = volDisks();
  for (let count = 0; count < DAMAGED; count++) {
    const name = random.below(3) > 0 ? random.pick(LAYERED) : random.pick(kept.names);
    const disk = kept.disk(name);
    // A file system, swap area or member of something in the first partition.
    if (random.below(2) === 0 && LAYERED.includes(name))
      for (const [block, bytes] of kept.disk(random.pick(kept.names)).blocks)
        if (block < 2048) disk.blocks.set(2048 + block, bytes);
    tell?.(`${count}: ${name}`);
    try {
      const isGroup = name.startsWith('lvm') && random.below(2) === 0;
      exerciseDisk(isGroup ? changedMetadata(disk, random) : damagedDisk(disk, random));
    } catch (error) {
      if (error instanceof Error) error.message += ` (damaged disk ${count}: ${name})`;
      throw error;
    }
  }
  const compared = compareTable(random, `${folder}/table.img`, tell);
  const isMaking = random.below(3) === 0 && canMakeVolumes();
  if (isMaking) compareVolumes(random, `${folder}/volumes.img`, tell);
  const made = compared + Number(isMaking);
  return { images: DAMAGED + made, operations: made };
}

/** @returns 1, or 0 where there is no sfdisk */
function compareTable(random: Random, file: string, tell: CasePlace['tell']): number {
  const size = (32 + random.below(512)) * MiB + random.below(8) * SECTOR;
  fs.writeFileSync(file, '');
  fs.truncateSync(file, size);
  const script = random.below(2) === 0 ? dosScript(random, size) : gptScript(random, size);
  tell?.(script);
  let made;
  try {
    made = run('sfdisk', ['--quiet', '--wipe=never', file], { input: script, timeout: PATIENCE });
  } catch {
    return 0;
  }
  assert.equal(made.status, 0, `${made.stderr}\n${script}`);
  const json = JSON.parse(String(run('sfdisk', ['--json', file]).stdout)) as {
    partitiontable: Omit<SfdiskTable, 'partitions'> & { partitions?: Record<string, string | number>[] };
  };
  const { id, label, partitions = [] } = json.partitiontable;
  const device = new FileDevice(file);
  const table = readPartitions(device);
  device.close();
  assert.deepEqual(table.problems, []);
  assert.equal(table.uuid, id.replace('0x', '').toLowerCase());
  assert.deepEqual(
    table.partitions.map(({ number, start, size: length, type, name, uuid, flags }) => ({
      node: `${file}${number}`,
      start: start / SECTOR,
      size: length / SECTOR,
      type: label === 'gpt' ? type.code.toUpperCase() : Number(type.code).toString(16),
      ...(label === 'gpt' ? { uuid: uuid?.toUpperCase() } : {}),
      ...(name === '' ? {} : { name }),
      ...(flags.includes('boot') ? { bootable: true } : {}),
    })),
    partitions,
    script,
  );
  return 1;
}

const NAMES = ['root', 'Dáta ☃', '日本語', 'a b c', 'x'.repeat(36)];
const GPT_TYPES = [
  '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  '01234567-89AB-CDEF-0123-456789ABCDEF',
];

function gptScript(random: Random, size: number): string {
  const lines = ['label: gpt', `table-length: ${random.pick([128, 128, 200, 256])}`];
  const numbers = random.shuffled(Array.from({ length: 120 }, (_, index) => index + 1));
  for (const [number, start, length] of stretches(random, size, numbers)) {
    const name = random.below(2) === 0 ? `, name="${random.pick(NAMES)}"` : '';
    lines.push(`${number}: start=${start}, size=${length}, type=${random.pick(GPT_TYPES)}${name}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Primary partitions in any order, and an extended one with logical ones among them. */
function dosScript(random: Random, size: number): string {
  const lines = ['label: dos'];
  const numbers = random.shuffled([1, 2, 3, 4]);
  const primary = stretches(random, size, numbers);
  const extended = random.below(primary.length + 1);
  primary.forEach(([number, start, length], index) => {
    const bootable = random.below(4) === 0 && index !== extended ? ', bootable' : '';
    const type =
      index === extended ? random.pick(['5', 'f', '85']) : random.pick(['83', '7', '82', 'c', '8e', 'a5']);
    lines.push(`${number}: start=${start}, size=${length}, type=${type}${bootable}`);
  });
  const container = primary[extended];
  if (container !== undefined) {
    const [, first, length] = container;
    let at = first + 2048;
    for (let number = 5; number < 5 + random.below(12) && at + 4096 < first + length; number++) {
      const own = Math.min(1 + random.below(6000), first + length - at);
      lines.push(`${number}: start=${at}, size=${own}, type=83`);
      at = Math.ceil((at + own) / 2048) * 2048 + 2048 * (1 + random.below(3));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Stretches in sectors that do not overlap, one for each number, as long as there is room. */
function stretches(random: Random, size: number, numbers: readonly number[]): [number, number, number][] {
  const result: [number, number, number][] = [];
  const end = Math.floor(size / SECTOR) - 2048;
  let at = 2048 * (1 + random.below(4));
  for (const number of numbers.slice(0, 1 + random.below(numbers.length))) {
    const length = 2048 * (1 + random.below(numbers.length > 4 ? 8 : 60)) - random.below(2000);
    if (at + length > end) break;
    result.push([number, at, length]);
    at = Math.ceil((at + length) / 2048) * 2048 + 2048 * random.below(3);
  }
  return result;
}
