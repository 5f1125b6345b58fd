/**
 * NTFS: damaged copies of the kept volumes, which must end in nothing but problems; and one random volume, filled by wimlib
 * and, where it can be mounted, changed by NTFS-3G: names, contents, streams and free clusters against the judges.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { GuestError } from '../../../src/guest/errors';
import type { FileExtent, FileSystem } from '../../../src/guest/fileSystem';
import { openNtfs } from '../../../src/guest/ntfs/ntfs';
import { seededRandom, type Random } from '../../support/builder/random';
import { FileDevice, MemoryDevice } from '../../support/guest/devices';
import { damaged, damagedImages, exerciseDamaged, exerciseSystem } from '../../support/guest/exercise';
import {
  fillVolume,
  judgedFree,
  judgedTree,
  makeFolder,
  makeVolume,
  readTree,
} from '../../support/guest/ntfs';
import { keptVolumes } from '../../support/guest/ntfsVolumes';
import { freeOf } from '../../support/guest/tree';
import { run } from '../../support/process';
import type { CasePlace, Counts } from '../kind';

const DAMAGED = damagedImages(24);

export function guestNtfs(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  for (let count = 0; count < DAMAGED; count++) damageOne(random, tell);
  return { images: DAMAGED + 1, operations: compareOne(random, folder, tell) };
}

function damageOne(random: Random, tell: CasePlace['tell']): void {
  const { name, bytes } = random.pick(keptVolumes());
  tell?.(name);
  if (random.below(4) === 0) {
    exerciseDamaged(openNtfs, bytes, random);
    return;
  }
  // Rather in the table of records, or in another place with structures.
  const copy = bytes.slice();
  for (let count = 1 + random.below(3); count > 0; count--) {
    const { start, length } = structures(bytes, random);
    const part = damaged(copy.subarray(start, start + length), random);
    copy.set(part, start);
  }
  exerciseSystem(openNtfs, new MemoryDevice(copy));
}

/** A stretch of the table of records, of the root folder, or of any other folder or file. */
function structures(bytes: Uint8Array, random: Random): { start: number; length: number } {
  const system = openNtfs(new MemoryDevice(bytes));
  const placed = extentsOf(system, random.pick([0, 0, 0, 5, 24 + random.below(200)]));
  const { place, length } =
    placed.length > 0 ? random.pick(placed) : { place: system.blockSize * 4, length: 0 };
  const most = Math.min(length, 8192 + random.below(65_536));
  // `damaged` leaves less than a block alone.
  return { start: Math.min(place!, bytes.length - 8192), length: Math.max(8192, most) };
}

function extentsOf(system: FileSystem, file: number): FileExtent[] {
  try {
    return [...system.extents(file)].filter(({ place }) => place !== undefined);
  } catch (error) {
    // The record is free.
    if (!(error instanceof GuestError)) throw error;
    return [];
  }
}

const CLUSTERS = [512, 1024, 2048, 4096, 8192, 65_536];

