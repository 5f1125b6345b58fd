/**
 * The GUID Partition Table (UEFI 5.3): a header in the second sector, an array of entries, and a backup of both whose header
 * is in the last sector.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { crc32 } from '../crc32';
import type { GuestProblem } from '../errors';
import { Fields, isPowerOfTwo } from '../fields';
import { isProtectiveType, type Mbr } from './mbr';
import type { FoundPartition, FoundTable } from './partition';
import { gptType } from './typeNames';

const SIGNATURE = 'EFI PART';
const LEAST_HEADER = 92;
const CHECKSUM_AT = 16;
const LEAST_ENTRY = 128;
const MOST_ENTRY = 4096;
/** Bytes of an array of entries: 32,768 partitions. Linux allows about as many. */
const MOST_ENTRIES = 4 * 1024 * 1024;
const NAME_BYTES = 72;

/** Attributes (UEFI 5.3.3, and those of basic data and Linux partitions), by bit. */
const FLAGS: readonly (readonly [number, string])[] = [
  [0, 'required'],
  [1, 'no block IO'],
  [2, 'legacy BIOS bootable'],
  [59, 'grow file system'],
  [60, 'read-only'],
  [61, 'shadow copy'],
  [62, 'hidden'],
  [63, 'no automount'],
];

/** One copy of the table whose checksums are right. */
interface GptCopy {
  /** Sectors, as all positions here. */
  readonly at: number;
  readonly alternate: number;
  readonly firstUsable: number;
  readonly lastUsable: number;
  readonly diskId: string | undefined;
  readonly entriesAt: number;
  readonly entryCount: number;
  readonly entrySize: number;
  readonly entriesChecksum: number;
  readonly entries: Fields;
}

/** Where a GPT header stands: in a sector of its own, counted from the start or the end. */
function hasSignature(disk: BlockDevice, offset: number): boolean {
  if (offset < 0 || offset + LEAST_HEADER > disk.size) return false;
  return new Fields(readBytes(disk, offset, SIGNATURE.length)).is(0, SIGNATURE);
}

const lastSector = (disk: BlockDevice, sectorSize: number): number => Math.floor(disk.size / sectorSize) - 1;

/** Headers that stand where a GPT has them, whichever sector size it counts in. @returns bytes */
export function gptSignatures(disk: BlockDevice): number[] {
  return [512, 4096]
    .flatMap((sectorSize) => [sectorSize, lastSector(disk, sectorSize) * sectorSize])
    .filter((offset, index, all) => all.indexOf(offset) === index && hasSignature(disk, offset));
}

/** The sector size that the GPT counts in: where its header stands; the disk's own where there is none. */
export function gptSectorSize(disk: BlockDevice): number {
  const sizes = [disk.sectorSize, 512, 4096];
  return (
    sizes.find((size) => hasSignature(disk, size)) ??
    sizes.find((size) => hasSignature(disk, lastSector(disk, size) * size)) ??
    disk.sectorSize
  );
}

/** @returns undefined where no valid copy is there */
function readCopy(disk: BlockDevice, sectorSize: number, at: number): GptCopy | undefined {
  const offset = at * sectorSize;
  if (!Number.isSafeInteger(offset) || !hasSignature(disk, offset)) return undefined;
  const bytes = readBytes(disk, offset, Math.min(sectorSize, disk.size - offset), 'GPT header');
  const header = new Fields(bytes);
  const length = header.u32(12);
  if (length < LEAST_HEADER || length > bytes.length) return undefined;
  const checksum = header.u32(CHECKSUM_AT);
  const cleared = bytes.slice(0, length).fill(0, CHECKSUM_AT, CHECKSUM_AT + 4);
  if (crc32(cleared) !== checksum || header.u64(24) !== at) return undefined;
  const entriesAt = header.u64(72);
  const entryCount = header.u32(80);
  const entrySize = header.u32(84);
  const entriesBytes = entryCount * entrySize;
  if (!isPowerOfTwo(entrySize, LEAST_ENTRY, MOST_ENTRY) || entriesBytes > MOST_ENTRIES) return undefined;
  if (entriesAt < 2 || entriesAt * sectorSize + entriesBytes > disk.size) return undefined;
  const entries = readBytes(disk, entriesAt * sectorSize, entriesBytes, 'GPT entries');
  const entriesChecksum = header.u32(88);
  if (crc32(entries) !== entriesChecksum) return undefined;
  return {
    at,
    alternate: header.u64(32),
    firstUsable: header.u64(40),
    lastUsable: header.u64(48),
    diskId: header.guid(56),
    entriesAt,
    entryCount,
    entrySize,
    entriesChecksum,
    entries: new Fields(entries),
  };
}

