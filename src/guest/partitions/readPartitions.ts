/** What a disk is divided into: reads whichever table there is, and compares its partitions with the disk and each other. */
import { type BlockDevice, Part, readBytes } from '../blockDevice';
import type { GuestProblem } from '../errors';
import { Fields } from '../fields';
import { bootSectorSignature } from '../probe/bootSector';
import { covered, Ranges } from '../ranges';
import { deviceOffset } from '../units';
import { gptSectorSize, gptSignatures, readGptTable } from './gpt';
import { isProtective, readMbr, readMbrTable } from './mbr';
import type { FoundPartition, FoundTable, Partition, PartitionTable } from './partition';
import { isSpread } from './typeNames';

/** Bytes at the end of a disk that are never given up: the database of dynamic disks, a backup GPT. */
const KEPT_AT_END = 1024 * 1024;

/** @throws whatever the disk itself throws; what is wrong with the table is told in it */
export function readPartitions(disk: BlockDevice): PartitionTable {
  const mbr = readMbr(disk);
  const isGpt = mbr !== undefined && isProtective(mbr);
  const sectorSize = isGpt ? gptSectorSize(disk) : disk.sectorSize;
  if (isGpt) return checkedTable(disk, readGptTable(disk, mbr, sectorSize), sectorSize, []);
  const stale = gptSignatures(disk).map((offset): GuestProblem => ({ code: 'partition.staleGpt', offset }));
  if (mbr === undefined) return noTable(disk, stale);
  const isBootSector = bootSectorSignature(new Fields(readBytes(disk, 0, 512, 'MBR'))) !== undefined;
  if (mbr.entries.length === 0 && (isBootSector || mbr.diskId === 0)) return noTable(disk, stale);
  const table = readMbrTable(disk, mbr, sectorSize);
  if (!isBootSector) return checkedTable(disk, table, sectorSize, stale);
  // Code of a boot sector may look like entries, but hardly like partitions.
  const checked = checkedTable(disk, table, sectorSize, [...stale, { code: 'partition.fileSystem' }]);
  const isTable = checked.partitions.every(({ problem }) => problem === undefined);
  return isTable ? checked : noTable(disk, stale);
}

function noTable(disk: BlockDevice, doubts: readonly GuestProblem[]): PartitionTable {
  return {
    kind: 'none',
    uuid: undefined,
    sectorSize: disk.sectorSize,
    partitions: [],
    problems: doubts,
    doubts,
    places: new Ranges(),
    reserved: Ranges.of([0, disk.size]),
    unpartitionedProblems: [{ code: 'partition.none' }],
  };
}

function checkedTable(
  disk: BlockDevice,
  found: FoundTable,
  sectorSize: number,
  more: readonly GuestProblem[],
): PartitionTable {
  const partitions = checkedPartitions(disk, found.partitions, sectorSize);
  const spread = partitions
    .filter(({ type }) => isSpread(type))
    .map(({ number, type }): GuestProblem => ({
      code: 'partition.dynamic',
      what: `Partition ${number}`,
      value: type.name,
    }));
  const doubts = [...found.doubts, ...spread, ...more];
  const problems = [
    ...found.problems,
    ...spread,
    ...more,
    ...partitions.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
  ];
  const empty: GuestProblem[] = partitions.length === 0 ? [{ code: 'partition.empty' }] : [];
  const places = Ranges.of(...found.places.map(([start, end]) => [start, Math.min(end, disk.size)] as const));
  const first = partitions.reduce((least, { start }) => Math.min(least, start), disk.size);
  const ends = Ranges.of([0, first], [Math.max(first, disk.size - KEPT_AT_END), disk.size]);
  return {
    kind: found.kind,
    uuid: found.uuid,
    sectorSize,
    partitions,
    problems,
    doubts,
    places: covered([places]),
    reserved: covered([places, ends]),
    unpartitionedProblems: [...problems, ...empty],
  };
}

function checkedPartitions(
  disk: BlockDevice,
  found: readonly FoundPartition[],
  sectorSize: number,
): Partition[] {
  const overlapped = new Map([
    ...overlaps(found.filter(({ isExtended, number }) => isExtended || number < 5)),
    ...overlaps(found.filter(({ isExtended }) => !isExtended)),
  ]);
  const whole = sectorSize === disk.sectorSize ? disk : new OtherSectors(disk, sectorSize);
  return found
    .map((partition) => {
      const { number, size, isExtended } = partition;
      const start = deviceOffset(partition.start);
      const isOnDisk = Number.isSafeInteger(start + size) && start + size <= disk.size && size > 0;
      const other = overlapped.get(number);
      const what = `partition ${number}`;
      const beyond: GuestProblem | undefined = isOnDisk
        ? undefined
        : { code: 'guest.beyond', what, offset: start, value: start + size, limit: disk.size };
      const overlap: GuestProblem | undefined =
        other === undefined
          ? undefined
          : { code: 'partition.overlap', what, offset: start, value: `partition ${other}` };
      const hasDevice = isOnDisk && overlap === undefined && start > 0 && !isExtended;
      return {
        ...partition,
        start,
        problem: overlap ?? beyond ?? partition.problem,
        device: hasDevice ? new Part(whole, start, size) : undefined,
      };
    })
    .sort((left, right) => left.number - right.number);
}

/** Partitions that overlap another one, with the number of that. */
function overlaps(partitions: readonly FoundPartition[]): [number, number][] {
  const result: [number, number][] = [];
  let farthest: FoundPartition | undefined;
  for (const partition of [...partitions].sort((left, right) => left.start - right.start)) {
    if (partition.size === 0) continue;
    if (farthest !== undefined && partition.start < farthest.start + farthest.size)
      result.push([partition.number, farthest.number], [farthest.number, partition.number]);
    if (farthest === undefined || partition.start + partition.size > farthest.start + farthest.size)
      farthest = partition;
  }
  return result;
}

/** The disk, counted in sectors of another size. */
export class OtherSectors implements BlockDevice {
  readonly size: number;
  readonly read: BlockDevice['read'];

  constructor(
    readonly disk: BlockDevice,
    readonly sectorSize: number,
  ) {
    this.size = disk.size;
    this.read = disk.read.bind(disk);
  }
}
