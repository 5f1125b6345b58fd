/**
 * The journal's bytes. All numbers are big-endian; offsets, sizes and checksums are 64-bit floating point numbers, which
 * hold safe integers exactly.
 *
 *     0     seal: one sector, zero until all that follows is on stable storage
 *     512   head: its length (4 bytes), JSON, zeroes up to a whole sector
 *     …     records, one behind the other
 *
 * A record is `RECORD_HEADER` bytes, the checksums of what each sector will hold after each of its role's groups, the
 * old content, and for some roles the peak: what the sector holds while both states must be readable. Where all of these
 * contents are fills, as those of a table of contiguous clusters are, a record has the fills instead: `FILL` bytes each.
 */
import { FormatError } from '../errors';
import type { Fact } from '../factText';
import { dataView } from '../format/bytes';
import { checksum, checksumOf } from '../io/checksum';
import { Fill } from '../io/fill';
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import { GROUPS_OF, hasPeak } from './groupContent';
import type { DiskFileIdentity, Writer } from './disk';
import { CHUNK, Group, Role, SECTOR } from './role';

export const journalPath = (imagePath: string): string => `${imagePath}-journal`;

export const HEAD_OFFSET = SECTOR;
export const RECORD_HEADER = 56;
/** The first word's halves and the step, 4 bytes each, and 4 bytes of nothing; it begins with the record's first byte. */
const FILL = 16;
/** A hostile journal must not make a reader allocate at will. */
const MAX_HEAD = 64 * 1024;

/** What is said of one file. */
export interface JournaledFile {
  readonly path: string;
  readonly identity: DiskFileIdentity;
  readonly oldSize: ByteLength;
  readonly newSize: ByteLength;
}

export interface JournalHead {
  readonly writer: Writer;
  /** Of the image: version 3 has the mark. */
  readonly version: 2 | 3;
  readonly refcountBits: number;
  /** When the header's pointer to the refcount table changes. */
  readonly pointer: 'extend' | 'drop';
  readonly image: JournaledFile;
  readonly dataFile?: JournaledFile;
}

export const SealState = {
  /** Still being written: nothing else has been. */
  open: 0,
  /** From here on the files change. */
  sealed: 1,
  /** All is written: what is left is to cut off what goes, and the journal. */
  committed: 2,
} as const;
export type SealState = (typeof SealState)[keyof typeof SealState];

export interface Seal {
  readonly state: SealState;
  /** Records. */
  readonly count: number;
  /** Bytes of the whole journal. */
  readonly length: ByteLength;
  /** Over the checksums of head and records. */
  readonly sum: number;
}

export interface RecordHeader {
  /** 0: the image; 1: its data file. */
  readonly file: 0 | 1;
  readonly role: Role;
  /** All contents are fills. */
  readonly isFill: boolean;
  /** Bytes from the start of the file. */
  readonly offset: HostOffset;
  readonly sectors: number;
  /** Bytes of old content that follow; fewer than there are sectors where the file ended. */
  readonly oldLength: ByteLength;
}

const MAGIC_NAME = 'qcow2-journal ';
const MAGIC = `${MAGIC_NAME}2\n`;
const RECORD_MAGIC = 0x71726563;
/** The writer is the head's first field. */
const HEAD_BEGIN = '{"writer":';

export function encodeSeal({ state, count, length, sum }: Seal): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  bytes.set(Buffer.from(MAGIC));
  const view = dataView(bytes);
  view.setUint32(16, state);
  view.setFloat64(24, count);
  view.setFloat64(32, length);
  view.setFloat64(40, sum);
  view.setFloat64(SECTOR - 8, checksum(bytes.subarray(0, SECTOR - 8)));
  return bytes;
}

/** The version of a seal that is not of this one; undefined for what is none, or of this version. */
export function otherVersionOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1');
  return text.startsWith(MAGIC_NAME) && text !== MAGIC ? text.slice(MAGIC_NAME.length).trim() : undefined;
}

