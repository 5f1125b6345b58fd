/**
 * Writes the journal of a save (journalFormat.ts). The old contents are read once, here: what they are is compared with
 * what they were when the changes were staged, and goes into the journal as it is.
 */
import { FileError } from '../errors';
import { checksum } from '../io/checksum';
import type { Progress } from '../progress';
import { contentAfter, GROUPS_OF, hasPeak, type Stretch } from './content';
import { finalContent, isUniform, otherContent } from './contents';
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
} from './journalFormat';
import type { FilePlan, SavePlan } from './plan';
import { Role, SECTOR } from './role';

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
    const old = new Uint8Array(length);
    disk.read(old, offset);
    this.#refuseChanged(plan, disk, offset, old);
    const oldLength = Math.max(0, Math.min(length, plan.oldSize - offset));
    const place = { role, offset, length };
    const final = role === Role.cut ? old : finalContent(this.plan, plan, place);
    const isWhole = oldLength === length || oldLength === 0;
    const maySkip = isWhole && !hasPeak(role) && role !== Role.header;
    const isSame = maySkip && isUniform(old) && isUniform(final);
    const shown = isSame ? SECTOR : length;
    const read = (target: Uint8Array, at: number): void => {
      disk.read(target, at);
    };
    const contents = this.#contents({
      role,
      before: old.subarray(0, shown),
      final: final.subarray(0, shown),
      other: otherContent(this.plan, place, read),
    });
    const record: RecordHeader = {
      file,
      role,
      isUniform: isSame,
      offset,
      sectors: Math.ceil(length / SECTOR),
      oldLength,
    };
    const peak = hasPeak(role) ? contents[0] : undefined;
    const { bytes, sum } = encodeRecord(record, sumsOf(contents), old, peak);
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
      const noted = page === this.#checked ? undefined : staged.baseChecksum(page);
      this.#checked = page;
      if (noted === undefined) continue;
      let bytes = old.subarray(Math.max(0, page - offset), page - offset + PAGE);
      if (page < offset || bytes.length < PAGE) {
        bytes = this.#page;
        disk.read(bytes, page);
      }
      if (noted !== checksum(bytes)) throw new FileError(staged.name, 'save.changedOutside');
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
