/**
 * The whole picture of a disk: its partition table, and everything that may hold a file system: the whole disk, partitions,
 * logical volumes. Tables are read at once; what a part holds is found out when it is first asked for.
 */
import { type BlockDevice, CachedDevice } from './blockDevice';
import { GuestError, type GuestProblem } from './errors';
import type { FileSystem } from './fileSystem';
import type { Partition, PartitionTable } from './partitions/partition';
import { readPartitions } from './partitions/readPartitions';
import { type Signature, type SignatureKind, signaturesOf } from './probe';
import { readVolumes } from './volumes/readVolumes';
import type { LogicalVolume, VolumeGroup } from './volumes/volumeGroup';

/** How file systems are opened; kinds without a reader are named only. Readers throw a GuestError. */
export type Readers = Readonly<Partial<Record<SignatureKind, (device: BlockDevice) => FileSystem>>>;

export type PartOrigin =
  | { readonly kind: 'disk' }
  | { readonly kind: 'partition'; readonly partition: Partition }
  | { readonly kind: 'volume'; readonly volume: LogicalVolume; readonly group: VolumeGroup };

export interface GuestDisk {
  /** The device that was opened; parts lead to it. */
  readonly device: BlockDevice;
  readonly table: PartitionTable;
  readonly groups: readonly VolumeGroup[];
  /** Partitions in their order, or the whole disk where there are none; logical volumes then. */
  readonly parts: readonly DiskPart[];
  /** What was found wrong on the way, with the table and with logical volumes. */
  readonly problems: readonly GuestProblem[];
}

/**
 * @throws whatever the device itself throws; what is wrong with the disk is told in it
 */
export function openDisk(disk: BlockDevice, readers: Readers): GuestDisk {
  const table = readPartitions(disk);
  const origins = table.partitions
    .filter(({ isExtended }) => !isExtended)
    .map((partition): PartOrigin => ({ kind: 'partition', partition }));
  if (table.partitions.length === 0) origins.push({ kind: 'disk' });
  const devices = origins.flatMap((origin) => deviceOf(origin, disk) ?? []);
  const { groups, problems } = readVolumes(devices);
  const names = new Map<BlockDevice, string>();
  for (const { name, physicalVolumes } of groups)
    for (const volume of physicalVolumes) names.set(volume.device, name);
  const volumes = groups.flatMap((group) =>
    group.volumes.map((volume): PartOrigin => ({ kind: 'volume', volume, group })),
  );
  return {
    device: disk,
    table,
    groups,
    parts: [...origins, ...volumes].map((origin) => {
      const own = deviceOf(origin, disk);
      return new DiskPart(origin, own, readers, own && names.get(own));
    }),
    problems: [...table.problems, ...problems, ...groups.flatMap((group) => group.problems)],
  };
}

function deviceOf(origin: PartOrigin, disk: BlockDevice): BlockDevice | undefined {
  switch (origin.kind) {
    case 'disk':
      return disk;
    case 'partition':
      return origin.partition.device;
    case 'volume':
      return origin.volume.device;
  }
}

/** Something on a disk that may hold a file system. */
export class DiskPart {
  /** What paths of its files begin with: `1`, `vg0/root`; empty for the whole disk. */
  readonly path: string;
  #signatures: readonly Signature[] | undefined;
  #opened: { readonly system?: FileSystem; readonly problem?: GuestProblem } | undefined;

  /** @param group whose physical volume it is */
  constructor(
    readonly origin: PartOrigin,
    /** Undefined where it cannot be read; `problem` says why. */
    readonly device: BlockDevice | undefined,
    readonly readers: Readers,
    readonly group: string | undefined,
  ) {
    this.path =
      origin.kind === 'disk'
        ? ''
        : origin.kind === 'partition'
          ? String(origin.partition.number)
          : origin.volume.path;
  }

  /** As sentences name it. */
  get name(): string {
    const { origin } = this;
    return origin.kind === 'disk'
      ? 'disk'
      : origin.kind === 'partition'
        ? `partition ${this.path}`
        : this.path;
  }

  /** Bytes. */
  get size(): number {
    const { origin } = this;
    if (this.device !== undefined) return this.device.size;
    return origin.kind === 'partition'
      ? origin.partition.size
      : origin.kind === 'volume'
        ? origin.volume.size
        : 0;
  }

  /** What it holds, as marks say. */
  get signatures(): readonly Signature[] {
    return (this.#signatures ??= this.device === undefined ? [] : signaturesOf(this.device));
  }

  /** Undefined where there is none that can be read; `problem` says why. */
  get system(): FileSystem | undefined {
    return (this.#opened ??= this.#open()).system;
  }

  get problem(): GuestProblem | undefined {
    return (this.#opened ??= this.#open()).problem;
  }

  #open(): { readonly system?: FileSystem; readonly problem?: GuestProblem } {
    const { device } = this;
    if (device === undefined) return { problem: this.#unreadable() };
    let problem: GuestProblem | undefined;
    for (const { kind } of this.signatures) {
      try {
        // Metadata is read in small pieces.
        const system = this.readers[kind]?.(new CachedDevice(device));
        if (system !== undefined) return { system };
      } catch (error) {
        if (!(error instanceof GuestError)) throw error;
        problem ??= error.problem;
      }
    }
    return { problem: problem ?? this.#unopened() };
  }

  #unreadable(): GuestProblem {
    const { origin } = this;
    const problem =
      origin.kind === 'partition'
        ? origin.partition.problem
        : origin.kind === 'volume'
          ? origin.volume.problems[0]
          : undefined;
    return problem ?? { code: 'disk.nothing', what: this.name };
  }

  #unopened(): GuestProblem {
    const what = this.name;
    if (this.group !== undefined) return { code: 'disk.volumes', what, value: this.group };
    const [first] = this.signatures;
    return first === undefined
      ? { code: 'disk.nothing', what }
      : { code: 'disk.notYet', what, value: first.name };
  }
}