/** A sector is written whole or not at all: what is no whole seal is none, and where it is not zero either, broken. */
export function decodeSeal(bytes: Uint8Array): Seal {
  const none = { state: SealState.open, count: 0, length: 0, sum: 0 };
  const view = dataView(bytes);
  if (Buffer.from(bytes.subarray(0, 16)).toString('latin1') !== MAGIC) return none;
  if (view.getFloat64(SECTOR - 8) !== checksum(bytes.subarray(0, SECTOR - 8))) return none;
  const state = view.getUint32(16);
  if (state !== SealState.sealed && state !== SealState.committed) return none;
  return { state, count: view.getFloat64(24), length: view.getFloat64(32), sum: view.getFloat64(40) };
}

/**
 * Whether a file can be a journal that was begun, or what a crash has left of one: its seal's sector is zero, and the head's
 * is, too, or begins as a head does.
 */
export const isBegun = (seal: Uint8Array, head: Uint8Array): boolean =>
  isZero(seal) &&
  (isZero(head) || Buffer.from(head.subarray(4, 4 + HEAD_BEGIN.length)).toString('latin1') === HEAD_BEGIN);

/** Whether a file begins with a journal's magic, of whatever version. */
export const hasMagic = (seal: Uint8Array): boolean =>
  Buffer.from(seal.subarray(0, MAGIC_NAME.length)).toString('latin1') === MAGIC_NAME;

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Whole sectors. */
export function encodeHead(head: JournalHead): Uint8Array {
  const text = Buffer.from(JSON.stringify(head));
  const bytes = new Uint8Array(Math.ceil((text.length + 4) / SECTOR) * SECTOR);
  dataView(bytes).setUint32(0, text.length);
  bytes.set(text, 4);
  return bytes;
}

/** Bytes of the head with its padding; 0 where there is none yet. */
export function headLength(start: Uint8Array): number {
  const length = dataView(start).getUint32(0);
  return length === 0 || length > MAX_HEAD ? 0 : Math.ceil((length + 4) / SECTOR) * SECTOR;
}

/** @returns undefined for what is no head */
export function decodeHead(bytes: Uint8Array): JournalHead | undefined {
  const text = Buffer.from(bytes.subarray(4, 4 + dataView(bytes).getUint32(0))).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isHead(value) ? value : undefined;
}

/** Checksums for each sector of a role; what is cut off has that of its old content. */
export const stepsOf = (role: Role): number => (role === Role.cut ? 1 : GROUPS_OF[role].length);

/** Bytes of a record's parts behind its header. */
export interface RecordParts {
  /** Checksums or fills of what is there after each group. */
  readonly contents: number;
  readonly old: number;
  readonly peak: number;
}

export function partsOf(record: RecordHeader): RecordParts {
  const { role, sectors, isFill } = record;
  // Checksums need whole words.
  const old = isFill ? FILL : Math.ceil(record.oldLength / 8) * 8;
  return {
    contents: stepsOf(role) * (isFill ? FILL : 8 * sectors),
    // What is cut off after the commit is never put back.
    old: role === Role.cut ? 0 : old,
    peak: hasPeak(role) ? sectors * SECTOR : 0,
  };
}

export const recordLength = (record: RecordHeader): number => {
  const { contents, old, peak } = partsOf(record);
  return RECORD_HEADER + contents + old + peak;
};

/**
 * The checksum goes into the header's last 8 bytes, which it does not cover.
 * @param target `recordLength` bytes, which hold anything
 * @param contents after each group: fills where `record` says so, else checksums, those of a sector together
 * @param old a fill where `record` says so
 * @returns the checksum
 */
export function encodeRecord(
  target: Uint8Array,
  record: RecordHeader,
  contents: Float64Array | readonly Fill[],
  old: Uint8Array | Fill,
  peak: Uint8Array | undefined,
): number {
  const parts = partsOf(record);
  const view = dataView(target);
  target.fill(0);
  view.setUint32(0, RECORD_MAGIC);
  view.setUint8(4, record.file);
  view.setUint8(5, record.role);
  view.setUint8(6, record.isFill ? 1 : 0);
  view.setFloat64(8, record.offset);
  view.setUint32(16, record.sectors);
  view.setUint32(20, record.oldLength);
  let at = RECORD_HEADER;
  for (const content of contents) {
    if (content instanceof Fill) encodeFill(view, at, content, record.offset);
    else view.setFloat64(at, content);
    at += content instanceof Fill ? FILL : 8;
  }
  if (old instanceof Fill) {
    if (parts.old > 0) encodeFill(view, at, old, record.offset);
  } else {
    target.set(old.subarray(0, Math.min(parts.old, record.oldLength)), at);
  }
  if (peak !== undefined) target.set(peak, at + parts.old);
  const sum = recordSum(target);
  view.setFloat64(RECORD_HEADER - 8, sum);
  return sum;
}

