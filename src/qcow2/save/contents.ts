/** What a plan's stretches hold in the end, and what belongs beside them. */
import { SECTOR, Role } from './role';
import type { FilePlan, SavePlan } from './plan';
import { otherTableBytes } from './tableMove';

/** The content of a stretch after the save; past the staged file's end it is zero. */
export function finalContent(plan: FilePlan, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  plan.staged.read(bytes, offset);
  return bytes;
}

/** What `Stretch.other` is for a stretch (content.ts): of the other table, or of the block on disk. */
export function otherContent(
  plan: SavePlan,
  role: Role,
  offset: number,
  length: number,
  readDisk: (target: Uint8Array, offset: number) => void,
): Uint8Array | undefined {
  const { move, clusterSize } = plan;
  switch (role) {
    case Role.movedTable:
      return move.newTable && otherTableBytes(move.newTable, offset, length);
    case Role.formerTable:
      return move.formerTable && otherTableBytes(move.formerTable, offset, length);
    case Role.movedBlock: {
      const cluster = Math.floor(offset / clusterSize);
      const former = move.blocks.get(cluster);
      if (former === undefined) return undefined;
      const bytes = new Uint8Array(length);
      readDisk(bytes, former + offset - cluster * clusterSize);
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
