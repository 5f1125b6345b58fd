/** What a plan's stretches hold in the end, and what belongs beside them. */
import { firstBytes } from '../image/scratch';
import { Fill } from '../io/fill';
import { type ByteLength, clusterOf, hostOffset, type HostOffset, startOf } from '../units';
import { contentAfter, GROUPS_OF, hasPeak, type SaveShape } from './groupContent';
import { Role, SECTOR } from './role';
import type { FilePlan, SavePlan } from './plan';

/** A stretch of sectors of a plan: in a file, within one cluster. */
export interface PlannedSectors {
  readonly role: Role;
  /** Bytes. */
  readonly offset: HostOffset;
  /** Bytes. */
  readonly length: ByteLength;
}

/**
 * The content of a stretch after the save; past the staged file's end it is zero. What is written although nothing is
 * staged there was read before: the staged file would show what the save itself has put there for a while.
 * @param buffer of `CHUNK` bytes, for what has to be read
 */
export function finalContent(
  plan: SavePlan,
  file: FilePlan,
  place: PlannedSectors,
  buffer: Uint8Array,
): Uint8Array {
  const { role, offset, length } = place;
  const kept = keptContent(plan, place);
  if (kept !== undefined) return kept.bytes.subarray(offset - kept.offset, offset - kept.offset + length);
  if (role === Role.cut) throw new RangeError('what is cut off is never written');
  const bytes = firstBytes(buffer, length);
  file.staged.read(bytes, offset);
  return bytes;
}

/** Whether the content of a role is what the plan has kept, not what is staged. */
export const isKept = (role: Role): boolean => role === Role.header || hasPeak(role);

function keptContent(
  { header, move, clusterSize }: SavePlan,
  { role, offset }: PlannedSectors,
): { readonly bytes: Uint8Array; readonly offset: HostOffset } | undefined {
  switch (role) {
    case Role.header:
      return { bytes: header, offset: hostOffset(0) };
    case Role.movedTable:
      return move.newTable && { bytes: move.newTable.final, offset: move.newTable.offset };
    case Role.formerTable:
      return move.formerTable && { bytes: move.formerTable.final, offset: move.formerTable.offset };
    case Role.movedBlock:
    case Role.formerBlock: {
      const cluster = clusterOf(offset, clusterSize);
      const block = (role === Role.movedBlock ? move.blocks : move.formerBlocks).get(cluster);
      return block && { bytes: block.final, offset: startOf(cluster, clusterSize) };
    }
    default:
      return undefined;
  }
}

/** What `SectorContents.other` is for a stretch (groupContent.ts): of the other table, or of the block on disk. */
export function otherContent(
  { move, clusterSize }: SavePlan,
  { role, offset, length }: PlannedSectors,
  readDisk: (target: Uint8Array, offset: HostOffset) => void,
): Uint8Array | undefined {
  const table = role === Role.movedTable ? move.newTable : move.formerTable;
  switch (role) {
    case Role.movedTable:
    case Role.formerTable:
      return table?.other.subarray(offset - table.offset, offset - table.offset + length);
    case Role.movedBlock: {
      const cluster = clusterOf(offset, clusterSize);
      const block = move.blocks.get(cluster);
      if (block === undefined) return undefined;
      const bytes = new Uint8Array(length);
      readDisk(bytes, hostOffset(block.former + offset - cluster * clusterSize));
      return bytes;
    }
    case Role.formerBlock: {
      const cluster = clusterOf(offset, clusterSize);
      const within = offset - cluster * clusterSize;
      return move.formerBlocks.get(cluster)?.other.subarray(within, within + length);
    }
    default:
      return undefined;
  }
}

/**
 * What a stretch holds after each group of its role, where it is a fill before the save and after it, and is one all the
 * while.
 * @param before @param after a fill of the whole stretch
 */
export function fillsBetween(
  { role, offset }: PlannedSectors,
  before: Fill,
  after: Fill,
  shape: SaveShape,
): readonly Fill[] | undefined {
  const groups = GROUPS_OF[role];
  if (groups.length <= 1) return [after];
  // What lies between two of one word is of one word, too: one sector tells.
  if (before.step !== 0 || after.step !== 0) return undefined;
  let content = sectorOf(before, offset);
  const final = sectorOf(after, offset);
  const fills: Fill[] = [];
  for (const group of groups) {
    content = contentAfter(group, { role, before: content, final, other: undefined }, shape);
    const fill = Fill.found(content, offset, 0);
    if (fill === undefined) return undefined;
    fills.push(fill);
  }
  return fills;
}

function sectorOf(fill: Fill, offset: HostOffset): Uint8Array {
  const sector = new Uint8Array(SECTOR);
  fill.writeTo(sector, offset);
  return sector;
}
