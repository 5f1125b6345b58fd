/** The space that a save takes until its journal is gone: what the files grow by, and the journal. */
import { FileError } from '../errors';
import { alignDown, type ByteLength, hostOffset } from '../units';
import type { Disk, MutableFile } from './disk';
import type { SavedFiles } from './forward';
import { folderOf } from './journalFile';
import { recordLength } from './journalFormat';
import type { FilePlan, SavePlan } from './plan';
import { Role, SECTOR } from './role';

/** Bytes that a file system gives out at a time, as most do. */
const BLOCK = 4096;
/** Bytes: seal and head, and what the file system needs for itself. */
const OVERHEAD = 32 * 1024;

/**
 * Refuses a save for which there is no room. What is not foreseen here makes it fail half-way, and go back.
 * @throws FileError `save.space`
 */
export function refuseFullDisk(plan: SavePlan, files: SavedFiles, disk: Disk): void {
  const needs = [{ file: files.image, plan: plan.image, bytes: journalBytes(plan) + OVERHEAD }];
  if (plan.dataFile !== undefined && files.dataFile !== undefined) {
    needs.push({ file: files.dataFile, plan: plan.dataFile, bytes: 0 });
  }
  for (const { file } of needs) {
    const here = needs.filter((each) => each.file.identity.device === file.identity.device);
    refuseWithout(file, here, disk.freeBytes(folderOf(file.name)));
  }
}

interface Need {
  readonly plan: FilePlan;
  /** Beside what the file grows by. */
  readonly bytes: ByteLength;
}

/** @param free bytes where the files are */
function refuseWithout(file: MutableFile, needs: readonly Need[], free: number): void {
  const most = sumOf(needs, ({ plan, bytes }) => bytes + plan.runs.bytes);
  // Where that is enough, holes need not be looked for.
  if (most <= free) return;
  const value = sumOf(needs, ({ plan, bytes }) => bytes + grownBytes(plan));
  if (value > free) throw new FileError(file.name, 'save.space', { value, limit: free });
}

/** Bytes of a save's journal, at most: what is a fill before and after takes less if that was not known. */
function journalBytes(plan: SavePlan): number {
  let bytes = 0;
  for (const file of [plan.image, plan.dataFile]) {
    file?.runs.forEachChunk(plan.clusterSize, (offset, length, role) => {
      const oldLength = Math.max(0, Math.min(length, file.oldSize - offset));
      const isFill =
        file.staged.fillBelow(offset, length) !== undefined &&
        file.staged.fillAt(offset, length) !== undefined;
      bytes += recordLength({
        file: 0,
        role,
        isFill,
        offset,
        sectors: Math.ceil(length / SECTOR),
        oldLength,
      });
    });
  }
  return bytes;
}

/** Bytes of storage that a file gets: behind its end, and where it has holes. */
function grownBytes({ staged, runs, oldSize }: FilePlan): number {
  let bytes = 0;
  runs.forEach((offset, length, role) => {
    if (role === Role.cut) return;
    const start = alignDown(offset, BLOCK);
    const end = Math.ceil((offset + length) / BLOCK) * BLOCK;
    for (let at = start; at < end;) {
      if (at >= oldSize) {
        bytes += end - at;
        return;
      }
      const extent = staged.base.extentAt(at);
      const next = hostOffset(Math.min(end, extent.end, Math.max(at + 1, oldSize)));
      if (extent.isHole) bytes += next - at;
      at = next;
    }
  });
  return bytes;
}

const sumOf = (needs: readonly Need[], bytesOf: (need: Need) => number): number =>
  needs.reduce((sum, need) => sum + bytesOf(need), 0);
