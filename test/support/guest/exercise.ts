/** Damages the bytes of a device, and does with what is read of it all that can be done. */
import type { BlockDevice } from '../../../src/guest/blockDevice';
import { GuestError } from '../../../src/guest/errors';
import type { FileSystem } from '../../../src/guest/fileSystem';
import { forEachFile } from '../../../src/guest/walk';
import { silent } from '../../../src/qcow2/progress';
import type { Random } from '../builder/random';
import { MemoryDevice } from './devices';

/** Milliseconds of processor time that one file system may take, whatever it declares. */
const LONGEST = 2_000;
/** Bytes of each file that are read. */
const MOST_BYTES = 256 * 1024;

const SPECIAL = [0, 1, 2, 0x7f, 0x80, 0xff];

/** How many damaged images a case of soak tries: what the kind of case says, or `GUEST_DAMAGED` of the environment. */
export const damagedImages = (usual: number): number => Number(process.env['GUEST_DAMAGED'] ?? usual);

/** A damaged copy: some bytes and words changed where there was something, blocks moved, or the end cut off. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = random.below(12) === 0 ? bytes.slice(0, random.below(bytes.length)) : bytes.slice();
  for (let count = 1 + random.below(8); count > 0 && copy.length > 4096; count--) {
    const at = somewhereUsed(copy, random);
    switch (random.below(6)) {
      case 0:
        copy[at] = random.below(256);
        break;
      case 1:
        copy[at] = random.pick(SPECIAL);
        break;
      case 2:
        copy[at]! ^= 1 << random.below(8);
        break;
      case 3:
        // A whole word: a pointer, a length.
        copy.fill(random.pick(SPECIAL), at, at + random.pick([2, 4, 8]));
        break;
      case 4: {
        // A structure over another one, or over itself further on.
        const from = somewhereUsed(copy, random) & ~511;
        copy.copyWithin(at & ~511, from, from + random.pick([512, 1024, 4096]));
        break;
      }
      default: {
        const from = somewhereUsed(copy, random) & ~3;
        copy.copyWithin(at & ~3, from, from + 4);
      }
    }
  }
  return copy;
}

/** A place that is not amid zeroes, rather at the front. */
function somewhereUsed(bytes: Uint8Array, random: Random): number {
  let at = 0;
  for (let attempt = 0; attempt < 64; attempt++) {
    at = random.below(random.below(3) === 0 ? Math.min(bytes.length, 65_536) : bytes.length);
    if (bytes[at] !== 0) return at;
  }
  return at;
}

/**
 * Lists, reads and measures all that there is.
 * @param open as a reader offers it
 * @throws Error for whatever a hostile file system must not bring about: another error than a GuestError, too much time
 */
export function exerciseSystem(open: (device: BlockDevice) => FileSystem, device: BlockDevice): void {
  const started = process.cpuUsage();
  const system = tried(() => open(device));
  if (system === undefined) return;
  tried(() => system.used(silent));
  tried(() => {
    let end = -1;
    system.forEachFree((start, length) => {
      if (!(length > 0 && start > end && start + length <= device.size))
        throw new Error(`free: ${start}, ${length}`);
      end = start + length;
    }, silent);
  });
  const buffer = new Uint8Array(MOST_BYTES);
  let files = 0;
  tried(() => {
    forEachFile(
      system,
      system.root,
      ({ entry }) => {
        if (++files > 200_000) throw new Error('endless');
        tried(() => system.stat(entry.id));
        tried(() => system.read(entry.id, 0, buffer));
        tried(() => {
          let end = 0;
          let count = 0;
          for (const { at, length, place } of system.extents(entry.id)) {
            if (!(length > 0 && at >= end)) throw new Error(`extent: ${at}, ${length}`);
            if (place !== undefined && !(place >= 0 && place + length <= device.size))
              throw new Error(`extent beyond: ${place}`);
            end = at + length;
            if (++count > 100_000) throw new Error('endless extents');
          }
        });
      },
      () => undefined,
      silent,
    );
  });
  const { user, system: ofKernel } = process.cpuUsage(started);
  const took = (user + ofKernel) / 1000;
  if (took > LONGEST) throw new Error(`took ${took.toFixed(0)} ms`);
}

/** @returns undefined where the file system is at fault */
function tried<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof GuestError) return undefined;
    throw error;
  }
}

/** One damaged file system. */
export function exerciseDamaged(
  open: (device: BlockDevice) => FileSystem,
  bytes: Uint8Array,
  random: Random,
): void {
  exerciseSystem(open, new MemoryDevice(damaged(bytes, random)));
}
