/** Reads a journal (journalFormat.ts), record by record: it may be longer than memory. */
import { FormatError } from '../errors';
import { checksum } from '../io/checksum';
import type { Fill } from '../io/fill';
import { dataView } from '../format/bytes';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { hasPeak } from './groupContent';
import {
  brokenJournal,
  decodeFill,
  decodeHead,
  decodeRecordHeader,
  decodeSeal,
  fillPlace,
  fold,
  hasMagic,
  HEAD_OFFSET,
  headLength,
  isBegun,
  otherVersionOf,
  type JournalHead,
  partsOf,
  RECORD_HEADER,
  type RecordHeader,
  recordLength,
  recordSum,
  type Seal,
  SealState,
  statedSum,
  stepsOf,
} from './journalFormat';
import type { Role } from './role';
import { SECTOR } from './role';

/** What a journal is read from. */
export interface Readable {
  readonly name: string;
  readonly size: ByteLength;
  read(target: Uint8Array, offset: HostOffset): void;
}

export interface JournalRecord extends RecordHeader {
  /** Zeroes past the old end of the file. Of what is cut off it says nothing. */
  readonly old: Uint8Array;
  readonly peak: Uint8Array | undefined;
  /** Of a sector of the record. */
  holdsAfter(sector: number, step: number): number;
  /** Groups of the role. */
  readonly steps: number;
  /** Where the record's old content is in the journal, where that is no fill. */
  readonly oldAt: HostOffset;
  /** The old content, where all contents are fills. */
  readonly oldFill: Fill | undefined;
}

export class JournalReader {
  readonly seal: Seal;
  /** Undefined where nothing was written yet, or what there is makes no sense. */
  readonly head: JournalHead | undefined;
  readonly #unknown: FormatError | undefined;
  readonly #records: HostOffset;
  readonly #headSum: number;

  /** @throws FileError */
  constructor(readonly file: Readable) {
    const seal = new Uint8Array(SECTOR);
    const first = new Uint8Array(SECTOR);
    file.read(seal, hostOffset(0));
    file.read(first, hostOffset(HEAD_OFFSET));
    this.seal = decodeSeal(seal);
    const isKnown = this.seal.state !== SealState.open || isBegun(seal, first);
    this.#unknown = isKnown ? undefined : unknownJournal(file.name, seal);
    const bytes = new Uint8Array(headLength(first));
    file.read(bytes, hostOffset(HEAD_OFFSET));
    this.head = bytes.length === 0 ? undefined : decodeHead(bytes);
    this.#records = hostOffset(HEAD_OFFSET + bytes.length);
    this.#headSum = checksum(bytes);
  }

  /**
   * A file that is something else, a journal of another version and one whose seal is broken look as if they were not
   * sealed: they must not be taken for that.
   * @throws FormatError `journal.foreign`, `journal.version`, `journal.broken`
   */
  refuseUnknown(): void {
    if (this.#unknown !== undefined) throw this.#unknown;
  }

  /**
   * The head of a sealed journal, all of which is as it was written.
   * @throws FormatError `journal.broken`, FileError
   */
  verify(): JournalHead {
    const { head, seal } = this;
    if (head === undefined) throw brokenJournal(this.file.name, 'head', hostOffset(HEAD_OFFSET));
    if (seal.state === SealState.open || seal.length > this.file.size) {
      throw brokenJournal(this.file.name, 'seal', hostOffset(0));
    }
    let sum = this.#headSum;
    let count = 0;
    this.#forEachRaw(
      () => true,
      (record, bytes, at) => {
        if (!isWithin(record, head)) throw brokenJournal(this.file.name, 'record', hostOffset(at));
        sum = fold(sum, recordSum(bytes));
        count++;
      },
    );
    if (sum !== seal.sum || count !== seal.count) throw brokenJournal(this.file.name, 'seal', hostOffset(0));
    return head;
  }

