/** What the guest does not use, as ranges of the disk that a shrink can give up. */
import type { GuestDisk } from '../guest/disk';
import type { FreeChoices, FreeSpace } from '../guest/diskFree';
import { GuestError, type GuestProblem } from '../guest/errors';
import type { GuestRange } from '../qcow2/edit/changeRequest';
import type { Layers } from '../qcow2/image/layer';
import type { Progress } from '../qcow2/progress';
import { guestOffset } from '../qcow2/units';
import { guestCode } from './guestCode';
import { openGuestDisk, partAt } from './guestDisk';

export interface GuestFree {
  /** Ascending, not touching each other. */
  readonly ranges: readonly GuestRange[];
  /** Where they come from, and what gives nothing and why. */
  readonly spaces: readonly FreeSpace[];
  /** Why parts of the disk are not looked into at all. */
  readonly unread: readonly GuestProblem[];
}

/**
 * @param layers complete
 * @param path of one partition or volume, nothing else is looked at then; empty for all
 * @throws GuestError where there is no such part, or nothing of it may be believed; EngineError, CancelledError
 */
export function findGuestFree(
  layers: Layers,
  path: string,
  choices: Omit<FreeChoices, 'extents'>,
  progress: Progress,
): GuestFree {
  const disk = openGuestDisk(layers);
  if (path !== '') partAt(disk, path);
  const all = guestCode().freeRanges(disk, { ...choices, extents: path === '' }, progress);
  const spaces = path === '' ? all : all.filter((space) => space.path === path);
  const [doubt] = spaces.flatMap(({ problems }) => problems);
  const hasSome = spaces.some(({ problems }) => problems.length === 0);
  if (!hasSome && doubt !== undefined) throw new GuestError(doubt.code, doubt);
  if (!hasSome && path !== '') throw new GuestError('guest.noFileSystem', { limit: path });
  const unread = disk.parts.flatMap(({ problem }) => problem ?? []);
  return { ranges: rangesOf(spaces), spaces, unread };
}

/** All that can be asked for. */
const EVERYTHING: FreeChoices = { extents: true, swap: true, unpartitioned: true };

export interface DiskSpaces {
  readonly disk: GuestDisk;
  readonly spaces: readonly FreeSpace[];
}

/**
 * Everything that a disk could give, each with what stands against it.
 * @param layers complete
 * @throws EngineError, CancelledError
 */
export function findSpaces(layers: Layers, progress: Progress): DiskSpaces {
  const disk = openGuestDisk(layers);
  return { disk, spaces: guestCode().freeRanges(disk, EVERYTHING, progress) };
}

/** @returns ascending, not touching each other within one space */
export function rangesOf(spaces: readonly FreeSpace[]): GuestRange[] {
  const ranges: GuestRange[] = [];
  for (const space of spaces)
    space.ranges.forEach((start, end) => {
      ranges.push([guestOffset(start), guestOffset(end)]);
    });
  return ranges.sort(([one], [other]) => one - other);
}
