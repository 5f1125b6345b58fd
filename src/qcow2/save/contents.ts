/** What a plan's stretches hold in the end, and what belongs beside them. */
import { dataView, HIGH, LOW, swapWords } from '../format/bytes';
import { evenStep } from '../image/contiguous';
import { firstOf, withScratch } from '../image/scratch';
import { Fill } from '../io/fill';
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
 * @param buffer of `CHUNK` bytes, for what has to be read
 */
export function finalContent(plan: SavePlan, file: FilePlan, place: Place, buffer: Uint8Array): Uint8Array {
  const { role, offset, length } = place;
  const kept = keptContent(plan, place);
  if (kept !== undefined) return kept.bytes.subarray(offset - kept.offset, offset - kept.offset + length);
  if (role === Role.cut) throw new RangeError('what is cut off is never written');
  const bytes = buffer.subarray(0, length);
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

/**
 * The fill that some bytes are, if they are one.
 * @param bytes whole sectors, at most `CHUNK`
 * @param offset theirs in the file
 * @param clusterSize by which the entries of contiguous clusters rise
 */
export function fillOf(bytes: Uint8Array, offset: number, clusterSize: number): Fill | undefined {
  if (bytes.length % SECTOR !== 0) return undefined;
  const view = dataView(bytes);
  const rise = (view.getInt32(12) - view.getInt32(4)) | 0;
  // Most of what is none is seen at a glance.
  if (rise !== 0 && rise !== clusterSize) return undefined;
  return withScratch((scratch) => {
    const copy = firstOf(scratch, bytes.length);
    copy.bytes.set(bytes);
    swapWords(copy.bytes);
    const step = evenStep(copy.signed, clusterSize);
    return step === undefined ? undefined : Fill.of(copy.words[HIGH]!, copy.words[LOW]!, step, offset);
  });
}
