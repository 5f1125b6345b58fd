/** Records of the master file table (FILE_RECORD_SEGMENT_HEADER), and the attributes in them. */
import { GuestError, type GuestProblem } from '../errors';
import { applyFixups } from './fixups';
import { type Reference, readReference, readUtf16, unsigned64, vcn64, viewOf } from './numbers';
import type { Runs } from './runs';

/** Types of attributes ($AttrDef). */
export const ATTRIBUTE = {
  standardInformation: 0x10,
  list: 0x20,
  fileName: 0x30,
  volumeName: 0x60,
  volumeInformation: 0x70,
  data: 0x80,
  indexRoot: 0x90,
  indexAllocation: 0xa0,
  bitmap: 0xb0,
  reparsePoint: 0xc0,
} as const;

/** Flags of an attribute. */
export const COMPRESSED_MASK = 0xff;
export const LZNT1 = 1;
export const ENCRYPTED = 0x4000;
export const SPARSE = 0x8000;

const END = 0xffffffff;
const RESIDENT_HEADER = 0x18;
const PLACED_HEADER = 0x40;
const IN_USE = 1;
const DIRECTORY = 2;

export interface Attribute {
  readonly record: FileRecord;
  /** Bytes from the start of the record. */
  readonly at: number;
  readonly length: number;
  readonly type: number;
  readonly name: string;
  readonly flags: number;
  /** Tells it from others of its record. */
  readonly instance: number;
  readonly isResident: boolean;
  /** First cluster of the contents that this part of it maps; 0 where it is resident. */
  readonly lowestVcn: number;
}

export class FileRecord {
  readonly #view: DataView;
  /** What broke off the list of attributes. */
  readonly problem: GuestProblem | undefined;
  readonly attributes: readonly Attribute[];

