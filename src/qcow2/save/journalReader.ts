/** Reads a journal (journalFormat.ts), record by record: it may be longer than memory. */
import { checksum } from '../io/checksum';
import { dataView } from '../format/bytes';
import { hasPeak } from './content';
import {
  brokenJournal,
  decodeHead,
  decodeRecordHeader,
  decodeSeal,
  fold,
  HEAD_OFFSET,
  headLength,
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
import { Role, SECTOR } from './role';

/** What a journal is read from. */
export interface Readable {
  readonly name: string;
  readonly size: number;
  read(target: Uint8Array, offset: number): void;
}

export interface JournalRecord extends RecordHeader {
  /** Zeroes past the old end of the file. Of what is cut off it says nothing. */
  readonly old: Uint8Array;
  readonly peak: Uint8Array | undefined;
  /** Of a sector of the record. */
  holdsAfter(sector: number, step: number): number;
  /** Groups of the role. */
  readonly steps: number;
  /** Where the record's old content is in the journal. */
  readonly oldAt: number;
}

export class JournalReader {
  readonly seal: Seal;
  /** Undefined where nothing was written yet, or what there is makes no sense. */
  readonly head: JournalHead | undefined;
  readonly #records: number;
  readonly #headSum: number;

  /** @throws FileError */
  constructor(readonly file: Readable) {
    const first = new Uint8Array(SECTOR);
    file.read(first, 0);
    this.seal = decodeSeal(first);
    file.read(first, HEAD_OFFSET);
    const bytes = new Uint8Array(headLength(first));
    file.read(bytes, HEAD_OFFSET);
    this.head = bytes.length === 0 ? undefined : decodeHead(bytes);
    this.#records = HEAD_OFFSET + bytes.length;
    this.#headSum = checksum(bytes);
  }

  /**
   * The head of a sealed journal, all of which is as it was written.
   * @throws FormatError `journal.broken`, FileError
   */
  verify(): JournalHead {
    const { head, seal } = this;
    if (head === undefined) throw brokenJournal(this.file.name, 'head', HEAD_OFFSET);
    if (seal.state === SealState.open || seal.length > this.file.size) {
      throw brokenJournal(this.file.name, 'seal', 0);
    }
    let sum = this.#headSum;
    let count = 0;
    this.#forEachRaw((_header, bytes) => {
      sum = fold(sum, recordSum(bytes));
      count++;
    });
    if (sum !== seal.sum || count !== seal.count) throw brokenJournal(this.file.name, 'seal', 0);
    return head;
  }

  /** Visits all records in their order; what they hold belongs to the visitor only until it returns. */
  forEach(visit: (record: JournalRecord) => void): void {
    this.#forEachRaw((header, bytes, at) => {
      visit(toRecord(header, bytes, at));
    });
  }

  #forEachRaw(visit: (header: RecordHeader, bytes: Uint8Array, at: number) => void): void {
    const start = new Uint8Array(RECORD_HEADER);
    for (let at = this.#records; at < this.seal.length;) {
      this.file.read(start, at);
      const header = decodeRecordHeader(start, this.file.name, at);
      const bytes = new Uint8Array(recordLength(header));
      this.file.read(bytes, at);
      if (recordSum(bytes) !== statedSum(bytes)) throw brokenJournal(this.file.name, 'record', at);
      visit(header, bytes, at);
      at += bytes.length;
    }
  }
}

function toRecord(header: RecordHeader, bytes: Uint8Array, at: number): JournalRecord {
  const parts = partsOf(header);
  const view = dataView(bytes);
  const steps = stepsOf(header.role);
  const oldStart = RECORD_HEADER + parts.checksums;
  const stored = bytes.subarray(oldStart, oldStart + Math.min(parts.old, header.oldLength));
  const old = new Uint8Array(header.sectors * SECTOR);
  if (header.role !== Role.cut && stored.length > 0) {
    const times = header.isUniform ? header.sectors : 1;
    for (let time = 0; time < times; time++) old.set(stored, time * SECTOR);
  }
  const peakStart = oldStart + parts.old;
  return {
    ...header,
    old,
    peak: hasPeak(header.role) ? bytes.subarray(peakStart, peakStart + parts.peak) : undefined,
    holdsAfter: (sector, step) =>
      view.getFloat64(RECORD_HEADER + ((header.isUniform ? 0 : sector) * steps + step) * 8),
    steps,
    oldAt: at + oldStart,
  };
}
