/** The snapshot table (qcow2.txt, "Snapshots"). */
import { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { dataView, safeNumber, textOf } from './bytes';
import type { Header } from './header';
import { refuseBeyondFile } from './tableBounds';
import { MAX_SNAPSHOT_EXTRA_SIZE, MAX_SNAPSHOT_TABLE_SIZE, MAX_SNAPSHOTS } from './limits';
import { TableStream } from './tableStream';

/** An internal snapshot. 64-bit values that are only shown stay `bigint`. */
export interface Snapshot {
  /** Of the table entry: bytes from the start of the file. */
  readonly offset: number;
  readonly id: string;
  readonly name: string;
  readonly l1TableOffset: number;
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
  /** Bytes of extra data beyond what is allowed, which are only read over for a repair. */
  readonly excessExtraData?: number;
}

/** What is read over: for a repair, which takes it away (QEMU opens an image to check it likewise). */
export interface SnapshotLeniency {
  /** More snapshots than are allowed, a table that is too big, too much extra data. */
  readonly isForRepair?: boolean;
}

/** Bytes of an entry before its extra data. */
const ENTRY_LENGTH = 40;
/** `icount` of a snapshot without one. */
const NO_ICOUNT = 0xffff_ffff_ffff_ffffn;

/**
 * Reads all snapshots. Entries are read one after the other: memory grows with what is there, not with what the
 * header declares.
 * @throws FormatError, FileError
 */
export function readSnapshotTable(
  file: BlockFile,
  header: Header,
  { isForRepair = false }: SnapshotLeniency = {},
): Snapshot[] {
  const table = new TableStream(file, header.snapshotsOffset);
  const snapshots: Snapshot[] = [];
  for (let index = 0; index < Math.min(header.snapshotCount, MAX_SNAPSHOTS); index++) {
    // Entries are padded to a multiple of 8 bytes, the last one not necessarily.
    table.offset = Math.ceil(table.offset / 8) * 8;
    snapshots.push(readSnapshot(table, index, isForRepair));
    const size = table.offset - header.snapshotsOffset;
    if (size > MAX_SNAPSHOT_TABLE_SIZE) {
      if (isForRepair) {
        snapshots.pop();
        break;
      }
      const facts = { offset: header.snapshotsOffset, value: size, limit: MAX_SNAPSHOT_TABLE_SIZE };
      throw new FormatError(file.name, 'snapshot.tableTooBig', facts);
    }
  }
  return snapshots;
}

function readSnapshot(table: TableStream, index: number, isForRepair: boolean): Snapshot {
  const { file, offset } = table;
  refuseBeyondFile(file, 'snapshot table', offset, ENTRY_LENGTH);
  // Copied out, since the window may move.
  const entry = dataView(table.take(ENTRY_LENGTH).slice());
  const extraSize = entry.getUint32(36);
  const excess = Math.max(0, extraSize - MAX_SNAPSHOT_EXTRA_SIZE);
  if (excess > 0 && !isForRepair) {
    throw new FormatError(file.name, 'snapshot.extraData', {
      name: String(index),
      offset: offset + 36,
      value: extraSize,
      limit: MAX_SNAPSHOT_EXTRA_SIZE,
    });
  }
  const idSize = entry.getUint16(12);
  const nameSize = entry.getUint16(14);
  refuseBeyondFile(file, 'snapshot table', offset, ENTRY_LENGTH + extraSize + idSize + nameSize);
  const extra = dataView(table.take(extraSize - excess).slice());
  table.skip(excess);
  const virtualSize = extraSize >= 16 ? extra.getBigUint64(8) : undefined;
  const icount = extraSize >= 24 ? extra.getBigUint64(16) : NO_ICOUNT;
  return {
    offset,
    id: textOf(table.take(idSize)),
    name: textOf(table.take(nameSize)),
    l1TableOffset: safeNumber(file.name, entry.getBigUint64(0), 'l1_table_offset', offset),
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
