/** What a plan's stretches hold in the end, and what belongs beside them. */
import { SECTOR, Role } from './role';
import type { FilePlan, SavePlan } from './plan';

/** A stretch of sectors of a plan: in a file, within one cluster. */
export interface Place {
  readonly role: Role;
  /** Bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * The content of a stretch after the save; past the staged file's end it is zero. What is written although nothing is
 * staged there was read before: the staged file would show what the save itself has put there for a while.
 */
export function finalContent(plan: SavePlan, file: FilePlan, place: Place): Uint8Array {
  const { role, offset, length } = place;
  const kept = keptContent(plan, place);
  if (kept !== undefined) return kept.bytes.subarray(offset - kept.offset, offset - kept.offset + length);
  if (role === Role.cut) throw new RangeError('what is cut off is never written');
  const bytes = new Uint8Array(length);
  file.staged.read(bytes, offset);
  return bytes;
}

function keptContent(
  { header, move, clusterSize }: SavePlan,
  { role, offset }: Place,
): { readonly bytes: Uint8Array; readonly offset: number } | undefined {
  switch (role) {
    case Role.header:
      return { bytes: header, offset: 0 };
    case Role.movedTable:
      return move.newTable && { bytes: move.newTable.final, offset: move.newTable.offset };
    case Role.formerTable:
      return move.formerTable && { bytes: move.formerTable.final, offset: move.formerTable.offset };
    case Role.movedBlock: {
      const cluster = Math.floor(offset / clusterSize);
      const block = move.blocks.get(cluster);
      return block && { bytes: block.final, offset: cluster * clusterSize };
    }
    default:
      return undefined;
  }
}

/** What `Stretch.other` is for a stretch (content.ts): of the other table, or of the block on disk. */
export function otherContent(
  { move, clusterSize }: SavePlan,
  { role, offset, length }: Place,
  readDisk: (target: Uint8Array, offset: number) => void,
): Uint8Array | undefined {
  const table = role === Role.movedTable ? move.newTable : move.formerTable;
  switch (role) {
    case Role.movedTable:
    case Role.formerTable:
      return table?.other.subarray(offset - table.offset, offset - table.offset + length);
    case Role.movedBlock: {
      const cluster = Math.floor(offset / clusterSize);
      const block = move.blocks.get(cluster);
      if (block === undefined) return undefined;
      const bytes = new Uint8Array(length);
      readDisk(bytes, block.former + offset - cluster * clusterSize);
      return bytes;
    }
    default:
      return undefined;
  }
}

/** Whether some bytes, whole sectors, are one 64-bit word over and over. */
export function isUniform(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length % SECTOR === 0 && buffer.compare(buffer, 8, bytes.length, 0, bytes.length - 8) === 0;
}
