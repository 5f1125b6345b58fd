/**
 * Writes the journal of a save (journalFormat.ts). The old contents are read once, here: what they are is compared with
 * what they were when the changes were staged, and goes into the journal as it is.
 */
import { FileError } from '../errors';
import { checksum } from '../io/checksum';
import type { Fill } from '../io/fill';
import type { Progress } from '../progress';
import { contentAfter, GROUPS_OF, hasPeak, type Stretch } from './content';
import { fillOf, finalContent, otherContent, type Place } from './contents';
import type { MutableFile } from './disk';
import {
  encodeHead,
  encodeRecord,
  encodeSeal,
  fold,
  HEAD_OFFSET,
  type JournalHead,
  type RecordHeader,
  SealState,
  stepsOf,
} from './journalFormat';
import type { FilePlan, SavePlan } from './plan';
import { CHUNK, Role, SECTOR } from './role';

/** Bytes written at a time. */
const BATCH = 64 * 1024;
/** Of the pages whose checksums a staged file keeps. */
const PAGE = 4096;

export class JournalWriter {
  #length = HEAD_OFFSET;
  #count = 0;
  #sum = 0;
  #batch: Uint8Array[] = [];
  #batched = 0;
  readonly #page = new Uint8Array(PAGE);
  readonly #old = new Uint8Array(CHUNK);
  readonly #final = new Uint8Array(CHUNK);
  #checked = -1;

  constructor(
    readonly file: MutableFile,
    readonly plan: SavePlan,
    readonly progress: Progress,
  ) {}

  get length(): number {
    return this.#length + this.#batched;
  }

  /** The head comes first: from then on everybody can see whose journal it is. */
  writeHead(head: JournalHead): void {
    const bytes = encodeHead(head);
    this.#sum = checksum(bytes);
    this.#add(bytes);
    this.#writeBatch();
  }

  /**
   * Writes the records of one file.
   * @throws FileError `save.changedOutside` when the file is not what was staged over
   */
  writeRecords(index: 0 | 1, plan: FilePlan, disk: MutableFile): void {
    plan.runs.forEachChunk(this.plan.clusterSize, (offset, length, role) => {
      this.progress.checkCancelled();
      this.#writeRecord(index, plan, disk, offset, length, role);
    });
  }

  /** Makes all of it stable, then the seal. */
  seal(): void {
    this.#writeBatch();
    this.file.flush();
    this.setState(SealState.sealed);
  }

