/**
 * Why the free space of a part of a disk may not be believed, for all that its file system itself cannot know: what else is
 * on its device, and on the disk. The list of what is believed is short; everything else is a doubt.
 */
import type { DiskPart, GuestDisk } from './disk';
import { GuestError, type GuestProblem } from './errors';
import type { FileSystem } from './fileSystem';
import { type SignatureKind, signaturesOf } from './probe';

const RAID_KINDS: ReadonlySet<SignatureKind> = new Set<SignatureKind>(['mdraid', 'biosRaid', 'zfs']);
/** File systems that a hibernated Windows keeps open without marking them. */
const WINDOWS_KINDS: ReadonlySet<SignatureKind> = new Set<SignatureKind>(['ntfs', 'fat', 'exfat', 'refs']);
/** Marks of a hibernation file that is in use; Windows overwrites them when it has resumed. */
const HIBERNATION_MARKS = new Set(['HIBR', 'RSTR', 'HORM']);
const HIBERNATION_FILE = 'hiberfil.sys';

/** The doubts of a disk, found out once. */
export class DiskDoubts {
  #whole: readonly GuestProblem[] | undefined;
  #windows: readonly GuestProblem[] | undefined;
  readonly #own = new Map<DiskPart, readonly GuestProblem[]>();

  constructor(readonly disk: GuestDisk) {}

  /** For which nothing on the disk may be believed. */
  get whole(): readonly GuestProblem[] {
    return (this.#whole ??= [
      ...this.disk.table.doubts,
      ...outsidePartitions(this.disk),
      ...this.disk.parts.flatMap(hibernationOf),
    ]);
  }

  /** For which nothing may be believed that Windows may have open. */
  get windows(): readonly GuestProblem[] {
    return (this.#windows ??= this.disk.parts.flatMap(unknownHibernationOf));
  }

  /** Everything that makes the free space of a part doubtful; of its file system, too. */
  of(part: DiskPart): readonly GuestProblem[] {
    const isWindows = part.signatures.some(({ kind }) => WINDOWS_KINDS.has(kind));
    return [...this.whole, ...(isWindows ? this.windows : []), ...this.#below(part), ...this.#ownOf(part)];
  }

  /** Of the physical volumes that a logical volume's group has. */
  ofGroup(group: GuestDisk['groups'][number]): readonly GuestProblem[] {
    const devices = new Set(group.physicalVolumes.map(({ device }) => device));
    return this.disk.parts.flatMap((part) =>
      part.device !== undefined && devices.has(part.device) ? this.#ownOf(part) : [],
    );
  }

  #below({ origin }: DiskPart): readonly GuestProblem[] {
    if (origin.kind !== 'volume') return [];
    return [...origin.group.problems, ...origin.volume.problems, ...this.ofGroup(origin.group)];
  }

  #ownOf(part: DiskPart): readonly GuestProblem[] {
    let doubts = this.#own.get(part);
    if (doubts === undefined) this.#own.set(part, (doubts = ownDoubts(part)));
    return doubts;
  }
}

function ownDoubts(part: DiskPart): GuestProblem[] {
  const { name: what, signatures, system, device, origin } = part;
  const doubts: GuestProblem[] = [];
  if (origin.kind === 'partition' && origin.partition.problem !== undefined)
    doubts.push(origin.partition.problem);
  if (signatures.length > 1) {
    const value = signatures.map(({ name }) => name).join(', ');
    doubts.push({ code: 'disk.otherSignatures', what, value });
  }
  for (const { kind, name } of signatures)
    if (RAID_KINDS.has(kind)) doubts.push({ code: 'disk.raid', what, value: name });
  if (system !== undefined && device !== undefined) {
    if (system.size > device.size)
      doubts.push({ code: 'disk.larger', what, value: system.size, limit: device.size });
    doubts.push(...system.doubts);
  }
  return doubts;
}

/** Signatures of the whole disk beside a partition table, in places that belong to no partition. */
function outsidePartitions({ device, table }: GuestDisk): GuestProblem[] {
  const partitions = table.partitions.filter(({ isExtended }) => !isExtended);
  if (partitions.length === 0) return [];
  return signaturesOf(device)
    .filter(({ offset }) => !partitions.some(({ start, size }) => offset >= start && offset < start + size))
    .map(({ name, offset }): GuestProblem => ({ code: 'disk.outsidePartitions', value: name, offset }));
}

function hibernationOf(part: DiskPart): GuestProblem[] {
  const { name: what, signatures } = part;
  const marks = signatures.flatMap(({ hibernation }) => hibernation ?? []);
  if (signatures.some(({ kind }) => kind === 'ntfs') && part.system !== undefined) {
    const mark = told(part.system, windowsMark);
    if (typeof mark === 'string') marks.push(`${HIBERNATION_FILE}: ${mark}`);
  }
  return marks.map((value) => ({ code: 'disk.hibernated', what, value }));
}

/** Where Windows may be installed, and whether it is hibernated cannot be read. */
function unknownHibernationOf(part: DiskPart): GuestProblem[] {
  const { name: what, signatures, system } = part;
  const encrypted = signatures.find(({ kind }) => kind === 'bitlocker');
  if (encrypted !== undefined) return [{ code: 'disk.hibernationUnknown', what, value: encrypted.name }];
  if (!signatures.some(({ kind }) => kind === 'ntfs')) return [];
  const mark = system === undefined ? { problem: part.problem } : told(system, windowsMark);
  return typeof mark === 'object'
    ? [{ code: 'disk.hibernationUnknown', what, value: mark.problem?.code ?? 'NTFS' }]
    : [];
}

/** The mark at the start of the hibernation file; undefined where there is none, or it is not in use. */
function windowsMark(system: FileSystem): string | undefined {
  const { entries, problem } = system.list(system.root);
  const file = entries.find(({ name }) => name.toLowerCase() === HIBERNATION_FILE);
  if (file === undefined) {
    if (problem !== undefined) throw new GuestError(problem.code, problem);
    return undefined;
  }
  const bytes = new Uint8Array(4);
  const length = system.read(file.id, 0, bytes);
  const mark = String.fromCharCode(...bytes.subarray(0, length));
  return HIBERNATION_MARKS.has(mark.toUpperCase()) ? mark : undefined;
}

function told<T>(
  system: FileSystem,
  action: (system: FileSystem) => T,
): T | { readonly problem: GuestProblem } {
  try {
    return action(system);
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return { problem: error.problem };
  }
}
