/** Directory entries of exFAT, and the sets that they make up (exFAT specification 1.00, sections 6 and 7). */
import { GuestError } from '../errors';
import type { GuestProblem } from '../errors';
import { ENTRY, type FolderPiece } from './folderReader';
import { utf16Text } from './text';
import { exfatTime } from './time';

/** Types of entries in use. */
export const ExfatType = {
  end: 0,
  bitmap: 0x81,
  upcase: 0x82,
  label: 0x83,
  file: 0x85,
  stream: 0xc0,
  name: 0xc1,
} as const;

const IN_USE = 0x80;
const SECONDARY = 0x40;

/** One primary entry, and the secondary ones after it. */
const MOST_ENTRIES = 19;
/** Characters in an entry with a part of a name. */
const PER_NAME = 15;

const FOLDER = 0x10;
const ALLOCATED = 1;
const NO_CHAIN = 2;

/** What a set says of its file. */
export interface ExfatFile {
  readonly isFolder: boolean;
  readonly modified: number | undefined;
  /** The clusters follow each other: there is no chain. */
  readonly isContiguous: boolean;
  /** 0 where there is no cluster. */
  readonly firstCluster: number;
  /** Bytes, as declared. */
  readonly size: number;
  /** Bytes that have been written; zeroes follow. */
  readonly written: number;
}

/** A file's set, where it can be used. */
export interface ExfatSet {
  readonly name: string;
  /** Bytes from the start of the device to the first entry. */
  readonly place: number;
  readonly isFolder: boolean;
}

/**
 * The first two entries of a set.
 * @throws GuestError `guest.noFile` where they are not those of a file, `guest.value`
 */
export function exfatFile(file: DataView, stream: DataView, place: number): ExfatFile {
  if (file.getUint8(0) !== ExfatType.file || stream.getUint8(0) !== ExfatType.stream)
    throw new GuestError('guest.noFile', { value: place });
  const flags = stream.getUint8(1);
  const isAllocated = (flags & ALLOCATED) !== 0;
  const size = isAllocated ? Number(stream.getBigUint64(24, true)) : 0;
  if (!Number.isSafeInteger(size)) {
    const facts = { what: 'data length', offset: place, value: size, limit: Number.MAX_SAFE_INTEGER };
    throw new GuestError('guest.value', facts);
  }
  return {
    isFolder: isFolderSet(file),
    modified: exfatTime(file.getUint32(12, true), file.getUint8(21), file.getUint8(23)),
    isContiguous: (flags & NO_CHAIN) !== 0,
    firstCluster: isAllocated ? stream.getUint32(20, true) : 0,
    size,
    written: Math.min(size, Number(stream.getBigUint64(8, true))),
  };
}

const isFolderSet = (file: DataView): boolean => (file.getUint16(4, true) & FOLDER) !== 0;

/** Reads the sets of a folder, which may lie across its pieces. */
export class ExfatSets {
  readonly #visit: (set: ExfatSet) => void;
  readonly #onProblem: (problem: GuestProblem) => void;
  readonly #set = new DataView(new ArrayBuffer(MOST_ENTRIES * ENTRY));
  #place = 0;
  /** Entries of the set that are there, and that there should be. */
  #got = 0;
  #wanted = 0;

  constructor(visit: (set: ExfatSet) => void, onProblem: (problem: GuestProblem) => void) {
    this.#visit = visit;
    this.#onProblem = onProblem;
  }

  /** @returns whether the folder may have more entries after this piece */
  take({ view, place }: FolderPiece): boolean {
    for (let at = 0; at + ENTRY <= view.byteLength; at += ENTRY) {
      const type = view.getUint8(at);
      const belongs = (type & (IN_USE | SECONDARY)) === (IN_USE | SECONDARY);
      if (this.#got > 0 && !belongs) this.#break('directory entry type', type, 'secondary');
      if (type === ExfatType.end) return false;
      if (type === ExfatType.file) this.#begin(view, at, place + at);
      else if (this.#got > 0) this.#add(view, at);
    }
    return true;
  }

  /** The folder ends here. */
  end(): void {
    if (this.#got > 0) this.#break('secondary count', this.#got - 1, this.#wanted - 1);
  }

  #begin(view: DataView, at: number, place: number): void {
    this.#place = place;
    this.#wanted = view.getUint8(at + 1) + 1;
    if (this.#wanted < 3 || this.#wanted > MOST_ENTRIES)
      this.#break('secondary count', this.#wanted - 1, `2–${MOST_ENTRIES - 1}`);
    else this.#add(view, at);
  }

  #add(view: DataView, at: number): void {
    const from = this.#got * ENTRY;
    for (let byte = 0; byte < ENTRY; byte += 4)
      this.#set.setUint32(from + byte, view.getUint32(at + byte, true), true);
    this.#got++;
    if (this.#got === this.#wanted) this.#complete();
  }

  #complete(): void {
    const set = this.#set;
    if (setChecksum(set, this.#got) !== set.getUint16(2, true)) {
      this.#onProblem({ code: 'guest.checksum', what: 'directory entry set', offset: this.#place });
      this.#got = 0;
      return;
    }
    const length = set.getUint8(ENTRY + 3);
    const names = Math.ceil(length / PER_NAME);
    if (set.getUint8(ENTRY) !== ExfatType.stream) {
      this.#break('directory entry type', set.getUint8(ENTRY), ExfatType.stream);
      return;
    }
    const units = new Uint16Array(length);
    for (let index = 0; index < names; index++) {
      const at = (2 + index) * ENTRY;
      if (2 + index >= this.#got || set.getUint8(at) !== ExfatType.name) {
        this.#break('name length', length, (this.#got - 2) * PER_NAME);
        return;
      }
      for (let unit = 0; unit < PER_NAME && index * PER_NAME + unit < length; unit++)
        units[index * PER_NAME + unit] = set.getUint16(at + 2 + 2 * unit, true);
    }
    const name = utf16Text(units);
    if (name === '') this.#break('name length', length, 'at least 1');
    else {
      this.#got = 0;
      this.#visit({ name, place: this.#place, isFolder: isFolderSet(set) });
    }
  }

  /** What has been read is not a set that can be used. */
  #break(what: string, value: number, limit: number | string): void {
    this.#got = 0;
    this.#onProblem({ code: 'guest.value', what, offset: this.#place, value, limit });
  }
}

/** Of all bytes of a set but the checksum itself. */
function setChecksum(set: DataView, entries: number): number {
  let sum = 0;
  for (let at = 0; at < entries * ENTRY; at++) {
    if (at === 2 || at === 3) continue;
    sum = (((sum & 1) << 15) | (sum >>> 1)) + set.getUint8(at);
    sum &= 0xffff;
  }
  return sum;
}
