/** Writes a save's groups, each flushed before the next (role.ts). */
import type { Progress } from '../progress';
import { contentAfter, GROUPS_OF } from './content';
import { finalContent, otherContent } from './contents';
import type { MutableFile } from './disk';
import type { FilePlan, SavePlan } from './plan';
import { CHUNK, Group, GROUP_NAMES } from './role';
import { forEachDifference } from './runs';

/** The files that a save writes. */
export interface SavedFiles {
  readonly image: MutableFile;
  readonly dataFile: MutableFile | undefined;
}

/** What was written so far. */
export interface WriteCounts {
  writes: number;
  bytes: number;
  flushes: number;
  /** Bytes by the name of the group. */
  readonly groups: Record<string, number>;
}

export class ForwardWriter {
  readonly counts: WriteCounts = { writes: 0, bytes: 0, flushes: 0, groups: {} };
  readonly #before = new Uint8Array(CHUNK);
  readonly #final = new Uint8Array(CHUNK);

  constructor(
    readonly plan: SavePlan,
    readonly files: SavedFiles,
    readonly progress: Progress,
    /** Bytes that the progress counts to. */
    readonly total: number,
  ) {}

  /** @throws FileError; the files are between two states then */
  writeGroup(group: Group): void {
    const { plan, files } = this;
    // A cluster's data first, then whatever leads to it.
    if (plan.dataFile !== undefined && files.dataFile !== undefined) {
      this.#writeFile(group, plan.dataFile, files.dataFile, group === Group.data);
    }
    this.#writeFile(group, plan.image, files.image, group === Group.raise);
  }

  /** Cuts off what goes. Only after the commit: until then the old state needs it. */
  cut(): void {
    const { plan, files } = this;
    this.#cutFile(plan.image, files.image);
    if (plan.dataFile !== undefined && files.dataFile !== undefined) {
      this.#cutFile(plan.dataFile, files.dataFile);
    }
  }

  #writeFile(group: Group, plan: FilePlan, disk: MutableFile, grows: boolean): void {
    let isChanged = false;
    if (grows && plan.newSize > plan.oldSize) {
      disk.truncate(plan.newSize);
      isChanged = true;
    }
    const limit = Math.max(plan.oldSize, plan.newSize);
    const read = (target: Uint8Array, at: number): void => {
      disk.read(target, at);
    };
    const write = (offset: number, bytes: Uint8Array): void => {
      const part = bytes.subarray(0, limit - offset);
      disk.write(part, offset);
      this.#count(group, part.length);
      isChanged = true;
    };
    plan.runs.forEachChunk(this.plan.clusterSize, (offset, length, role) => {
      const groups = GROUPS_OF[role];
      if (!groups.includes(group)) return;
      const place = { role, offset, length };
      const final = finalContent(this.plan, plan, place, this.#final);
      // All that is in the plan differs in the end; what has one group only need not be looked at.
      if (groups.length === 1) {
        write(offset, final);
        return;
      }
      const before = this.#before.subarray(0, length);
      disk.read(before, offset);
      const other = otherContent(this.plan, place, read);
      const after = contentAfter(group, { role, before, final, other }, this.plan.shape);
      forEachDifference(before, after, (start, end) => {
        write(offset + start, after.subarray(start, end));
      });
    });
    if (!isChanged) return;
    disk.flush();
    this.counts.flushes++;
  }

  #cutFile(plan: FilePlan, disk: MutableFile): void {
    if (plan.newSize >= plan.oldSize) return;
    disk.truncate(plan.newSize);
    disk.flush();
    this.counts.flushes++;
  }

  #count(group: Group, bytes: number): void {
    const { counts } = this;
    counts.writes++;
    counts.bytes += bytes;
    const name = GROUP_NAMES[group]!;
    counts.groups[name] = (counts.groups[name] ?? 0) + bytes;
    this.progress.report(Math.min(counts.bytes, this.total), this.total);
  }
}
