/** The snapshot table (qcow2.txt, "Snapshots"). */
import { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import type { FaultSink } from './faults';
import type { Header } from './header';
import { refuseBeyondFile } from './beyondFile';
import { MAX_L1_SIZE, MAX_SNAPSHOT_EXTRA_SIZE, MAX_SNAPSHOT_TABLE_SIZE, MAX_SNAPSHOTS } from './limits';
import { TableStream } from './tableStream';

/** An internal snapshot. 64-bit values that are only shown stay `bigint`. */
export interface Snapshot {
  /** Of the table entry: bytes from the start of the file. Of entries beyond its end, that of the first one. */
  readonly offset: HostOffset;
  readonly id: string;
  readonly name: string;
  /** Exact up to 2^53, and beyond for a multiple of the cluster size. */
  readonly l1TableOffset: HostOffset;
  readonly l1TableOffsetField: bigint;
  /** Entries. */
  readonly l1Size: number;
  /** Since 1970. */
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  readonly vmClockNanoseconds: bigint;
  /** Bytes. */
  readonly vmStateSize: bigint;
  /** Bytes of the guest's disk then; absent in old images, where it is that of the image. */
  readonly virtualSize?: bigint;
  /** Instruction count; absent where none was recorded. */
  readonly icount?: bigint;
  /** Bytes of extra data beyond what is allowed: read over, and removed by a repair. */
  readonly excessExtraData?: number;
}

/** Why the L1 table of a snapshot cannot be one. */
export function l1TableFault(
  { l1TableOffset, l1TableOffsetField, l1Size }: Snapshot,
  clusterSize: ByteLength,
): 'misaligned' | 'tooLarge' | undefined {
  const isAligned = Number.isSafeInteger(l1TableOffset)
    ? l1TableOffset % clusterSize === 0
    : l1TableOffsetField % BigInt(clusterSize) === 0n;
  if (!isAligned) return 'misaligned';
  return l1Size > MAX_L1_SIZE / 8 ? 'tooLarge' : undefined;
}

/** Bytes of an entry before its extra data. */
const ENTRY_LENGTH = 40;
/** Of an entry's extra data: bytes from its start to the size, of 4 bytes. */
export const SNAPSHOT_EXTRA_SIZE_AT = 36;
/** `icount` of a snapshot without one. */
const NO_ICOUNT = 0xffff_ffff_ffff_ffffn;

/** Bytes from the start of the table that QEMU reads at most, whatever it has read over. */
const MAX_SNAPSHOT_TABLE_REACH = 2 ** 31 - 1;

export interface SnapshotEntries {
  readonly snapshots: readonly Snapshot[];
  /** Where the last entry that was read ends: bytes from the start of the file. */
  readonly end: HostOffset;
}

/**
 * Reads all snapshots. Entries are read one after the other: memory grows with what is there, not with what the
 * header declares. What lies beyond the end of the file is zero. A fault is told once, however many entries have it: a
 * header may declare 65,536 entries that are not there.
 * @throws FileError
 */
export function readSnapshots(file: BlockFile, header: Header, faults: FaultSink): SnapshotEntries {
  const table = new TableStream(file, header.snapshotsOffset);
  const snapshots: Snapshot[] = [];
  let size = 0;
  let isPresent = true;
  let absent: Snapshot | undefined;
  let hasExcess = false;
  for (let index = 0; index < Math.min(header.snapshotCount, MAX_SNAPSHOTS); index++) {
    // Entries are padded to a multiple of 8 bytes, the last one not necessarily.
    table.offset = hostOffset(Math.ceil(table.offset / 8) * 8);
    const { offset } = table;
    // All of those beyond the end of the file are the same one.
    const isAbsent = offset >= file.size;
    const snapshot = (isAbsent ? absent : undefined) ?? readSnapshot(table);
    if (isAbsent && absent !== undefined) table.skip(ENTRY_LENGTH);
    if (isAbsent) absent = snapshot;
    const { excessExtraData = 0 } = snapshot;
    if (excessExtraData > 0 && !hasExcess) {
      hasExcess = true;
      faults.attempt('snapshot table', 'check', () => refuseExcess(file, index, snapshot), undefined);
    }
    const length = table.offset - offset;
    size = Math.ceil(size / 8) * 8 + length - excessExtraData;
    const isInReach = table.offset - header.snapshotsOffset <= MAX_SNAPSHOT_TABLE_REACH;
    if (!isInReach || size > MAX_SNAPSHOT_TABLE_SIZE) {
      const facts = { offset: header.snapshotsOffset, value: size, limit: MAX_SNAPSHOT_TABLE_SIZE };
      const refuse = (): never => {
        throw new FormatError(file.name, 'snapshot.tableTooBig', facts);
      };
      faults.attempt('snapshot table', 'check', refuse, undefined);
      break;
    }
    if (isPresent && table.offset > file.size) {
      isPresent = false;
      const refuse = (): void => {
        refuseBeyondFile(file, 'snapshot table', offset, length);
      };
      faults.attempt('snapshot table', 'change', refuse, undefined);
    }
    snapshots.push(snapshot);
  }
  return { snapshots, end: table.offset };
}

function refuseExcess(file: BlockFile, index: number, { offset, excessExtraData = 0 }: Snapshot): never {
  throw new FormatError(file.name, 'snapshot.extraData', {
    name: String(index),
    offset: offset + SNAPSHOT_EXTRA_SIZE_AT,
    value: MAX_SNAPSHOT_EXTRA_SIZE + excessExtraData,
    limit: MAX_SNAPSHOT_EXTRA_SIZE,
  });
}

/** One 0 for all: each `bigint` that is read takes memory of its own. */
const wideAt = (entry: DataView, at: number): bigint =>
  entry.getUint32(at) === 0 && entry.getUint32(at + 4) === 0 ? 0n : entry.getBigUint64(at);

function readSnapshot(table: TableStream): Snapshot {
  const { offset } = table;
  const extraSizeAt = table.locate(ENTRY_LENGTH) + SNAPSHOT_EXTRA_SIZE_AT;
  const extraSize = table.view.getUint32(extraSizeAt);
  const keptSize = Math.min(extraSize, MAX_SNAPSHOT_EXTRA_SIZE);
  const excess = extraSize - keptSize;
  const at = table.locate(ENTRY_LENGTH + keptSize);
  const extra = at + ENTRY_LENGTH;
  const { view: entry } = table;
  table.skip(ENTRY_LENGTH + extraSize);
  const l1TableOffsetField = wideAt(entry, at);
  const l1Size = entry.getUint32(at + 8);
  const idSize = entry.getUint16(at + 12);
  const nameSize = entry.getUint16(at + 14);
  const dateSeconds = entry.getUint32(at + 16);
  const dateNanoseconds = entry.getUint32(at + 20);
  const vmClockNanoseconds = wideAt(entry, at + 24);
  const vmStateSize = extraSize >= 8 ? wideAt(entry, extra) : BigInt(entry.getUint32(at + 32));
  const virtualSize = extraSize >= 16 ? wideAt(entry, extra + 8) : undefined;
  const icount = extraSize >= 24 ? wideAt(entry, extra + 16) : NO_ICOUNT;
  // Not spread from parts: there may be 65,536, and an image is opened many times.
  const snapshot: { -readonly [Key in keyof Snapshot]: Snapshot[Key] } = {
    offset,
    id: table.takeText(idSize),
    name: table.takeText(nameSize),
    l1TableOffset: hostOffset(Number(l1TableOffsetField)),
    l1TableOffsetField,
    l1Size,
    dateSeconds,
    dateNanoseconds,
    vmClockNanoseconds,
    vmStateSize,
  };
  if (virtualSize !== undefined) snapshot.virtualSize = virtualSize;
  if (icount !== NO_ICOUNT) snapshot.icount = icount;
  if (excess !== 0) snapshot.excessExtraData = excess;
  return snapshot;
}
