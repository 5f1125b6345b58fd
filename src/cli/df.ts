/** `qcow2 df`: the partitions and volumes of the disk, how full they are, and whether their free space can be believed. */
import type { DiskPart, GuestDisk } from '../guest/disk';
import type { FreeSpace } from '../guest/diskFree';
import { isGuestError } from '../guest/errors';
import type { WalkProgress } from '../guest/fileSystem';
import { describeGuest } from '../inside/describeGuest';
import { guestCode } from '../inside/guestCode';
import { printable } from '../text/printable';
import { type JsonValue, qemuJson } from '../text/qemuJson';
import { sizeText } from '../text/sizeText';
import { withGuestDisk } from './inside';
import { writeTable } from './textTable';
import type { Run } from './verb';

/** Nothing but what the file systems themselves do not use. */
const CHOICES = { extents: false, swap: false, unpartitioned: false };

/** What is known of one part. */
interface Filled {
  readonly part: DiskPart;
  readonly kind: string;
  readonly label: string;
  readonly uuid: string | undefined;
  /** Bytes; undefined where they cannot be counted. */
  readonly used: number | undefined;
  /** Absent where there is no file system that can be read. */
  readonly free?: FreeSpace;
  /** Why it cannot be looked into. */
  readonly problem?: string;
}

export const df: Run<'df'> = (args) => {
  const { FILE: file } = args.operands;
  return withGuestDisk(file, '', (disk) => {
    const progress = args.progress();
    try {
      const filled = fillOf(disk, progress);
      const write = (text: string): void => {
        args.output.write(Buffer.from(text));
      };
      if (args.options.output === 'json') write(`${qemuJson(diskJson(file, disk, filled))}\n`);
      else writeText(disk, filled, write);
    } finally {
      progress.clear();
    }
    return undefined;
  });
};

function fillOf(disk: GuestDisk, progress: WalkProgress): Filled[] {
  const free = new Map(
    guestCode()
      .freeRanges(disk, CHOICES, progress)
      .map((space) => [space.path, space]),
  );
  return disk.parts.map((part) => {
    const { system, problem, signatures } = part;
    const [signature] = signatures;
    const space = free.get(part.path);
    return {
      part,
      kind: system?.kind ?? signatures.map(({ name }) => name).join(', '),
      label: system?.label ?? signature?.label ?? '',
      uuid: system?.uuid ?? signature?.uuid,
      used: system === undefined ? undefined : tried(() => system.used(progress)),
      ...(system === undefined || space === undefined ? {} : { free: space }),
      ...(system !== undefined || problem === undefined ? {} : { problem: describeGuest(problem) }),
    };
  });
}

function tried<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (isGuestError(error)) return undefined;
    throw error;
  }
}

const TABLE_NAMES = { gpt: 'GPT', mbr: 'MBR', none: 'no partition table' } as const;

function writeText(
  { table, device, problems }: GuestDisk,
  filled: readonly Filled[],
  write: (text: string) => void,
): void {
  write(`Disk of ${sizeText(device.size)}, ${TABLE_NAMES[table.kind]}\n`);
  const rows = filled.map(({ part, kind, label, used, free }) => [
    part.path === '' ? '/' : part.path,
    sizeText(part.size),
    used === undefined ? '-' : sizeText(used),
    free === undefined || free.problems.length > 0 ? '-' : sizeText(free.ranges.bytes),
    kind === '' ? '-' : kind,
    printable(label),
  ]);
  const heading = ['part', 'size', 'used', 'free', 'kind', 'label'];
  writeTable([heading, ...rows], ['left', 'right', 'right', 'right', 'left', 'left'], write, '  ');
  const notes = [...problems.map((problem) => describeGuest(problem)), ...filled.flatMap(notesOf)];
  if (notes.length > 0) write(`\n${[...new Set(notes)].join('\n')}\n`);
}

function notesOf({ part, free, problem }: Filled): string[] {
  const place = part.path === '' ? 'disk' : part.path;
  if (problem !== undefined) return [`${place}: ${problem}`];
  return (free?.problems ?? []).map(
    (doubt) => `${place}: the free space cannot be believed: ${describeGuest(doubt)}`,
  );
}

const diskJson = (
  filename: string,
  { table, device, problems }: GuestDisk,
  filled: readonly Filled[],
): JsonValue => ({
  filename,
  'virtual-size': device.size,
  'partition-table': table.kind,
  parts: filled.map(({ part, kind, label, uuid, used, free, problem }) => ({
    path: part.path,
    size: part.size,
    kind,
    label,
    uuid,
    used,
    free: free === undefined || free.problems.length > 0 ? undefined : free.ranges.bytes,
    doubts: free?.problems.map((doubt) => describeGuest(doubt)),
    problem,
  })),
  problems: problems.map((problem) => describeGuest(problem)),
});
