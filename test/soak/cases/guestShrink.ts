/**
 * Shrinks a random image by what the file system on its disk does not use. Afterwards QEMU reads everything in use as before
 * and the rest as before or as zero, finds the image clean, and has given up every cluster of the image that lay in free
 * space; the file system's own checker says what it said before, and the reader sees the same files.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openDisk } from '../../../src/guest/disk';
import { READERS } from '../../../src/guest/readers';
import { openGuestDisk } from '../../../src/inside/guestDisk';
import { findGuestFree } from '../../../src/inside/guestFree';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { silent } from '../../../src/qcow2/progress';
import { seededRandom } from '../../support/builder/random';
import { MemoryDevice } from '../../support/guest/devices';
import { type PlacedDisk, placeDisk } from '../../support/guest/placedDisk';
import { type Guest, type GuestDiskBytes, onDisk, randomGuest } from '../../support/guest/randomGuest';
import { type TreeFile, treeOf } from '../../support/guest/tree';
import '../../support/guest/useGuest';
import { mustQemuImg } from '../../support/qemu';
import type { CasePlace, Counts } from '../kind';

const KINDS = ['ext', 'ext', 'ext', 'ext', 'fat', 'fat', 'fat', 'fat', 'ntfs', 'xfs', 'exfat'] as const;

export function guestShrink(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const guest = randomGuest(random.pick(KINDS), random, folder);
  const disk = onDisk(guest, random, folder);
  const placed = placeDisk(random, disk.bytes, folder, 1 + random.below(3));
  const policy = random.below(4) === 0 ? 'zero-flag' : 'unallocate';
  const words = `${guest.name}, ${disk.table} at ${disk.start}, ${policy}, ${placed.shape}`;
  tell?.(words);
  try {
    const given = new Judge(guest, disk, placed, folder).judge(policy);
    tell?.(`${given} clusters given up`);
    return { images: 1, operations: given };
  } catch (error) {
    throw new Error(words, { cause: error });
  }
}

const SECTOR = 512;
/** Bytes of files that are read: some have a hole of a terabyte. */
const LONGEST_FILE = 64 * 1024 * 1024;

class Judge {
  readonly #guest: Guest;
  readonly #disk: GuestDiskBytes;
  readonly #placed: PlacedDisk;
  readonly #folder: string;

  constructor(guest: Guest, disk: GuestDiskBytes, placed: PlacedDisk, folder: string) {
    this.#guest = guest;
    this.#disk = disk;
    this.#placed = placed;
    this.#folder = folder;
  }