/** @param mbr protective: it announces the GPT */
export function readGptTable(disk: BlockDevice, mbr: Mbr, sectorSize: number): FoundTable {
  const primary = readCopy(disk, sectorSize, 1);
  const last = lastSector(disk, sectorSize);
  const atEnd = last > 1 ? readCopy(disk, sectorSize, last) : undefined;
  // After a disk has grown, the backup is where its end was.
  const moved = primary !== undefined && primary.alternate !== last && primary.alternate > 1;
  const backup = moved ? readCopy(disk, sectorSize, primary.alternate) : atEnd;
  const used = primary ?? backup;
  if (used === undefined) {
    const none: GuestProblem = { code: 'partition.noGpt' };
    return { kind: 'gpt', uuid: undefined, partitions: [], problems: [none], doubts: [none], places: [] };
  }
  const damaged: GuestProblem[] = [];
  const doubts: GuestProblem[] = [];
  if (primary === undefined) doubts.push({ code: 'partition.primaryGpt', offset: sectorSize });
  else if (backup === undefined) damaged.push({ code: 'partition.backupGpt', offset: last * sectorSize });
  for (const other of new Set([backup, atEnd]))
    if (other !== undefined && !isSameTable(used, other))
      doubts.push({ code: 'partition.staleGpt', offset: other.at * sectorSize });
  const partitions = partitionsOf(used, sectorSize);
  doubts.push(...hybridEntries(mbr, partitions, sectorSize));
  return {
    kind: 'gpt',
    uuid: used.diskId,
    partitions,
    problems: [...doubts, ...damaged],
    doubts,
    places: [
      [0, 2 * sectorSize],
      ...[primary, backup, atEnd].flatMap((copy) => (copy === undefined ? [] : placesOf(copy, sectorSize))),
    ],
  };
}

const isSameTable = (used: GptCopy, other: GptCopy): boolean =>
  used.diskId === other.diskId &&
  used.entriesChecksum === other.entriesChecksum &&
  used.entryCount === other.entryCount &&
  used.entrySize === other.entrySize;

const placesOf = (copy: GptCopy, sectorSize: number): (readonly [number, number])[] => [
  [copy.at * sectorSize, (copy.at + 1) * sectorSize],
  [copy.entriesAt * sectorSize, copy.entriesAt * sectorSize + copy.entries.length],
];

function partitionsOf(copy: GptCopy, sectorSize: number): FoundPartition[] {
  const found: FoundPartition[] = [];
  for (let index = 0; index < copy.entryCount; index++) {
    const at = index * copy.entrySize;
    const type = copy.entries.guid(at);
    if (type === undefined) continue;
    const number = index + 1;
    const first = copy.entries.u64(at + 32);
    const last = copy.entries.u64(at + 40);
    const isUsable = first >= copy.firstUsable && last <= copy.lastUsable && first <= last && first > 1;
    found.push({
      number,
      start: first * sectorSize,
      size: Math.max(0, last + 1 - first) * sectorSize,
      type: gptType(type),
      name: copy.entries.utf16(at + 56, NAME_BYTES),
      uuid: copy.entries.guid(at + 16),
      flags: flagsOf(copy.entries, at + 48),
      isExtended: false,
      problem: isUsable
        ? undefined
        : {
            code: 'guest.value',
            what: `partition ${number}`,
            offset: copy.entriesAt * sectorSize + at,
            value: `${first}–${last}`,
            limit: `${copy.firstUsable}–${copy.lastUsable}`,
          },
    });
  }
  return found;
}

function flagsOf(entries: Fields, at: number): string[] {
  const words = [entries.u32(at), entries.u32(at + 4)];
  return FLAGS.filter(([bit]) => ((words[bit >> 5] ?? 0) >>> (bit & 31)) & 1).map(([, name]) => name);
}

/** Entries of the MBR beside the protective one that are not partitions of the GPT. */
function hybridEntries(mbr: Mbr, partitions: readonly FoundPartition[], sectorSize: number): GuestProblem[] {
  const known = new Set(partitions.map(({ start, size }) => `${start} ${size}`));
  return mbr.entries
    .filter(
      ({ type, start, count }) =>
        !isProtectiveType(type) && !known.has(`${start * sectorSize} ${count * sectorSize}`),
    )
    .map(({ index }): GuestProblem => ({ code: 'partition.hybrid', value: index + 1 }));
}
