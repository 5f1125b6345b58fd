/**
 * Looks at a journal and at the files that it describes, and says what is to be done. If any sector holds something that
 * is not in the journal, another program has written there since.
 */
import { checksum } from '../io/checksum';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { isMarked, withMark } from './groupContent';
import type { JournalHead } from './journalFormat';
import type { JournalReader, JournalRecord, Readable } from './journalReader';
import { Role, SECTOR } from './role';

export type Verdict =
  /** The save had not begun to change anything, or was taken back. */
  | { readonly kind: 'untouched' }
  /** The save was done: nothing is to be taken back. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'interrupted' }
  /** Between two states, but no longer marked: it was repaired. */
  | { readonly kind: 'unmarked' }
  /** Another program has written at `offset`. */
  | { readonly kind: 'changed'; readonly file: string; readonly offset: HostOffset };

/** Files as they are now. */
export interface ExaminedFiles {
  readonly image: Readable;
  readonly dataFile: Readable | undefined;
}

/** @throws FormatError `journal.broken`, FileError */
export function examine(journal: JournalReader, head: JournalHead, files: ExaminedFiles): Verdict {
  const state = new SectorStates(files, head.version);
  journal.forEach(
    () => true,
    (record) => {
      state.look(record);
    },
  );
  if (state.changed !== undefined) return { kind: 'changed', ...state.changed };
  const sizes = [sizeState(files.image, head.image)];
  if (files.dataFile !== undefined && head.dataFile !== undefined) {
    sizes.push(sizeState(files.dataFile, head.dataFile));
  }
  const foreign = sizes.find(({ isKnown }) => !isKnown);
  if (foreign !== undefined) return { kind: 'changed', file: foreign.name, offset: hostOffset(foreign.size) };

  const isMarkGone = head.version === 2 || !state.isMarked;
  // The mark is in a sector that is final, too: it stays only where a damaged image was to be had back.
  if (state.areFinal && sizes.every(({ isFinal }) => isFinal)) return { kind: 'complete' };
  if (state.areOld && sizes.every(({ isOld }) => isOld)) return { kind: 'untouched' };
  return head.version === 3 && isMarkGone ? { kind: 'unmarked' } : { kind: 'interrupted' };
}

class SectorStates {
  areOld = true;
  areFinal = true;
  isMarked = false;
  /** The first place that holds what the journal does not know. */
  changed: { readonly file: string; readonly offset: HostOffset } | undefined;

  constructor(
    readonly files: ExaminedFiles,
    readonly version: 2 | 3,
  ) {}

  look(record: JournalRecord): void {
    const file = record.file === 0 ? this.files.image : this.files.dataFile;
    if (file === undefined || this.changed !== undefined) return;
    const now = new Uint8Array(record.sectors * SECTOR);
    file.read(now, record.offset);
    if (record.role === Role.header) this.isMarked = isMarked(now);
    for (let sector = 0; sector < record.sectors; sector++) {
      const [start, end] = [sector * SECTOR, (sector + 1) * SECTOR];
      const bytes = now.subarray(start, end);
      const isKnown =
        record.role === Role.cut
          ? isUncut(record, sector, bytes, file.size)
          : this.#lookAt(record, sector, bytes, record.old.subarray(start, end));
      if (isKnown) continue;
      this.changed = { file: file.name, offset: plus(record.offset, start) };
      return;
    }
  }

  #lookAt(record: JournalRecord, sector: number, bytes: Uint8Array, old: Uint8Array): boolean {
    const sum = checksum(bytes);
    const isOld = Buffer.compare(bytes, old) === 0;
    const isFinal = sum === record.holdsAfter(sector, record.steps - 1);
    if (!isOld) this.areOld = false;
    if (!isFinal) this.areFinal = false;
    if (isOld || isFinal || isStep(record, sector, sum)) return true;
    if (record.role !== Role.header) return false;
    // What a rollback makes first of a header that was still, or is again, as before.
    if (Buffer.compare(bytes, withMark(old, old)) === 0) return true;
    // What a repair by another program has made of it.
    return this.version === 3 && isStep(record, sector, checksum(withMark(bytes, bytes)));
  }
}

/** Whether it is the checksum of what the sector holds after one of the groups. */
function isStep(record: JournalRecord, sector: number, sum: number): boolean {
  for (let step = 0; step < record.steps; step++) if (sum === record.holdsAfter(sector, step)) return true;
  return false;
}

/** What is to be cut off is still there, or is gone. */
const isUncut = (record: JournalRecord, sector: number, bytes: Uint8Array, size: ByteLength): boolean =>
  record.offset + sector * SECTOR >= size || checksum(bytes) === record.holdsAfter(sector, 0);

interface SizeState {
  readonly name: string;
  readonly size: ByteLength;
  readonly isKnown: boolean;
  readonly isOld: boolean;
  readonly isFinal: boolean;
}

function sizeState(file: Readable, { oldSize, newSize }: JournalHead['image']): SizeState {
  const { name, size } = file;
  const isCut = newSize < oldSize;
  return {
    name,
    size,
    // Growth comes bit by bit.
    isKnown: isCut ? size === oldSize || size === newSize : size >= oldSize && size <= newSize,
    isOld: size === oldSize,
    isFinal: size === newSize || (isCut && size === oldSize),
  };
}