  /**
   * @param bytes a whole record as it is on disk; kept, and changed by its fixups
   * @param offset bytes from the start of the device
   * @throws GuestError where it is not a record, or torn
   */
  constructor(
    readonly number: number,
    readonly bytes: Uint8Array,
    readonly offset: number,
  ) {
    this.#view = viewOf(bytes);
    applyFixups(bytes, 'FILE', 'record', offset, this.#view);
    const attributes: Attribute[] = [];
    this.attributes = attributes;
    this.problem = this.#readAttributes(attributes);
  }

  get view(): DataView {
    return this.#view;
  }

  get sequence(): number {
    return this.#view.getUint16(0x10, true);
  }

  get isInUse(): boolean {
    return (this.#view.getUint16(0x16, true) & IN_USE) !== 0;
  }

  get isDirectory(): boolean {
    return (this.#view.getUint16(0x16, true) & DIRECTORY) !== 0;
  }

  /** Bytes that the record uses; not more than it has. */
  get usedBytes(): number {
    return Math.min(this.#view.getUint32(0x18, true), this.bytes.length);
  }

  /** The record that this one continues; of a file's first record, record 0 with sequence number 0. */
  get base(): Reference {
    return readReference(this.#view, 0x20);
  }

  #readAttributes(into: Attribute[]): GuestProblem | undefined {
    const view = this.#view;
    const end = this.usedBytes;
    for (let at = view.getUint16(0x14, true); ;) {
      const type = at + 4 <= end ? view.getUint32(at, true) : undefined;
      if (type === END) return undefined;
      const length = at + RESIDENT_HEADER <= end ? view.getUint32(at + 4, true) : 0;
      const isResident = length >= RESIDENT_HEADER && view.getUint8(at + 8) === 0;
      const nameUnits = length === 0 ? 0 : view.getUint8(at + 9);
      const nameAt = length === 0 ? 0 : view.getUint16(at + 10, true);
      const isValid =
        type !== undefined &&
        length % 8 === 0 &&
        length >= (isResident ? RESIDENT_HEADER : PLACED_HEADER) &&
        at + length <= end &&
        (nameUnits === 0 || nameAt + 2 * nameUnits <= length);
      if (!isValid)
        return {
          code: 'guest.value',
          what: 'attribute',
          offset: this.offset + at,
          value: length,
          limit: end - at,
        };
      const low = isResident ? 0 : vcn64Or(view, at + 0x10);
      if (low === undefined)
        return { code: 'guest.value', what: 'lowest VCN', offset: this.offset + at + 0x10, limit: 2 ** 53 };
      into.push({
        record: this,
        at,
        length,
        type,
        name: nameUnits === 0 ? '' : readUtf16(this.bytes, at + nameAt, nameUnits),
        flags: view.getUint16(at + 12, true),
        instance: view.getUint16(at + 14, true),
        isResident,
        lowestVcn: low,
      });
      at += length;
    }
  }
}

function vcn64Or(view: DataView, at: number): number | undefined {
  return view.getUint32(at + 4, true) < 2 ** 21 ? unsigned64(view, at, 'lowest VCN') : undefined;
}

/** The value of a resident attribute, as part of its record. @throws GuestError `guest.value` where it is not in there */
export function residentValue({ record, at, length, isResident, type }: Attribute): Uint8Array {
  const size = record.view.getUint32(at + 0x10, true);
  const start = record.view.getUint16(at + 0x14, true);
  if (!isResident || start + size > length) {
    const what = `value of attribute 0x${type.toString(16)}`;
    throw new GuestError('guest.value', { what, offset: record.offset + at, value: size, limit: length });
  }
  return record.bytes.subarray(at + start, at + start + size);
}

/** What the first part of an attribute with clusters says of all of it. */
export interface PlacedSizes {
  /** Bytes of clusters that the contents span, holes included. */
  readonly spanned: number;
  /** Bytes of clusters that they take. */
  readonly allocated: number;
  readonly size: number;
  /** Bytes that were written; what follows reads as zeroes. */
  readonly initialised: number;
  /** Clusters that are compressed together; 0 where they are not. */
  readonly unitClusters: number;
}

/** @throws GuestError `guest.value` */
export function placedSizes({ record, at, length, flags }: Attribute): PlacedSizes {
  const { view, offset } = record;
  const spanned = unsigned64(view, at + 0x28, 'allocated size', offset);
  const hasAllocated = (flags & (COMPRESSED_MASK | SPARSE)) !== 0 && length >= PLACED_HEADER + 8;
  const power = view.getUint8(at + 0x22);
  return {
    spanned,
    allocated: hasAllocated ? unsigned64(view, at + 0x40, 'compressed size', offset) : spanned,
    size: unsigned64(view, at + 0x30, 'size of contents', offset),
    initialised: unsigned64(view, at + 0x38, 'initialised size', offset),
    unitClusters: power === 0 ? 0 : 2 ** power,
  };
}

/** Adds what one part of an attribute maps. @throws GuestError where it does not continue the runs, or is damaged */
export function appendRuns(part: Attribute, runs: Runs): void {
  const { record, at, length, lowestVcn } = part;
  const { view, offset } = record;
  if (part.isResident || lowestVcn !== runs.end)
    throw new GuestError('guest.value', {
      what: 'lowest VCN',
      offset: offset + at + 0x10,
      value: lowestVcn,
      limit: runs.end,
    });
  const highest = vcn64(view, at + 0x18, 'highest VCN', offset);
  const pairs = view.getUint16(at + 0x20, true);
  if (pairs < RESIDENT_HEADER || pairs > length)
    throw new GuestError('guest.value', {
      what: 'mapping pairs',
      offset: offset + at + 0x20,
      value: pairs,
      limit: length,
    });
  runs.append(record.bytes, at + pairs, at + length, offset);
  // Some writers leave 0 as the highest VCN of empty contents.
  if (runs.end !== highest + 1 && !(runs.end === 0 && highest === 0))
    throw new GuestError('guest.value', {
      what: 'highest VCN',
      offset: offset + at + 0x18,
      value: highest,
      limit: runs.end - 1,
    });
}
