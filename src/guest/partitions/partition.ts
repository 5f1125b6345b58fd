/** Partitions and partition tables, as all kinds of tables describe them. */
import type { BlockDevice } from '../blockDevice';
import type { GuestProblem } from '../errors';
import type { Ranges } from '../ranges';
import type { DeviceOffset } from '../units';

export interface PartitionType {
  /** `0x83` in an MBR; a GUID in a GPT. */
  readonly code: string;
  /** In words; the code where its meaning is not known. */
  readonly name: string;
}

export interface Partition {
  /** As Linux numbers them: `sda5` is 5. */
  readonly number: number;
  readonly start: DeviceOffset;
  /** Bytes. */
  readonly size: number;
  readonly type: PartitionType;
  /** Empty where there is none: only a GPT has names. */
  readonly name: string;
  /** As `blkid` prints it (PARTUUID). */
  readonly uuid: string | undefined;
  /** In words: `boot`, `required`, `read-only`. */
  readonly flags: readonly string[];
  /** Whether it only holds the logical partitions of an MBR; its first sector is part of the table. */
  readonly isExtended: boolean;
  /** Absent for an extended partition, and where the partition is not wholly on the disk or overlaps another one. */
  readonly device: BlockDevice | undefined;
  /** What is wrong with it. */
  readonly problem: GuestProblem | undefined;
}

export interface PartitionTable {
  readonly kind: 'mbr' | 'gpt' | 'none';
  /** As `blkid` prints it (PTUUID). */
  readonly uuid: string | undefined;
  /** Bytes that the table counts in. */
  readonly sectorSize: number;
  /** Ascending by number. */
  readonly partitions: readonly Partition[];
  /** What was found on the way, problems of single partitions included. */
  readonly problems: readonly GuestProblem[];
  /** Those problems for which no file system of the disk may be believed. */
  readonly doubts: readonly GuestProblem[];
  /** Where the table itself lies: the MBR, EBRs, both GPTs. Ascending. */
  readonly places: Ranges;
  /**
   * What is never given up as unpartitioned: the tables themselves, everything in front of the first partition (boot loaders), the last MiB.
   * Ascending.
   */
  readonly reserved: Ranges;
  /** Why space that belongs to no partition may not be given up; empty where it may. */
  readonly unpartitionedProblems: readonly GuestProblem[];
}

/** A partition before it is compared with the disk and the other ones. */
export interface FoundPartition extends Omit<Partition, 'start' | 'device'> {
  /** Bytes; may lie beyond the end of the disk. */
  readonly start: number;
}

/** What a reader of one kind of table finds. */
export interface FoundTable {
  readonly kind: 'mbr' | 'gpt';
  readonly uuid: string | undefined;
  readonly partitions: readonly FoundPartition[];
  readonly problems: readonly GuestProblem[];
  readonly doubts: readonly GuestProblem[];
  /** Where the table itself lies, `[start, end)`. */
  readonly places: readonly (readonly [number, number])[];
}