  /** Overwrites the seal, and flushes. */
  setState(state: SealState): void {
    const seal = encodeSeal({ state, count: this.#count, length: this.#length, sum: this.#sum });
    this.file.write(state === SealState.open ? new Uint8Array(SECTOR) : seal, 0);
    this.file.flush();
  }

  #writeRecord(
    file: 0 | 1,
    plan: FilePlan,
    disk: MutableFile,
    offset: number,
    length: number,
    role: Role,
  ): void {
    const old = this.#old.subarray(0, length);
    disk.read(old, offset);
    this.#refuseChanged(plan, disk, offset, old);
    const oldLength = Math.max(0, Math.min(length, plan.oldSize - offset));
    const place = { role, offset, length };
    const isWhole = oldLength === length || oldLength === 0;
    const before =
      isWhole && !hasPeak(role) && role !== Role.header
        ? fillOf(old, offset, this.plan.clusterSize)
        : undefined;
    const staged =
      before !== undefined && isWrittenOnce(role) ? plan.staged.fillAt(offset, length) : undefined;
    // Where it is known to be a fill it need not be read to find that out.
    const final =
      role === Role.cut || staged !== undefined ? old : finalContent(this.plan, plan, place, this.#final);
    const after = before === undefined ? undefined : (staged ?? fillOf(final, offset, this.plan.clusterSize));
    const fills = before && after && this.#fillsBetween(place, before, after, old, final);
    const read = (target: Uint8Array, at: number): void => {
      disk.read(target, at);
    };
    const sectors = Math.ceil(length / SECTOR);
    const record: RecordHeader = { file, role, isFill: fills !== undefined, offset, sectors, oldLength };
    if (before !== undefined && fills !== undefined) {
      this.#addRecord(encodeRecord(record, fills, before, undefined));
      return;
    }
    const other = otherContent(this.plan, place, read);
    const contents = this.#contents({ role, before: old, final, other });
    const peak = hasPeak(role) ? contents[0] : undefined;
    this.#addRecord(encodeRecord(record, sumsOf(contents), old, peak));
  }

  /** What a stretch holds after each group, where old and final content are fills, and what lies between them is, too. */
  #fillsBetween(
    { role, offset }: Place,
    before: Fill,
    after: Fill,
    old: Uint8Array,
    final: Uint8Array,
  ): readonly Fill[] | undefined {
    const { clusterSize } = this.plan;
    if (stepsOf(role) === 1) return [after];
    // What lies between two of one word is of one word, too: one sector tells.
    if (before.step !== 0 || after.step !== 0) return undefined;
    const stretch = {
      role,
      before: old.subarray(0, SECTOR),
      final: final.subarray(0, SECTOR),
      other: undefined,
    };
    const contents = this.#contents(stretch).map((content) => fillOf(content, offset, clusterSize));
    return contents.every((fill) => fill !== undefined) ? contents : undefined;
  }

  #addRecord({ bytes, sum }: { readonly bytes: Uint8Array; readonly sum: number }): void {
    this.#count++;
    this.#sum = fold(this.#sum, sum);
    this.#add(bytes);
  }

  /** What a stretch holds after each group of its role. */
  #contents(stretch: Stretch): Uint8Array[] {
    if (stretch.role === Role.cut) return [stretch.before];
    let { before } = stretch;
    return GROUPS_OF[stretch.role].map((group) => {
      before = contentAfter(group, { ...stretch, before }, this.plan.shape);
      return before;
    });
  }

  /** Pages that were read when something was staged over them must still be what they were. */
  #refuseChanged({ staged }: FilePlan, disk: MutableFile, offset: number, old: Uint8Array): void {
    for (let page = Math.floor(offset / PAGE) * PAGE; page < offset + old.length; page += PAGE) {
      if (page === this.#checked || !staged.isNoted(page)) continue;
      this.#checked = page;
      let bytes = old.subarray(Math.max(0, page - offset), page - offset + PAGE);
      if (page < offset || bytes.length < PAGE) {
        bytes = this.#page;
        disk.read(bytes, page);
      }
      if (!staged.isAsNoted(page, bytes)) throw new FileError(staged.name, 'save.changedOutside');
    }
  }

  #add(bytes: Uint8Array): void {
    if (this.#batched + bytes.length > BATCH) this.#writeBatch();
    this.#batch.push(bytes);
    this.#batched += bytes.length;
  }

  #writeBatch(): void {
    if (this.#batched === 0) return;
    const [only] = this.#batch;
    const bytes = this.#batch.length === 1 && only !== undefined ? only : Buffer.concat(this.#batch);
    this.file.write(bytes, this.#length);
    this.#length += this.#batched;
    this.#batch = [];
    this.#batched = 0;
  }
}

/** What is there after the one group is what is staged. */
const isWrittenOnce = (role: Role): boolean => role !== Role.cut && stepsOf(role) === 1;

/** Step by step for each sector. */
function sumsOf(contents: readonly Uint8Array[]): Float64Array {
  const sectors = Math.ceil((contents[0]?.length ?? 0) / SECTOR);
  const sums = new Float64Array(sectors * contents.length);
  contents.forEach((content, step) => {
    for (let sector = 0; sector < sectors; sector++) {
      const bytes = content.subarray(sector * SECTOR, (sector + 1) * SECTOR);
      sums[sector * contents.length + step] = checksum(bytes);
    }
  });
  return sums;
}
