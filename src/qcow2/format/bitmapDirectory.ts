/** The bitmap directory (qcow2.txt, "Bitmap directory"), checked as QEMU checks it when it opens an image. */
import { FormatError, type ProblemFacts } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import type { BitmapsExtension } from './bitmapsExtension';
import { dataView } from './bytes';
import type { Header } from './header';
import { refuseBeyondFile } from './beyondFile';
import {
  MAX_BITMAP_BYTES,
  MAX_BITMAP_GRANULARITY_BITS,
  MAX_BITMAP_NAME_SIZE,
  MAX_BITMAP_TABLE_ENTRIES,
  MIN_BITMAP_GRANULARITY_BITS,
} from './limits';
import { TableStream } from './tableStream';

export interface Bitmap {
  /** Of the directory entry: bytes from the start of the file. */
  readonly offset: HostOffset;
  readonly name: string;
  /** Guest bytes that one bit stands for. */
  readonly granularity: ByteLength;
  /** Was not saved properly; what it says cannot be relied on. */
  readonly inUse: boolean;
  /** Recording: changes to the disk are to be marked in it. */
  readonly auto: boolean;
  /** Bytes from the start of the file. */
  readonly tableOffset: HostOffset;
  /** Entries. */
  readonly tableSize: number;
}

/** Bytes of an entry before its extra data and name. */
const ENTRY_LENGTH = 24;
const FLAG_IN_USE = 1;
const FLAG_AUTO = 2;
const TYPE_DIRTY_TRACKING = 1;

/**
 * Reads all bitmaps of the directory.
 * @throws FormatError, FileError
 */
export function readBitmapDirectory(file: BlockFile, header: Header, extension: BitmapsExtension): Bitmap[] {
  const { directoryOffset, directorySize, count } = extension;
  const end = plus(directoryOffset, directorySize);
  if (directorySize === 0) throw brokenDirectory(file, directoryOffset, { what: 'it is empty' });
  refuseBeyondFile(file, 'bitmap directory', directoryOffset, directorySize);
  const table = new TableStream(file, directoryOffset);
  const bitmaps: Bitmap[] = [];
  while (table.offset < end) {
    if (bitmaps.length === count) {
      const what = 'it has more bitmaps than the header extension says: {limit}';
      throw brokenDirectory(file, table.offset, { what, limit: count });
    }
    bitmaps.push(readBitmap(table, end, header));
  }
  if (bitmaps.length < count) {
    const what = 'it has {value} bitmaps, the header extension says {limit}';
    throw brokenDirectory(file, directoryOffset, { what, value: bitmaps.length, limit: count });
  }
  return bitmaps;
}

function readBitmap(table: TableStream, end: HostOffset, header: Header): Bitmap {
  const { file, offset } = table;
  if (offset + ENTRY_LENGTH > end) throw brokenDirectory(file, offset, { what: 'an entry crosses its end' });
  const entry = dataView(table.take(ENTRY_LENGTH).slice());
  const nameSize = entry.getUint16(18);
  const extraSize = entry.getUint32(20);
  const length = Math.ceil((ENTRY_LENGTH + extraSize + nameSize) / 8) * 8;
  if (offset + length > end) throw brokenDirectory(file, offset, { what: 'an entry crosses its end' });
  if (extraSize !== 0) {
    throw new FormatError(file.name, 'bitmap.extraData', { offset: offset + 20, value: extraSize });
  }
  const name = table.takeText(nameSize);
  table.offset = plus(offset, length);

  const rule = brokenRule(entry, header);
  if (rule !== undefined) {
    throw new FormatError(file.name, 'bitmap.constraints', { offset, name, ...rule });
  }
  const flags = entry.getUint32(12);
  return {
    offset,
    name,
    granularity: 2 ** entry.getUint8(17),
    inUse: (flags & FLAG_IN_USE) !== 0,
    auto: (flags & FLAG_AUTO) !== 0,
    tableOffset: hostOffset(Number(entry.getBigUint64(0))),
    tableSize: entry.getUint32(8),
  };
}

/** The first constraint of the specification or of QEMU that an entry breaks, with what it is about. */
function brokenRule(entry: DataView, header: Header): Omit<ProblemFacts, 'offset' | 'name'> | undefined {
  const tableOffset = entry.getBigUint64(0);
  const tableSize = entry.getUint32(8);
  const flags = entry.getUint32(12);
  const type = entry.getUint8(16);
  const granularityBits = entry.getUint8(17);
  const nameSize = entry.getUint16(18);
  const bytes = tableSize * header.clusterSize;

  if (tableSize === 0) return { what: 'bitmap_table_size is 0' };
  if (tableOffset === 0n) return { what: 'bitmap_table_offset is 0' };
  if (tableOffset % BigInt(header.clusterSize) !== 0n) {
    return { what: 'bitmap_table_offset is not a multiple of the cluster size' };
  }
  if (tableOffset > BigInt(Number.MAX_SAFE_INTEGER)) return { what: 'bitmap_table_offset is beyond 2^53' };
  if (tableSize > MAX_BITMAP_TABLE_ENTRIES) {
    const what = 'bitmap_table_size is {value}, more than {limit}';
    return { what, value: tableSize, limit: MAX_BITMAP_TABLE_ENTRIES };
  }
  if (granularityBits < MIN_BITMAP_GRANULARITY_BITS || granularityBits > MAX_BITMAP_GRANULARITY_BITS) {
    const limit = `${MIN_BITMAP_GRANULARITY_BITS}–${MAX_BITMAP_GRANULARITY_BITS}`;
    return { what: 'granularity_bits is {value}, not {limit}', value: granularityBits, limit };
  }
  if ((flags & ~(FLAG_IN_USE | FLAG_AUTO)) !== 0) return { what: 'reserved flags are set' };
  if (nameSize === 0) return { what: 'the name is empty' };
  if (nameSize > MAX_BITMAP_NAME_SIZE) {
    const what = 'the name is {value} bytes long, more than {limit}';
    return { what, value: nameSize, limit: MAX_BITMAP_NAME_SIZE };
  }
  if (type !== TYPE_DIRTY_TRACKING) {
    return { what: 'the type is {value}, not {limit}', value: type, limit: TYPE_DIRTY_TRACKING };
  }
  if (bytes > MAX_BITMAP_BYTES) {
    return { what: 'it takes {value} bytes, more than {limit}', value: bytes, limit: MAX_BITMAP_BYTES };
  }
  // One that is marked in use may be of another size: it is not used.
  const needed = tableEntriesNeeded(header, 2 ** granularityBits);
  if ((flags & FLAG_IN_USE) === 0 && tableSize !== needed) {
    return { what: 'bitmap_table_size is {value}, the disk needs {limit}', value: tableSize, limit: needed };
  }
  return undefined;
}

/** Clusters of bits for the whole disk. */
function tableEntriesNeeded(header: Header, granularity: ByteLength): number {
  return Math.ceil(Math.ceil(Math.ceil(header.size / granularity) / 8) / header.clusterSize);
}

function brokenDirectory(file: BlockFile, offset: HostOffset, facts: ProblemFacts): FormatError {
  return new FormatError(file.name, 'bitmap.directory', { offset, ...facts });
}