/** @returns changes made */
function compareOne(random: Random, folder: string, tell: CasePlace['tell']): number {
  const image = `${folder}/i.img`;
  const cluster = random.pick(CLUSTERS);
  const size = (cluster === 65_536 ? 128 : 24 + random.below(40)) * 1024 * 1024 + 512 * random.below(100);
  const sector = random.below(5) === 0 && cluster >= 4096 ? 4096 : 512;
  makeVolume(image, { size: sector === 4096 ? size - (size % 4096) : size, cluster, sector });
  const source = `${folder}/source`;
  fs.mkdirSync(source);
  makeFolder(source, random, 20 + random.below(300));
  fillVolume(image, source);
  fs.rmSync(source, { recursive: true });
  const changes = changeMounted(random, image, `${folder}/mounted`);
  tell?.(`clusters of ${cluster}, ${size} bytes, ${changes} changes`);
  const device = new FileDevice(image, sector);
  try {
    const system = openNtfs(device);
    assert.deepEqual(system.doubts, []);
    assert.deepEqual(sorted(readTree(system)), sorted(judgedTree(image)));
    assert.deepEqual(freeOf(system), judgedFree(image));
  } finally {
    device.close();
  }
  fs.rmSync(image);
  return changes;
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

/** Writes, deletes, renames, cuts and compresses files. @returns changes made: 0 where nothing can be mounted */
function changeMounted(random: Random, image: string, at: string): number {
  fs.mkdirSync(at);
  const canMount = process.getuid?.() === 0 && fs.existsSync('/dev/fuse');
  if (!canMount || run('ntfs-3g', ['-o', 'streams_interface=windows,compression', image, at]).status !== 0)
    return 0;
  try {
    const files: string[] = [];
    const count = 50 + random.below(400);
    for (let index = 0; index < count; index++) change(random, at, files, index);
    return count;
  } finally {
    unmount(at);
  }
}

function change(random: Random, at: string, files: string[], index: number): void {
  const some = files.length === 0 ? undefined : random.pick(files);
  try {
    switch (some === undefined ? 0 : random.below(9)) {
      case 0:
      case 1: {
        const path = `${at}/file ${index}`;
        fs.writeFileSync(path, content(random));
        files.push(path);
        break;
      }
      case 2:
      case 3:
        fs.appendFileSync(some!, content(random));
        break;
      case 4:
        fs.rmSync(some!);
        files.splice(files.indexOf(some!), 1);
        break;
      case 5:
        fs.truncateSync(some!, random.below(400_000));
        break;
      case 6:
        fs.writeFileSync(`${some!}:stream ${random.below(8)}`, content(random));
        break;
      case 7:
        writePieces(random, some!);
        break;
      default: {
        // New files of a compressed folder are compressed; these are moved out of it.
        const folder = `${at}/compressed`;
        if (!fs.existsSync(folder)) {
          fs.mkdirSync(folder);
          run('setfattr', ['-n', 'system.ntfs_attrib_be', '-v', '0x00000810', folder]);
        }
        const path = `${folder}/file ${index}`;
        fs.writeFileSync(path, content(random));
        files.push(path);
      }
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOSPC' && code !== 'EOPNOTSUPP') throw error;
  }
}

/** One piece, or so many with holes between them that the file needs more than one record. */
function writePieces(random: Random, path: string): void {
  const count = random.below(3) === 0 ? 400 : 1;
  const start = random.below(2_000_000);
  const gap = 1_000 + random.below(10_000);
  const file = fs.openSync(path, 'r+');
  try {
    for (let index = 0; index < count; index++) {
      const bytes = count === 1 ? content(random) : Buffer.from(`piece ${index}, `.repeat(30));
      fs.writeSync(file, bytes, 0, undefined, start + index * gap);
    }
  } finally {
    fs.closeSync(file);
  }
}

/** Noise, numbers, or zeroes, and often some of each. */
function content(random: Random): Buffer {
  const parts = Array.from({ length: 1 + random.below(4) }, () => {
    const size = random.below(random.pick([100, 5_000, 150_000]));
    const bytes = Buffer.alloc(size);
    const kind = random.below(3);
    if (kind === 0) for (let at = 0; at < size; at++) bytes[at] = random.below(256);
    else if (kind === 1) bytes.write(`${random.below(1e6)} and `.repeat(Math.ceil(size / 5)), 'latin1');
    return bytes;
  });
  return Buffer.concat(parts);
}

function unmount(at: string): void {
  for (let attempt = 0; attempt < 50; attempt++) {
    if (run('umount', [at]).status === 0) break;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  // NTFS-3G writes the rest when its process ends, which umount does not wait for.
  for (let attempt = 0; attempt < 100 && isUsed(at); attempt++)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
}

/** Whether a process was started with the path as its last argument. */
function isUsed(at: string): boolean {
  return fs.readdirSync('/proc').some((id) => {
    try {
      return /^\d+$/.test(id) && fs.readFileSync(`/proc/${id}/cmdline`, 'utf8').endsWith(`\0${at}\0`);
    } catch {
      return false;
    }
  });
}