  /** @returns clusters given up */
  judge(policy: 'unallocate' | 'zero-flag'): number {
    const before = this.#disk.bytes;
    const files = this.#files(before);
    const said = this.#checked(before);
    assert.ok(this.#read().equals(before), 'the image was made wrong');
    const wanted = this.#freeClusters();
    assert.deepEqual(this.#shrink(policy), files, 'files of the staged image');
    mustQemuImg(['check', '-q', this.#placed.path]);
    const after = this.#read();
    this.#judgeBytes(before, after);
    assert.equal(this.#checked(after), said);
    assert.deepEqual(this.#files(after), files);
    const left = this.#clustersWithData();
    const kept = wanted.filter((cluster) => left.has(cluster));
    assert.deepEqual(kept, [], `${kept.length} of ${wanted.length} free clusters are left`);
    return wanted.length;
  }

  #read(): Buffer {
    const raw = path.join(this.#folder, 'judge.raw');
    mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', this.#placed.path, raw]);
    return fs.readFileSync(raw);
  }

  #checked(disk: Buffer): string {
    const { start } = this.#disk;
    const file = path.join(this.#folder, 'checked.img');
    fs.writeFileSync(file, disk.subarray(start, start + this.#guest.bytes.length));
    return this.#guest.check(file);
  }

  #files(disk: Buffer): Map<string, TreeFile> {
    const [part] = openDisk(new MemoryDevice(disk), READERS).parts;
    return treeOf(part!.system!, LONGEST_FILE);
  }

  /** As the command does it. @returns the files before it is saved */
  #shrink(policy: 'unallocate' | 'zero-flag'): Map<string, TreeFile> {
    const options = { followsNames: true, scratchPath: path.join(this.#folder, 'scratch') };
    const image = EditableImage.open(this.#placed.path, options);
    try {
      const choices = { swap: false, unpartitioned: false };
      const { ranges, spaces } = findGuestFree(image.chain.layers, '', choices, silent);
      assert.deepEqual(
        spaces.map(({ problems }) => problems),
        [[]],
      );
      image.apply({ kind: 'shrink', sources: [], policy, guestFree: ranges });
      const files = treeOf(openGuestDisk(image.chain.layers).parts[0]!.system!, LONGEST_FILE);
      if (image.edits.unsaved > 0) image.save();
      return files;
    } catch (error) {
      if (error instanceof EngineError) throw new Error(JSON.stringify(error.problem), { cause: error });
      throw error;
    } finally {
      image.close();
    }
  }

  /** What is in use reads as before; the rest as before, or as zero. */
  #judgeBytes(before: Buffer, after: Buffer): void {
    const { start: first } = this.#disk;
    let at = 0;
    for (const [start, end] of this.#guest.free) {
      assert.ok(
        after.subarray(at, first + start).equals(before.subarray(at, first + start)),
        `used at ${at}`,
      );
      at = first + end;
    }
    assert.ok(after.subarray(at).equals(before.subarray(at)), `used at ${at}`);
    const { clusterSize } = this.#placed.top;
    // The smallest unit that is given up.
    const unit = Math.max(512, clusterSize / 32);
    const zeroes = Buffer.alloc(unit);
    for (let place = 0; place < after.length; place += unit) {
      const now = after.subarray(place, place + unit);
      assert.ok(
        now.equals(before.subarray(place, place + unit)) || now.equals(zeroes.subarray(0, now.length)),
        `free at ${place}`,
      );
    }
  }

  /** Numbers of the image's own clusters with data, all of which lies in free space. */
  #freeClusters(): number[] {
    const { top } = this.#placed;
    const { clusterSize } = top;
    const hasParts = [...top.states.values()].some(({ kind }) => kind === 'subclusters');
    const isUsed = this.#usedSectors();
    const [some, used] = [new Set<number>(), new Set<number>()];
    for (const { start, length, kind } of top.runs()) {
      if (kind !== 'data' && kind !== 'compressed') continue;
      const unit = kind === 'data' && hasParts ? clusterSize / 32 : clusterSize;
      for (let at = start; at < start + length; at += unit) {
        const cluster = Math.floor(at / clusterSize);
        some.add(cluster);
        if (isUsed.subarray(at / SECTOR, (at + unit) / SECTOR).includes(1)) used.add(cluster);
      }
    }
    return [...some].filter((cluster) => !used.has(cluster));
  }

  /** 1 for each sector of the disk that does not lie in free space. */
  #usedSectors(): Uint8Array {
    const { bytes, start: first } = this.#disk;
    const sectors = new Uint8Array(bytes.length / SECTOR).fill(1);
    for (const [start, end] of this.#guest.free)
      sectors.fill(0, (first + start) / SECTOR, (first + end) / SECTOR);
    return sectors;
  }

  /** Numbers of the image's own clusters that QEMU finds data in. */
  #clustersWithData(): Set<number> {
    const text = mustQemuImg(['map', '--output=json', this.#placed.path]).toString();
    const map = JSON.parse(text) as { start: number; length: number; depth: number; data: boolean }[];
    const { clusterSize } = this.#placed.top;
    const clusters = new Set<number>();
    for (const { start, length, depth, data } of map)
      if (depth === 0 && data)
        for (let at = Math.floor(start / clusterSize); at * clusterSize < start + length; at++)
          clusters.add(at);
    return clusters;
  }
}
