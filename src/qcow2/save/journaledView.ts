/**
 * An image with a sealed journal beside it, as it was before that save: for all who only read. Shown where recovery
 * would be allowed, and while the image is being saved; nothing is changed.
 */
import { firstIndex } from '../bits';
import { FormatError, RefusedError } from '../errors';
import type { BlockFile, FileExtent } from '../io/blockFile';
import type { Fill } from '../io/fill';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { examine } from './examine';
import { SealState } from './journalFormat';
import type { JournalReader, Readable } from './journalReader';
import { Role } from './role';

/** The files to read instead of those that are there. */
export interface JournaledFiles {
  readonly image: BlockFile;
  readonly dataFile: BlockFile | undefined;
}

/**
 * @param reader of a journal that stays open as long as what is returned
 * @param isRunning the saver is at it: sectors change while they are looked at, and each of those is in the journal
 * @returns the files themselves where the journal changes nothing about what they hold
 * @throws RefusedError, FormatError where `recover` would refuse; FormatError `journal.broken`, FileError
 */
export function journaledView(
  files: JournaledFiles,
  reader: JournalReader,
  isRunning: boolean,
): JournaledFiles {
  reader.refuseUnknown();
  if (reader.seal.state !== SealState.sealed) return files;
  const head = reader.verify();
  if (head.dataFile !== undefined && files.dataFile === undefined) {
    throw new RefusedError(files.image.name, 'recover.noDataFile', { value: head.dataFile.path });
  }
  const verdict = isRunning ? ({ kind: 'interrupted' } as const) : examine(reader, head, files);
  switch (verdict.kind) {
    case 'untouched':
    case 'complete':
      return files;
    case 'changed':
      throw new FormatError(verdict.file, 'recover.changed', { offset: verdict.offset });
    case 'unmarked':
      throw new RefusedError(files.image.name, 'recover.unmarked');
    case 'interrupted':
      return {
        image: new FormerFile(files.image, head.image.oldSize, recordsOf(reader, 0), reader.file),
        dataFile:
          files.dataFile && head.dataFile
            ? new FormerFile(files.dataFile, head.dataFile.oldSize, recordsOf(reader, 1), reader.file)
            : files.dataFile,
      };
  }
}

/** Where the old content of some sectors is. */
interface OldContent {
  readonly offset: HostOffset;
  readonly end: HostOffset;
  /** Bytes from the start of the journal. */
  readonly at: number;
  /** Takes the journal's place. */
  readonly fill: Fill | undefined;
}

function recordsOf(reader: JournalReader, file: 0 | 1): OldContent[] {
  const found: OldContent[] = [];
  const isOverwritten = (role: Role): boolean => role !== Role.cut;
  reader.forEach(isOverwritten, (record) => {
    if (record.file !== file || record.oldLength === 0) return;
    const { offset, oldLength, oldAt, oldFill } = record;
    found.push({ offset, end: plus(offset, oldLength), at: oldAt, fill: oldFill });
  });
  return found.sort((one, other) => one.offset - other.offset);
}

class FormerFile implements BlockFile {
  constructor(
    readonly file: BlockFile,
    readonly size: ByteLength,
    /** Ascending. */
    readonly records: readonly OldContent[],
    readonly journal: Readable,
  ) {}

  get name(): string {
    return this.file.name;
  }

  get allocatedBytes(): ByteLength {
    return this.file.allocatedBytes;
  }

  get knowsHoles(): boolean {
    return this.file.knowsHoles;
  }

  read(target: Uint8Array, offset: HostOffset): void {
    const end = Math.min(this.size, offset + target.length);
    target.fill(0, Math.max(0, end - offset));
    if (end <= offset) return;
    this.file.read(target.subarray(0, end - offset), offset);
    for (let index = this.#firstFrom(offset); ; index++) {
      const record = this.records[index];
      if (record === undefined || record.offset >= end) return;
      const from = hostOffset(Math.max(offset, record.offset));
      const to = Math.min(end, record.end);
      if (from < to) this.#readRecord(record, target.subarray(from - offset, to - offset), from);
    }
  }

  extentAt(offset: HostOffset): FileExtent {
    if (offset >= this.size) return { isHole: true, end: hostOffset(Infinity) };
    const next = this.records[this.#firstFrom(offset)];
    if (next !== undefined && next.offset <= offset) return { isHole: false, end: next.end };
    const { isHole, end } = this.file.extentAt(offset);
    return { isHole, end: hostOffset(Math.min(end, this.size, next?.offset ?? Infinity)) };
  }

  close(): void {
    this.file.close();
  }

  #readRecord(record: OldContent, target: Uint8Array, offset: HostOffset): void {
    if (record.fill === undefined) this.journal.read(target, hostOffset(record.at + offset - record.offset));
    else record.fill.writeTo(target, offset);
  }

  /** Index of the first record that ends behind `offset`. */
  #firstFrom(offset: HostOffset): number {
    const { records } = this;
    return firstIndex(records.length, (index) => (records[index]?.end ?? Infinity) <= offset);
  }
}