function encodeFill(view: DataView, at: number, fill: Fill, offset: HostOffset): void {
  const { high, low } = fill.wordAt(offset);
  view.setUint32(at, high);
  view.setUint32(at + 4, low);
  view.setUint32(at + 8, fill.step);
}

/** The fill at `at` of a record whose first byte is at `offset` of its file. */
export const decodeFill = (view: DataView, at: number, offset: HostOffset): Fill =>
  Fill.of(view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), offset);

/** Where in a record a group's fill is. */
export const fillPlace = (step: number): number => RECORD_HEADER + step * FILL;

/** @throws FormatError `journal.broken` */
export function decodeRecordHeader(bytes: Uint8Array, journal: string, at: HostOffset): RecordHeader {
  const view = dataView(bytes);
  const record = {
    file: view.getUint8(4),
    role: view.getUint8(5),
    isFill: view.getUint8(6) === 1,
    offset: hostOffset(view.getFloat64(8)),
    sectors: view.getUint32(16),
    oldLength: view.getUint32(20),
  };
  const { file, role, offset, sectors, oldLength } = record;
  const isSound =
    view.getUint32(0) === RECORD_MAGIC &&
    (file === 0 || file === 1) &&
    isRole(role) &&
    Number.isSafeInteger(offset + CHUNK) &&
    offset >= 0 &&
    offset % SECTOR === 0 &&
    sectors > 0 &&
    sectors * SECTOR <= CHUNK &&
    oldLength <= sectors * SECTOR;
  if (!isSound) throw brokenJournal(journal, 'record', at);
  return { ...record, file, role };
}

const isRole = (value: number): value is Role => value >= Role.header && value <= Role.formerBlock;

/** The checksum of a record, wherever it says what that should be. */
export function recordSum(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const head = checksumOf(words, 0, (RECORD_HEADER - 8) / 4);
  return fold(head, checksumOf(words, RECORD_HEADER / 4));
}

export const statedSum = (bytes: Uint8Array): number => dataView(bytes).getFloat64(RECORD_HEADER - 8);

/** Two checksums as one; their order matters. */
export function fold(sum: number, next: number): number {
  PAIR.setFloat64(0, sum);
  PAIR.setFloat64(8, next);
  return checksumOf(PAIR_WORDS);
}

const PAIR_WORDS = new Uint32Array(4);
const PAIR = new DataView(PAIR_WORDS.buffer);

export const brokenJournal = (journal: string, what: Fact, offset: HostOffset): FormatError =>
  new FormatError(journal, 'journal.broken', { what, offset });

export const POINTER_GROUP = { extend: Group.extend, drop: Group.drop } as const;

function isHead(value: unknown): value is JournalHead {
  if (!isObject(value)) return false;
  const writer = value['writer'];
  const version = value['version'];
  const refcountBits = value['refcountBits'];
  const pointer = value['pointer'];
  const image = value['image'];
  const dataFile = value['dataFile'];
  return (
    isObject(writer) &&
    isText(writer['host']) &&
    isText(writer['boot']) &&
    isText(writer['started']) &&
    isSize(writer['pid']) &&
    (writer['thread'] === undefined || isSize(writer['thread'])) &&
    isIdentified(dataFile) &&
    (version === 2 || version === 3) &&
    [1, 2, 4, 8, 16, 32, 64].includes(refcountBits as number) &&
    (pointer === 'extend' || pointer === 'drop') &&
    isFile(image) &&
    (dataFile === undefined || isFile(dataFile))
  );
}

const isFile = (value: unknown): value is JournaledFile =>
  isObject(value) && isText(value['path']) && isSize(value['oldSize']) && isSize(value['newSize']);

/** A data file is restored only where it is the one that the save changed. */
const isIdentified = (file: unknown): boolean =>
  file === undefined ||
  (isObject(file) &&
    isObject(file['identity']) &&
    isText(file['identity']['device']) &&
    isText(file['identity']['inode']));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
