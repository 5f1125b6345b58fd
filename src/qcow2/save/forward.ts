/** Writes a save's groups, each flushed before the next (role.ts). */
import { firstBytes, withScratch } from '../image/scratch';
import type { Fill } from '../io/fill';
import type { Progress } from '../progress';
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import { contentAfter, GROUPS_OF } from './groupContent';
import { fillsBetween, finalContent, isKept, otherContent, type PlannedSectors } from './plannedContent';
import type { MutableFile } from './disk';
import type { FilePlan, SavePlan } from './plan';
import { Group, GROUP_NAMES } from './role';
import { forEachDifference } from './runs';

/** Bytes that the disk is given to write before all of a group are there. */
const FLUSH_AHEAD = 8 * 1024 * 1024;

/** The files that a save writes. */
export interface SavedFiles {
  readonly image: MutableFile;
  readonly dataFile: MutableFile | undefined;
}

/** What was written so far. */
export interface WriteCounts {
  writes: number;
  bytes: ByteLength;
  flushes: number;
  /** Bytes by the name of the group. */
  readonly groups: Record<string, number>;
}

export class ForwardWriter {
  readonly counts: WriteCounts = { writes: 0, bytes: 0, flushes: 0, groups: {} };

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
    let waiting = 0;
    const write = (offset: HostOffset, bytes: Uint8Array): void => {
      const part = firstBytes(bytes, Math.min(bytes.length, limit - offset));
      disk.write(part, offset);
      this.#count(group, part.length);
      isChanged = true;
      // The disk need not wait for all that comes before the flush.
      waiting += part.length;
      if (waiting < FLUSH_AHEAD) return;
      disk.startFlush();
      waiting = 0;
    };
    withScratch(({ plain: before }) => {
      withScratch(({ plain: final }) => {
        const writer = new StretchWriter({ plan: this.plan, file: plan, disk, before, final, write });
        plan.runs.forEachChunk(this.plan.clusterSize, (offset, length, role) => {
          if (GROUPS_OF[role].includes(group)) writer.write(group, { role, offset, length });
        });
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

  #count(group: Group, bytes: ByteLength): void {
    const { counts } = this;
    counts.writes++;
    counts.bytes += bytes;
    const name = GROUP_NAMES[group];
    counts.groups[name] = (counts.groups[name] ?? 0) + bytes;
    this.progress.report(Math.min(counts.bytes, this.total), this.total);
  }
}

interface StretchesToWrite {
  readonly plan: SavePlan;
  readonly file: FilePlan;
  readonly disk: MutableFile;
  /** For contents, `CHUNK` bytes each. */
  readonly before: Uint8Array;
  readonly final: Uint8Array;
  readonly write: (offset: HostOffset, bytes: Uint8Array) => void;
}

/** Writes what changes of one stretch after another in a group. */
class StretchWriter {
  /** What `final` is full of, where it is one word over and over. */
  #filled: Fill | undefined;

  constructor(readonly here: StretchesToWrite) {}

  write(group: Group, place: PlannedSectors): void {
    if (this.#writeFill(group, place)) return;
    this.#filled = undefined;
    const { plan, file, disk, write } = this.here;
    const { role, offset, length } = place;
    const final = finalContent(plan, file, place, this.here.final);
    // All that is in the plan differs in the end; what has one group only need not be looked at.
    if (GROUPS_OF[role].length === 1) {
      write(offset, final);
      return;
    }
    const before = firstBytes(this.here.before, length);
    disk.read(before, offset);
    const other = otherContent(plan, place, (target, at) => {
      disk.read(target, at);
    });
    const after = contentAfter(group, { role, before, final, other }, plan.shape);
    forEachDifference(before, after, (start, end) => {
      write(hostOffset(offset + start), after.subarray(start, end));
    });
  }

  /** Writes what is a fill all the while, without reading; the journal has seen that it was one. @returns false for others */
  #writeFill(group: Group, place: PlannedSectors): boolean {
    const { role, offset, length } = place;
    const { staged } = this.here.file;
    const groups = GROUPS_OF[role];
    if (isKept(role)) return false;
    const final = staged.fillAt(offset, length);
    if (final === undefined) return false;
    if (groups.length === 1) {
      this.#putFill(final, place);
      return true;
    }
    const before = staged.fillBelow(offset, length);
    const fills = before && fillsBetween(place, before, final, this.here.plan.shape);
    if (fills === undefined) return false;
    const index = groups.indexOf(group);
    const is = [before, ...fills][index];
    const next = fills[index];
    if (is !== undefined && next !== undefined && !next.agreesWith(is, offset)) this.#putFill(next, place);
    return true;
  }

  #putFill(fill: Fill, { offset, length }: PlannedSectors): void {
    const bytes = this.here.final;
    const isThere = fill.step === 0 && this.#filled?.agreesWith(fill, offset) === true;
    if (!isThere) fill.writeTo(fill.step === 0 ? bytes : firstBytes(bytes, length), offset);
    this.#filled = fill.step === 0 ? fill : undefined;
    this.here.write(offset, firstBytes(bytes, length));
  }
}
