/**
 * Space of a disk that may be given up: what its file systems do not use, extents of no logical volume, and, when asked for,
 * swap areas and unpartitioned space. All ranges are bytes of the disk. A source with any doubt gives nothing.
 */
import type { BlockDevice } from './blockDevice';
import type { DiskPart, GuestDisk } from './disk';
import { DiskDoubts } from './diskDoubts';
import { GuestError, type GuestProblem } from './errors';
import type { WalkProgress } from './fileSystem';
import { forEachPlace } from './places';
import { covered, Ranges, without } from './ranges';
import type { VolumeGroup } from './volumes/volumeGroup';

export interface FreeChoices {
  /** Extents that belong to no logical volume. */
  readonly extents: boolean;
  /** Swap areas, all but their header page. */
  readonly swap: boolean;
  /** Space that belongs to no partition. */
  readonly unpartitioned: boolean;
}

export const USUAL_CHOICES: FreeChoices = { extents: true, swap: false, unpartitioned: false };

export interface FreeSpace {
  readonly source: 'fileSystem' | 'extents' | 'swap' | 'unpartitioned';
  /** The part's path; the name of the volume group for extents; empty for unpartitioned space. */
  readonly path: string;
  /** Bytes of the disk, ascending, not touching each other, of no other source; empty where there are problems. */
  readonly ranges: Ranges;
  /** Why nothing of it is given up. */
  readonly problems: readonly GuestProblem[];
}

/** Steps that progress counts for each part. */
const STEPS = 1000;

/**
 * Finds out what is free, one file system after the other.
 * @throws whatever the device or `progress` throws; what is wrong with the disk is told in the result
 */
export function freeRanges(disk: GuestDisk, choices: FreeChoices, progress: WalkProgress): FreeSpace[] {
  const doubts = new DiskDoubts(disk);
  const claims = claimsOf(disk);
  const kept = covered([disk.table.places, covered(claims, 2)]);
  const result: FreeSpace[] = [];
  const total = disk.parts.length * STEPS;
  disk.parts.forEach((part, index) => {
    progress.checkCancelled();
    const source = sourceOf(part, choices);
    if (source !== undefined) {
      const { path } = part;
      const own = stepOf(progress, index * STEPS, total);
      const find = (add: (start: number, end: number) => void): void => {
        if (source === 'swap') addSwap(part, add);
        else
          part.system?.forEachFree((start, length) => {
            add(start, start + length);
          }, own);
      };
      const problems = [...doubts.of(part), ...(source === 'swap' ? swapProblems(part) : [])];
      result.push({ source, path, ...foundOn(disk, part, problems, kept, find) });
    }
    progress.report((index + 1) * STEPS, total);
  });
  if (choices.extents) for (const group of disk.groups) result.push(extentsOf(disk, group, doubts, claims));
  if (choices.unpartitioned) result.push(unpartitioned(disk, doubts));
  return result;
}

function sourceOf(part: DiskPart, choices: FreeChoices): 'fileSystem' | 'swap' | undefined {
  if (part.system !== undefined) return 'fileSystem';
  return choices.swap && part.signatures.some(({ kind }) => kind === 'swap') ? 'swap' : undefined;
}

const stepOf = (progress: WalkProgress, from: number, total: number): WalkProgress => ({
  report: (done, of) => {
    if (of > 0) progress.report(from + Math.floor(Math.min(1, done / of) * STEPS), total);
  },
  checkCancelled: () => {
    progress.checkCancelled();
  },
});

type Found = Pick<FreeSpace, 'ranges' | 'problems'>;

function foundOn(
  disk: GuestDisk,
  { device }: DiskPart,
  problems: readonly GuestProblem[],
  kept: Ranges,
  find: (add: (start: number, end: number) => void) => void,
): Found {
  const places = new Ranges();
  if (problems.length > 0 || device === undefined) return { ranges: places, problems };
  try {
    find((start, end) => {
      forEachPlace(disk.device, device, start, end, (from, to) => {
        places.add(from, to);
      });
    });
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return { ranges: new Ranges(), problems: [error.problem] };
  }
  return { ranges: without(covered([places]), kept), problems };
}

/**
 * What belongs to what, one list for each owner: partitions and logical volumes, and the labels and metadata of LVM2. A place
 * with two owners is left alone.
 */
function claimsOf(disk: GuestDisk): Ranges[] {
  const claims: Ranges[] = [];
  const claim = (device: BlockDevice, ranges: Ranges): void => {
    const places = new Ranges();
    ranges.forEach((start, end) => {
      forEachPlace(disk.device, device, start, end, (from, to) => {
        places.add(from, to);
      });
    });
    claims.push(covered([places]));
  };
  const physical = new Set(disk.groups.flatMap((group) => group.physicalVolumes));
  const devices = new Set<BlockDevice>(Array.from(physical, ({ device }) => device));
  for (const { origin, device } of disk.parts)
    if (device !== undefined && origin.kind !== 'volume' && !devices.has(device))
      claim(device, Ranges.of([0, device.size]));
  for (const { device, places } of physical) claim(device, places);
  for (const { taken } of disk.groups) for (const { device, ranges } of taken) claim(device, ranges);
  return claims;
}

/** All but the header page, as far as the header says that the area reaches. */
function addSwap({ signatures, device }: DiskPart, add: (start: number, end: number) => void): void {
  const [area] = signatures;
  if (area?.size === undefined || device === undefined) return;
  // The mark is in the last ten bytes of the header page.
  add(area.offset + 10, Math.min(area.size, device.size));
}

function swapProblems({ signatures, name, device }: DiskPart): GuestProblem[] {
  const [area] = signatures;
  if (area?.kind !== 'swap' || area.size === undefined) return [{ code: 'disk.notSwap', what: name }];
  const limit = device?.size ?? 0;
  return area.size <= limit ? [] : [{ code: 'disk.larger', what: name, value: area.size, limit }];
}

function extentsOf(
  disk: GuestDisk,
  group: VolumeGroup,
  doubts: DiskDoubts,
  claims: readonly Ranges[],
): FreeSpace {
  const problems = [...doubts.whole, ...doubts.ofGroup(group), ...group.freeProblems];
  const places = new Ranges();
  if (problems.length === 0)
    for (const { device, ranges } of group.free)
      ranges.forEach((start, end) => {
        forEachPlace(disk.device, device, start, end, (from, to) => {
          places.add(from, to);
        });
      });
  const ranges = without(covered([places]), covered([...claims, disk.table.places]));
  return { source: 'extents', path: group.name, ranges, problems };
}

function unpartitioned({ device, table }: GuestDisk, doubts: DiskDoubts): FreeSpace {
  const problems = [...doubts.whole, ...table.unpartitionedProblems];
  if (problems.length > 0) return { source: 'unpartitioned', path: '', ranges: new Ranges(), problems };
  const partitions = Ranges.of(
    ...table.partitions
      .filter(({ isExtended }) => !isExtended)
      .map(({ start, size }) => [start, start + size] as const),
  );
  const taken = covered([table.reserved, partitions]);
  return { source: 'unpartitioned', path: '', ranges: without(Ranges.of([0, device.size]), taken), problems };
}
