/** What the guest does with each place of its disk, as far as its file systems say: in use, free, or not known. */
import type { GuestDisk } from './disk';
import type { FreeSpace } from './diskFree';
import { placesOf } from './places';
import type { Ranges } from './ranges';
import { covered, without } from './ranges';

/** Three lists that share no place, all ascending. What is in none of them belongs to no file system that can be read. */
export interface DiskContents {
  /** Of file systems, but what they do not use. */
  readonly used: Ranges;
  /** Of file systems whose map of free space may not be believed: all of them counts as in use. */
  readonly doubted: Ranges;
  /** Of file systems, what they do not use; of volume groups, what no volume has. */
  readonly free: Ranges;
}

/** @param spaces as `freeRanges` finds them */
export function diskContents(disk: GuestDisk, spaces: readonly FreeSpace[]): DiskContents {
  const believed: Ranges[] = [];
  const doubtful: Ranges[] = [];
  for (const part of disk.parts) {
    if (part.system === undefined) continue;
    const own = spaces.find(({ source, path }) => source === 'fileSystem' && path === part.path);
    (own?.problems.length === 0 ? believed : doubtful).push(placesOf(disk, part, part.system.size));
  }
  const doubted = covered(doubtful);
  const free = without(covered(spaces.map(({ ranges }) => ranges)), doubted);
  return { used: without(covered(believed), covered([doubted, free])), doubted, free };
}
