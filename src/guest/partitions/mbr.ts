/**
 * The Master Boot Record: four entries in the first sector, and a chain of extended boot records (EBR), each with one
 * logical partition and a link. Which entries count follows Linux (block/partitions/msdos.c), so that numbers are the same.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import { Fields } from '../fields';
import type { FoundPartition, FoundTable } from './partition';
import { mbrType } from './typeNames';

/** Of the boot record, however long the sector is. */
const RECORD = 512;
const FIRST_ENTRY = 446;
const ENTRY = 16;
const SIGNATURE_AT = 510;
const SIGNATURE = 0xaa55;
const DISK_ID_AT = 440;
const EXTENDED = new Set([0x05, 0x0f, 0x85]);
const PROTECTIVE = 0xee;
const ACTIVE = 0x80;
const FIRST_LOGICAL = 5;
/** Links of a chain beyond which it is not followed; Linux follows 256. */
const MOST_RECORDS = 10_000;

/** An entry that is in use. */
export interface MbrEntry {
  /** From 0 on. */
  readonly index: number;
  readonly isActive: boolean;
  readonly type: number;
  /** Sectors. */
  readonly start: number;
  readonly count: number;
}

export interface Mbr {
  /** 0 where there is none. */
  readonly diskId: number;
  readonly entries: readonly MbrEntry[];
}

/** @returns undefined where the first sector holds no partition table */
export function readMbr(disk: BlockDevice): Mbr | undefined {
  if (disk.size < RECORD) return undefined;
  const sector = new Fields(readBytes(disk, 0, RECORD, 'MBR'));
  if (sector.u16(SIGNATURE_AT) !== SIGNATURE) return undefined;
  // Boot sectors of file systems end in the same signature, and have code where an MBR has its entries.
  for (let index = 0; index < 4; index++)
    if ((sector.u8(FIRST_ENTRY + index * ENTRY) & ~ACTIVE) !== 0) return undefined;
  return { diskId: sector.u32(DISK_ID_AT), entries: entriesOf(sector) };
}

export const isProtectiveType = (type: number): boolean => type === PROTECTIVE;

/** Whether it announces a GPT. */
export const isProtective = ({ entries }: Mbr): boolean => entries.some(({ type }) => type === PROTECTIVE);

function entriesOf(sector: Fields): MbrEntry[] {
  return [0, 1, 2, 3]
    .map((index) => {
      const at = FIRST_ENTRY + index * ENTRY;
      return {
        index,
        isActive: sector.u8(at) === ACTIVE,
        type: sector.u8(at + 4),
        start: sector.u32(at + 8),
        count: sector.u32(at + 12),
      };
    })
    .filter(({ type, count }) => type !== 0 && count !== 0);
}

/** @param sectorSize bytes that the table counts in */
export function readMbrTable(disk: BlockDevice, mbr: Mbr, sectorSize: number): FoundTable {
  const id = mbr.diskId === 0 ? undefined : mbr.diskId.toString(16).padStart(8, '0');
  const chains = new Chains(disk, sectorSize, id);
  const primary = mbr.entries.map((entry) =>
    partitionOf(entry, entry.index + 1, entry.start * sectorSize, sectorSize, id),
  );
  for (const partition of primary) if (partition.isExtended) chains.follow(partition);
  return {
    kind: 'mbr',
    uuid: id,
    partitions: [...primary, ...chains.logical],
    problems: chains.problems,
    // Partitions that were not found have no owner.
    doubts: chains.problems,
    places: [[0, sectorSize], ...chains.records],
  };
}

/** @param start bytes */
function partitionOf(
  entry: MbrEntry,
  number: number,
  start: number,
  sectorSize: number,
  id: string | undefined,
): FoundPartition {
  const type = mbrType(entry.type);
  return {
    number,
    start,
    size: entry.count * sectorSize,
    type,
    name: '',
    uuid: id === undefined ? undefined : `${id}-${number.toString(16).padStart(2, '0')}`,
    flags: entry.isActive ? ['boot'] : [],
    isExtended: EXTENDED.has(entry.type),
    problem:
      start === 0
        ? { code: 'guest.value', what: `partition ${number}`, offset: 0, value: 0, limit: '≥ 1' }
        : undefined,
  };
}

/** The logical partitions, in the order in which Linux finds them. */
class Chains {
  readonly logical: FoundPartition[] = [];
  readonly problems: GuestProblem[] = [];
  /** Where the records are, `[start, end)`. */
  readonly records: (readonly [number, number])[] = [];
  readonly #seen = new Set<number>();

  constructor(
    readonly disk: BlockDevice,
    readonly sectorSize: number,
    readonly id: string | undefined,
  ) {}

  /** Follows the chain of an extended partition as far as it can be read. */
  follow(extended: FoundPartition): void {
    try {
      let at: number | undefined = extended.start;
      while (at !== undefined) at = this.#record(at, extended);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.problems.push(error.problem);
    }
  }

  /** @returns where the next record is */
  #record(at: number, extended: FoundPartition): number | undefined {
    const what = 'EBR';
    const end = extended.start + extended.size;
    if (at < extended.start || at >= end)
      throw new GuestError('guest.beyond', { what, offset: at, value: at, limit: end });
    if (this.#seen.has(at)) throw new GuestError('guest.loop', { what, offset: at });
    if (this.#seen.size >= MOST_RECORDS)
      throw new GuestError('guest.tooMany', { what, value: this.#seen.size, limit: MOST_RECORDS });
    const sector = new Fields(readBytes(this.disk, at, RECORD, what));
    this.#seen.add(at);
    this.records.push([at, at + this.sectorSize]);
    const signature = sector.u16(SIGNATURE_AT);
    if (signature !== SIGNATURE)
      throw new GuestError('guest.value', { what, offset: at, value: signature, limit: SIGNATURE });
    const entries = entriesOf(sector);
    for (const entry of entries) if (!EXTENDED.has(entry.type)) this.#add(entry, at, extended);
    const link = entries.find(({ type }) => EXTENDED.has(type));
    return link && extended.start + link.start * this.sectorSize;
  }

  #add(entry: MbrEntry, record: number, extended: FoundPartition): void {
    const start = record + entry.start * this.sectorSize;
    const end = start + entry.count * this.sectorSize;
    const limit = extended.start + extended.size;
    const isInside = start >= extended.start && end <= limit;
    // Some systems leave rubbish in the last two entries.
    if (entry.index >= 2 && !isInside) return;
    const number = FIRST_LOGICAL + this.logical.length;
    const partition = partitionOf(entry, number, start, this.sectorSize, this.id);
    const problem: GuestProblem | undefined =
      entry.start === 0
        ? { code: 'guest.value', what: `partition ${number}`, offset: record, value: 0, limit: '≥ 1' }
        : isInside
          ? undefined
          : { code: 'guest.beyond', what: `partition ${number}`, offset: start, value: end, limit };
    this.logical.push({ ...partition, isExtended: false, problem });
  }
}
