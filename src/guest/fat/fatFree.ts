/**
 * Free clusters of FAT12, FAT16 and FAT32: those whose entry is zero in every file allocation table in use. Bad clusters are
 * not free. The counts of FAT32's FSInfo sector are hints, and not read.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type { WalkProgress } from '../fileSystem';
import { entryIn, entryPosition, tableLength } from './allocationTable';
import { FIRST } from './clusters';
import type { FatBoot } from './fatBoot';

/** Bytes of a table that are read at once: whole entries of each width, and all of FAT12. */
const PIECE = 48 * 1024;

/**
 * Tells the free clusters, ascending, joined within pieces of the table.
 * @throws GuestError `fat.copiesDiffer` where the tables are not the same; `guest.beyond`
 */
export function forEachFreeInTables(
  device: BlockDevice,
  boot: FatBoot,
  visit: (first: number, count: number) => void,
  progress: WalkProgress,
): void {
  const { width, clusters, tables } = boot;
  const end = FIRST + clusters.count;
  const total = tableLength(width, clusters.count);
  const perPiece = (PIECE * 8) / (width === 28 ? 32 : width);
  for (let from = 0; from * perPiece < end; from++) {
    progress.checkCancelled();
    const start = from * PIECE;
    const length = Math.min(PIECE, total - start);
    const [bytes, ...others] = tables.map((table) =>
      readBytes(device, table + start, length, 'file allocation table'),
    );
    if (bytes === undefined) return;
    const piece: Piece = { width, first: from * perPiece, end: Math.min(end, (from + 1) * perPiece) };
    for (const [number, other] of others.entries()) {
      const table = tables[number + 1] ?? 0;
      if (Buffer.compare(bytes, other) !== 0) expectSame(piece, bytes, other, table);
    }
    tellFree(piece, bytes, visit);
    progress.report(Math.min(end, piece.end), end);
  }
}

/** Entries from `first` to before `end`. */
interface Piece {
  readonly width: FatBoot['width'];
  readonly first: number;
  readonly end: number;
}

function tellFree(piece: Piece, bytes: Uint8Array, visit: (first: number, count: number) => void): void {
  const { width, first, end } = piece;
  const view = viewOf(bytes);
  let freeFrom = -1;
  for (let cluster = Math.max(first, FIRST); cluster < end; cluster++) {
    if (entryIn(view, width, first, cluster) === 0) {
      if (freeFrom < 0) freeFrom = cluster;
    } else if (freeFrom >= 0) {
      visit(freeFrom, cluster - freeFrom);
      freeFrom = -1;
    }
  }
  if (freeFrom >= 0) visit(freeFrom, end - freeFrom);
}

/** The reserved entries in front, reserved bits, and what follows the last entry need not be the same. */
function expectSame(piece: Piece, bytes: Uint8Array, other: Uint8Array, table: number): void {
  const { width, first, end } = piece;
  const [view, otherView] = [viewOf(bytes), viewOf(other)];
  for (let cluster = Math.max(first, FIRST); cluster < end; cluster++) {
    const [value, limit] = [entryIn(view, width, first, cluster), entryIn(otherView, width, first, cluster)];
    if (value === limit) continue;
    throw new GuestError('fat.copiesDiffer', { offset: table + entryPosition(width, cluster), value, limit });
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Bits of entry 1 that Windows clears while the volume is open, and when the disk had errors. */
const CLEAN: Record<16 | 28, number> = { 16: 0x8000, 28: 0x08000000 };
const NO_ERRORS: Record<16 | 28, number> = { 16: 0x4000, 28: 0x04000000 };

/** Why the tables may not be believed; FAT12 has no marks in them. */
export function doubtsOfTables(device: BlockDevice, { width, tables }: FatBoot): GuestProblem[] {
  if (width === 12) return [];
  const doubts = new Map<string, GuestProblem>();
  for (const table of tables) {
    try {
      const offset = table + entryPosition(width, 1);
      const value = entryIn(viewOf(readBytes(device, table, 8, 'file allocation table')), width, 0, 1);
      const facts = { what: 'FAT entry 1', offset, value: `0x${value.toString(16)}` };
      if ((value & CLEAN[width]) === 0) doubts.set('dirty', { code: 'fat.dirty', ...facts });
      if ((value & NO_ERRORS[width]) === 0) doubts.set('media', { code: 'fat.media', ...facts });
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      doubts.set('table', error.problem);
    }
  }
  return [...doubts.values()];
}
