/**
 * Takes a save back: the same groups backwards, each flushed before the next, so that a program that reads the image in
 * between, or after another crash, still sees old or new content and no corruption.
 *
 * First all that both states need is there again (what was hidden, refcounts at the larger value, dropped entries of
 * the refcount table); then the trees, the data, the bitmaps go back; then what only the new state needed goes.
 * Whatever is written here is one of the contents that the journal has for the sector: taking back can be repeated.
 */
import { checksum } from '../io/checksum';
import type { ByteLength } from '../units';
import { larger, united, withMark, withPointer, withRest } from './groupContent';
import type { MutableFile } from './disk';
import type { SavedFiles } from './forward';
import type { JournalHead } from './journalFormat';
import type { JournalReader, JournalRecord } from './journalReader';
import { Role, SECTOR } from './role';

/**
 * What a record's sectors shall hold in a step.
 * @param current what they hold
 * @returns undefined where the step leaves them alone
 */
type Step = (record: JournalRecord, current: Uint8Array) => Uint8Array | undefined;

export class Rollback {
  constructor(
    readonly journal: JournalReader,
    readonly head: JournalHead,
    readonly files: SavedFiles,
    /**
     * Writes every sector again, whatever it seems to hold: after a flush that failed, what is read may never get to
     * the disk.
     */
    readonly rewrites: boolean,
  ) {}

  /** @throws FileError, FormatError; it can be repeated then */
  run(): void {
    const { version, refcountBits, pointer } = this.head;
    const old = (record: JournalRecord): Uint8Array => record.old;
    if (version === 3) this.#step({ [Role.header]: ({ old: target }, now) => withMark(now, target) });
    this.#step({ [Role.hidden]: old });
    this.#step({
      [Role.block]: (record, now) => larger(record.old, now, refcountBits),
      [Role.movedBlock]: ({ peak }) => peak,
      [Role.formerBlock]: ({ peak }) => peak,
    });
    this.#step({
      [Role.table]: (record, now) => united(record.old, now),
      [Role.movedTable]: ({ peak }) => peak,
      [Role.formerTable]: withoutHidden,
    });
    const withOldPointer: Step = ({ old: target }, now) => withPointer(now, target);
    if (pointer === 'drop') this.#step({ [Role.header]: withOldPointer });
    this.#step({
      [Role.tree]: old,
      [Role.header]: ({ old: target }, now) => withRest(now, target, version),
    });
    this.#step({ [Role.data]: old, [Role.headerTail]: old });
    this.#step({ [Role.bitmap]: old });
    this.#step({
      [Role.table]: old,
      [Role.formerTable]: old,
      ...(pointer === 'extend' ? { [Role.header]: withOldPointer } : {}),
    });
    this.#step({
      [Role.fresh]: old,
      [Role.block]: old,
      [Role.movedBlock]: old,
      [Role.formerBlock]: old,
      [Role.movedTable]: old,
    });
    // Nothing refers to it any more. Later, with the mark gone, another program may use it.
    this.#shrink(this.files.image, this.head.image.oldSize);
    if (this.head.dataFile !== undefined) this.#shrink(this.files.dataFile, this.head.dataFile.oldSize);
    this.#step({ [Role.header]: old });
  }

  #step(steps: Partial<Record<Role, Step>>): void {
    const changed = new Set<MutableFile>();
    const isWanted = (role: Role): boolean => steps[role] !== undefined;
    this.journal.forEach(isWanted, (record) => {
      const file = record.file === 0 ? this.files.image : this.files.dataFile;
      if (file === undefined) return;
      const now = new Uint8Array(record.sectors * SECTOR);
      file.read(now, record.offset);
      const then = steps[record.role]?.(record, now);
      if (then !== undefined && this.#write(file, record, now, then)) changed.add(file);
    });
    // Backwards: the image's entries, then the data that they led to, and that is what the order of steps is for.
    if (this.files.dataFile !== undefined && changed.has(this.files.dataFile)) this.files.dataFile.flush();
    if (changed.has(this.files.image)) this.files.image.flush();
  }

  #write(file: MutableFile, record: JournalRecord, now: Uint8Array, then: Uint8Array): boolean {
    if (!this.rewrites && Buffer.compare(now, then) === 0) return false;
    // What lies past the old end is cut off; until then it may be needed, later nothing refers to it.
    const growth = Math.max(0, file.size - record.offset);
    const end = then === record.old ? record.oldLength : Math.min(growth, then.length);
    if (end === 0) return false;
    file.write(then.subarray(0, end), record.offset);
    return true;
  }

  #shrink(file: MutableFile | undefined, size: ByteLength): void {
    if (file === undefined || file.size <= size) return;
    file.truncate(size);
    file.flush();
  }
}

/**
 * Leaves the former table as it is, except for sectors that already have their content of the last group (`hidden`): those
 * get back what they held while both states needed the table (`peak`).
 */
function withoutHidden(record: JournalRecord, now: Uint8Array): Uint8Array | undefined {
  const { peak, old } = record;
  if (peak === undefined) return undefined;
  const then = now.slice();
  for (let sector = 0; sector < record.sectors; sector++) {
    const [start, end] = [sector * SECTOR, (sector + 1) * SECTOR];
    const bytes = now.subarray(start, end);
    const isOld = Buffer.compare(bytes, old.subarray(start, end)) === 0;
    if (!isOld && checksum(bytes) === record.holdsAfter(sector, 1))
      then.set(peak.subarray(start, end), start);
  }
  return then;
}