  /** Visits the records of some roles in their order; what they hold belongs to the visitor only until it returns. */
  forEach(wants: (role: Role) => boolean, visit: (record: JournalRecord) => void): void {
    this.#forEachRaw(wants, (header, bytes, at) => {
      visit(new StoredRecord(header, bytes, at));
    });
  }

  #forEachRaw(
    wants: (role: Role) => boolean,
    visit: (header: RecordHeader, bytes: Uint8Array, at: number) => void,
  ): void {
    const start = new Uint8Array(RECORD_HEADER);
    for (let at = this.#records; at < this.seal.length;) {
      this.file.read(start, at);
      const header = decodeRecordHeader(start, this.file.name, at);
      const length = recordLength(header);
      if (wants(header.role)) {
        const bytes = new Uint8Array(length);
        this.file.read(bytes, at);
        if (recordSum(bytes) !== statedSum(bytes)) throw brokenJournal(this.file.name, 'record', at);
        visit(header, bytes, at);
      }
      at = plus(at, length);
    }
  }
}

/** No save writes behind the end that a file had or gets: taken back, that would make the file as long as it says. */
function isWithin({ file, offset, sectors }: RecordHeader, { image, dataFile }: JournalHead): boolean {
  const changed = file === 0 ? image : dataFile;
  if (changed === undefined) return false;
  const end = Math.ceil(Math.max(changed.oldSize, changed.newSize) / SECTOR) * SECTOR;
  return offset + sectors * SECTOR <= end;
}

function unknownJournal(name: string, seal: Uint8Array): FormatError {
  const value = otherVersionOf(seal);
  if (value !== undefined) return new FormatError(name, 'journal.version', { value });
  return hasMagic(seal)
    ? brokenJournal(name, 'seal', hostOffset(0))
    : new FormatError(name, 'journal.foreign');
}

class StoredRecord implements JournalRecord {
  readonly file: 0 | 1;
  readonly role: Role;
  readonly isFill: boolean;
  readonly oldFill: Fill | undefined;
  readonly offset: HostOffset;
  readonly sectors: number;
  readonly oldLength: ByteLength;
  readonly oldAt: HostOffset;
  readonly steps: number;
  readonly #view: DataView;
  readonly #stored: Uint8Array;
  #old: Uint8Array | undefined;

  constructor(
    header: RecordHeader,
    readonly bytes: Uint8Array,
    at: number,
  ) {
    this.file = header.file;
    this.role = header.role;
    this.isFill = header.isFill;
    this.offset = header.offset;
    this.sectors = header.sectors;
    this.oldLength = header.oldLength;
    this.steps = stepsOf(header.role);
    this.#view = dataView(bytes);
    const { contents, old } = partsOf(header);
    const start = RECORD_HEADER + contents;
    this.oldAt = hostOffset(at + start);
    this.oldFill = header.isFill && old > 0 ? decodeFill(this.#view, start, header.offset) : undefined;
    this.#stored = header.isFill ? NOTHING : bytes.subarray(start, start + Math.min(old, header.oldLength));
  }

  get old(): Uint8Array {
    if (this.#old === undefined) {
      this.#old = new Uint8Array(this.sectors * SECTOR);
      if (this.oldFill !== undefined && this.oldLength > 0) this.oldFill.writeTo(this.#old, this.offset);
      else this.#old.set(this.#stored);
    }
    return this.#old;
  }

  get peak(): Uint8Array | undefined {
    if (!hasPeak(this.role)) return undefined;
    const length = this.sectors * SECTOR;
    return this.bytes.subarray(this.bytes.length - length);
  }

  holdsAfter(sector: number, step: number): number {
    if (this.isFill) {
      const bytes = new Uint8Array(SECTOR);
      decodeFill(this.#view, fillPlace(step), this.offset).writeTo(bytes, plus(this.offset, sector * SECTOR));
      return checksum(bytes);
    }
    const index = sector * this.steps + step;
    return this.#view.getFloat64(RECORD_HEADER + index * 8);
  }
}

const NOTHING = new Uint8Array(0);
