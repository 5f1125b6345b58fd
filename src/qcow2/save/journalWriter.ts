/**
 * Writes the journal of a save (journalFormat.ts). The old contents are read once, here: what they are is compared with
 * what they were when the changes were staged, and goes into the journal as it is.
 */
import { FileError } from '../errors';
import { checksum } from '../io/checksum';
import { firstBytes, withScratch } from '../image/scratch';
import { Fill } from '../io/fill';
import type { Progress } from '../progress';
import { alignDown, type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { contentAfter, GROUPS_OF, hasPeak, type SectorContents } from './groupContent';
import { fillsBetween, finalContent, isKept, otherContent, type PlannedSectors } from './plannedContent';
import type { MutableFile } from './disk';
import {
  encodeHead,
  encodeRecord,
  encodeSeal,
  fold,
  HEAD_OFFSET,
  type JournalHead,
  type RecordHeader,
  recordLength,
  SealState,
} from './journalFormat';
import type { FilePlan, SavePlan } from './plan';
import { Role, SECTOR } from './role';

/** Bytes written at a time. */
const BATCH = 64 * 1024;
/** Bytes from which on a stretch that is a fill all the while has a record of its own. */
const SHORTEST_FILL = 4 * SECTOR;
/** Roles of tables, which are fills here and there; looking for them in data would cost more than it gains. */
const IN_PARTS: ReadonlySet<Role> = new Set([Role.block, Role.table, Role.tree, Role.bitmap]);
/** Of the pages whose checksums a staged file keeps. */
const PAGE = 4096;

/** A file whose records are written. */
interface Source {
  readonly index: 0 | 1;
  readonly plan: FilePlan;
  readonly disk: MutableFile;
  /** For contents, `CHUNK` bytes each. */
  readonly old: Uint8Array;
  readonly final: Uint8Array;
}

export class JournalWriter {
  #length = HEAD_OFFSET;
  #count = 0;
  #sum = 0;
  #batch = new Uint8Array(BATCH);
  #batched = 0;
  readonly #page = new Uint8Array(PAGE);
  #checked = -1;

  constructor(
    readonly file: MutableFile,
    readonly plan: SavePlan,
    readonly progress: Progress,
  ) {}

  get length(): ByteLength {
    return this.#length + this.#batched;
  }

  /** The head comes first: from then on everybody can see whose journal it is. */
  writeHead(head: JournalHead): void {
    const bytes = encodeHead(head);
    this.#sum = checksum(bytes);
    this.#room(bytes.length).set(bytes);
    this.#writeBatch();
  }

  /**
   * Writes the records of one file.
   * @throws FileError `save.changedOutside` when the file is not what was staged over
   */
  writeRecords(index: 0 | 1, plan: FilePlan, disk: MutableFile): void {
    withScratch(({ plain: old }) => {
      withScratch(({ plain: final }) => {
        plan.runs.forEachChunk(this.plan.clusterSize, (offset, length, role) => {
          this.progress.checkCancelled();
          this.#writeRecord({ index, plan, disk, old, final }, { offset, length, role });
        });
      });
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
    this.file.write(state === SealState.open ? new Uint8Array(SECTOR) : seal, hostOffset(0));
    this.file.flush();
  }

  #writeRecord(source: Source, place: PlannedSectors): void {
    const { plan, disk } = source;
    const { role, offset, length } = place;
    const old = firstBytes(source.old, length);
    disk.read(old, offset);
    const oldLength = Math.max(0, Math.min(length, plan.oldSize - offset));
    const isWhole = length % SECTOR === 0 && (oldLength === length || oldLength === 0);
    const oldFill = isWhole ? Fill.found(old, offset, this.plan.clusterSize) : undefined;
    this.#refuseChanged(plan, disk, offset, old, oldFill);
    const before = isKept(role) ? undefined : oldFill;
    // Where it is known to be a fill it need not be read to find that out.
    const staged = before && role !== Role.cut ? plan.staged.fillAt(offset, length) : undefined;
    if (before && staged && this.#addFills(source, place, oldLength, before, staged)) return;
    const final = role === Role.cut ? old : finalContent(this.plan, plan, place, source.final);
    const after = before && Fill.found(final, offset, this.plan.clusterSize);
    if (before && after && this.#addFills(source, place, oldLength, before, after)) return;
    if (isWhole && IN_PARTS.has(role)) this.#addParts(source, place, oldLength > 0, old, final);
    else this.#addSums(source, place, oldLength, old, final);
  }

  /** Adds records of parts that are fills all the while, as far as that is worth while, and of what lies between them. */
  #addParts(source: Source, place: PlannedSectors, isOld: boolean, old: Uint8Array, final: Uint8Array): void {
    const { role, offset, length } = place;
    let done = 0;
    const addUpTo = (end: HostOffset): void => {
      if (end === done) return;
      const part = { role, offset: plus(offset, done), length: end - done };
      const contents = [old.subarray(done, end), final.subarray(done, end)] as const;
      this.#addSums(source, part, isOld ? part.length : 0, ...contents);
      done = end;
    };
    for (let at = 0; at < length;) {
      const [rest, restOfFinal] = [old.subarray(at), final.subarray(at)];
      const found = this.#fillsFrom(plus(offset, at), rest, restOfFinal);
      if (found === undefined) {
        at += SECTOR;
        continue;
      }
      addUpTo(hostOffset(at));
      const part = { role, offset: plus(offset, at), length: found.length };
      const isAdded = this.#addFills(source, part, isOld ? part.length : 0, found.before, found.after);
      at += found.length;
      if (isAdded) done = at;
    }
    addUpTo(hostOffset(length));
  }

  /** The fills that a stretch begins with before the save and after it, and how many bytes both are long: whole sectors. */
  #fillsFrom(
    offset: HostOffset,
    old: Uint8Array,
    final: Uint8Array,
  ): { readonly before: Fill; readonly after: Fill; readonly length: ByteLength } | undefined {
    const { clusterSize } = this.plan;
    const before = Fill.begun(old, offset, clusterSize);
    const after = before && Fill.begun(final, offset, clusterSize);
    if (before === undefined || after === undefined) return undefined;
    const same = Math.min(before.lengthIn(old, offset), after.lengthIn(final, offset));
    const length = same - (same % SECTOR);
    return length < Math.min(SHORTEST_FILL, old.length) ? undefined : { before, after, length };
  }

  /** Adds a record of a stretch that is a fill after each group. @returns false where it is not: then nothing is added */
  #addFills(
    source: Source,
    place: PlannedSectors,
    oldLength: ByteLength,
    before: Fill,
    after: Fill,
  ): boolean {
    const fills = fillsBetween(place, before, after, this.plan.shape);
    if (fills === undefined) return false;
    const { role, offset, length } = place;
    const record = { file: source.index, role, isFill: true, offset, sectors: length / SECTOR, oldLength };
    this.#addRecord(record, fills, before, undefined);
    return true;
  }

  #addSums(
    source: Source,
    place: PlannedSectors,
    oldLength: ByteLength,
    old: Uint8Array,
    final: Uint8Array,
  ): void {
    const { role, offset, length } = place;
    const other = otherContent(this.plan, place, (target, at) => {
      source.disk.read(target, at);
    });
    const contents = this.#contents({ role, before: old, final, other });
    const sectors = Math.ceil(length / SECTOR);
    const record = { file: source.index, role, isFill: false, offset, sectors, oldLength };
    this.#addRecord(record, sumsOf(contents), old, hasPeak(role) ? contents[0] : undefined);
  }

  #addRecord(
    record: RecordHeader,
    contents: Float64Array | readonly Fill[],
    old: Uint8Array | Fill,
    peak: Uint8Array | undefined,
  ): void {
    const bytes = this.#room(recordLength(record));
    this.#count++;
    this.#sum = fold(this.#sum, encodeRecord(bytes, record, contents, old, peak));
  }

  /** What a stretch holds after each group of its role. */
  #contents(stretch: SectorContents): Uint8Array[] {
    if (stretch.role === Role.cut) return [stretch.before];
    let { before } = stretch;
    return GROUPS_OF[stretch.role].map((group) => {
      before = contentAfter(group, { ...stretch, before }, this.plan.shape);
      return before;
    });
  }

  /** What was read when something was staged over it must still be what it was. */
  #refuseChanged(
    { staged }: FilePlan,
    disk: MutableFile,
    offset: HostOffset,
    old: Uint8Array,
    oldFill: Fill | undefined,
  ): void {
    const known = staged.fillBelow(offset, old.length);
    if (known !== undefined) {
      if (oldFill?.agreesWith(known, offset) === true) return;
      throw new FileError(staged.name, 'save.changedOutside');
    }
    for (let page = alignDown(offset, PAGE); page < offset + old.length; page = plus(page, PAGE)) {
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

  /** The place of the next bytes of the journal, which come to the disk with others. They hold anything. */
  #room(length: ByteLength): Uint8Array {
    if (this.#batched + length > this.#batch.length) this.#writeBatch();
    if (length > this.#batch.length) this.#batch = new Uint8Array(length);
    const start = this.#batched;
    this.#batched += length;
    return this.#batch.subarray(start, this.#batched);
  }

  #writeBatch(): void {
    if (this.#batched === 0) return;
    this.file.write(this.#batch.subarray(0, this.#batched), hostOffset(this.#length));
    this.#length += this.#batched;
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
