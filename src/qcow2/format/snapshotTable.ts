/** The snapshot table (qcow2.txt, "Snapshots"). */
import { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { dataView, textOf } from './bytes';
import { strict, type FaultSink } from './faults';
import type { Header } from './header';
import { refuseBeyondFile } from './tableBounds';
import { MAX_L1_SIZE, MAX_SNAPSHOT_EXTRA_SIZE, MAX_SNAPSHOT_TABLE_SIZE, MAX_SNAPSHOTS } from './limits';
import { TableStream } from './tableStream';

/** An internal snapshot. 64-bit values that are only shown stay `bigint`. */
export interface Snapshot {
  /** Of the table entry: bytes from the start of the file. */
  readonly offset: number;
  readonly id: string;
  readonly name: string;
  /** Exact up to 2^53, and beyond for a multiple of the cluster size. */
  readonly l1TableOffset: number;
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
  { l1TableOffsetField, l1Size }: Snapshot,
  clusterSize: number,
): 'misaligned' | 'tooLarge' | undefined {
  if (l1TableOffsetField % BigInt(clusterSize) !== 0n) return 'misaligned';
  return l1Size > MAX_L1_SIZE / 8 ? 'tooLarge' : undefined;
}

/** Bytes of an entry before its extra data. */
const ENTRY_LENGTH = 40;
/** `icount` of a snapshot without one. */
const NO_ICOUNT = 0xffff_ffff_ffff_ffffn;

/** Bytes from the start of the table that QEMU reads at most, whatever it has read over. */
const MAX_SNAPSHOT_TABLE_REACH = 2 ** 31 - 1;

/**
 * Reads all snapshots. Entries are read one after the other: memory grows with what is there, not with what the
 * header declares. What lies beyond the end of the file is zero.
 * @throws FileError
 */
export function readSnapshotTable(file: BlockFile, header: Header, faults: FaultSink = strict): Snapshot[] {
  const table = new TableStream(file, header.snapshotsOffset);
  const snapshots: Snapshot[] = [];
  let size = 0;
  for (let index = 0; index < Math.min(header.snapshotCount, MAX_SNAPSHOTS); index++) {
    // Entries are padded to a multiple of 8 bytes, the last one not necessarily.
    table.offset = Math.ceil(table.offset / 8) * 8;
    const { offset } = table;
    const snapshot = readSnapshot(table, index, faults);
    const length = table.offset - offset;
    size = Math.ceil(size / 8) * 8 + length - (snapshot.excessExtraData ?? 0);
    const refuseBigTable = (): true => {
      const isInReach = table.offset - header.snapshotsOffset <= MAX_SNAPSHOT_TABLE_REACH;
      if (isInReach && size <= MAX_SNAPSHOT_TABLE_SIZE) return true;
      const facts = { offset: header.snapshotsOffset, value: size, limit: MAX_SNAPSHOT_TABLE_SIZE };
      throw new FormatError(file.name, 'snapshot.tableTooBig', facts);
    };
    if (!faults.attempt('snapshot table', 'check', refuseBigTable, false)) break;
    const refuseMissing = (): void => {
      refuseBeyondFile(file, 'snapshot table', offset, length);
    };
    faults.attempt('snapshot table', 'change', refuseMissing, undefined);
    snapshots.push(snapshot);
  }
  return snapshots;
}

function readSnapshot(table: TableStream, index: number, faults: FaultSink): Snapshot {
  const { file, offset } = table;
  // Copied out, since the window may move.
  const entry = dataView(table.take(ENTRY_LENGTH).slice());
  const extraSize = entry.getUint32(36);
  const excess = Math.max(0, extraSize - MAX_SNAPSHOT_EXTRA_SIZE);
  const refuseExcess = (): void => {
    if (excess === 0) return;
    throw new FormatError(file.name, 'snapshot.extraData', {
      name: String(index),
      offset: offset + 36,
      value: extraSize,
      limit: MAX_SNAPSHOT_EXTRA_SIZE,
    });
  };
  faults.attempt('snapshot table', 'check', refuseExcess, undefined);
  const idSize = entry.getUint16(12);
  const nameSize = entry.getUint16(14);
  const extra = dataView(table.take(extraSize - excess).slice());
  table.skip(excess);
  const virtualSize = extraSize >= 16 ? extra.getBigUint64(8) : undefined;
  const icount = extraSize >= 24 ? extra.getBigUint64(16) : NO_ICOUNT;
  return {
    offset,
    id: textOf(table.take(idSize)),
    name: textOf(table.take(nameSize)),
    l1TableOffset: Number(entry.getBigUint64(0)),
    l1TableOffsetField: entry.getBigUint64(0),
    l1Size: entry.getUint32(8),
    dateSeconds: entry.getUint32(16),
    dateNanoseconds: entry.getUint32(20),
    vmClockNanoseconds: entry.getBigUint64(24),
    vmStateSize: extraSize >= 8 ? extra.getBigUint64(0) : BigInt(entry.getUint32(32)),
    ...(virtualSize === undefined ? {} : { virtualSize }),
    ...(icount === NO_ICOUNT ? {} : { icount }),
    ...(excess === 0 ? {} : { excessExtraData: excess }),
  };
}
