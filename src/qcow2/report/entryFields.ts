/**
 * The bits of L1 and L2 table entries by the names of the specification (qcow2.txt, "Cluster mapping"), for people
 * to read. Whatever the bits are, they are shown.
 */
import { hex } from '../../text/hex';
import type { RawEntry } from '../format/bytes';
import { sectorCountShift } from '../format/compressedDescriptor';
import type { Header } from '../format/header';
import { isCompressed } from '../format/l2Kind';

/** The specification's names, as far as it has some; an explanation covers all of them. */
export type EntryFieldName =
  | 'COPIED'
  | 'COMPRESSED'
  | 'zero flag'
  | 'reserved'
  | 'L2 table offset'
  | 'host cluster offset'
  | 'host offset of the compressed data'
  | 'additional sectors'
  | 'subclusters that read as zero'
  | 'allocated subclusters';

export interface EntryField {
  readonly name: EntryFieldName;
  /** Highest and lowest bit, inclusive. */
  readonly bits: readonly [number, number];
  /** Value as `0x…` or `0`/`1`. Offsets are whole: the bits stay where they are in the entry. */
  readonly value: string;
}

export function l1Fields(entry: RawEntry): EntryField[] {
  return [
    flag(entry, 63, 'COPIED'),
    number(entry, 62, 56, 'reserved'),
    offset(entry, 55, 9, 'L2 table offset'),
    number(entry, 8, 0, 'reserved'),
  ];
}

/** @param bitmap the second half of an extended entry */
export function l2Fields(header: Header, entry: RawEntry, bitmap: RawEntry | undefined): EntryField[] {
  const fields = isCompressed(entry.high) ? compressedFields(header, entry) : standardFields(header, entry);
  if (bitmap === undefined) return fields;
  return [
    ...fields,
    number(bitmap, 63, 32, 'subclusters that read as zero'),
    number(bitmap, 31, 0, 'allocated subclusters'),
  ];
}

function standardFields(header: Header, entry: RawEntry): EntryField[] {
  const hasZeroFlag = header.version >= 3 && !header.features.extendedL2;
  return [
    flag(entry, 63, 'COPIED'),
    flag(entry, 62, 'COMPRESSED'),
    number(entry, 61, 56, 'reserved'),
    offset(entry, 55, 9, 'host cluster offset'),
    number(entry, 8, 1, 'reserved'),
    flag(entry, 0, hasZeroFlag ? 'zero flag' : 'reserved'),
  ];
}

function compressedFields(header: Header, entry: RawEntry): EntryField[] {
  const shift = sectorCountShift(header.clusterBits);
  return [
    flag(entry, 63, 'COPIED'),
    flag(entry, 62, 'COMPRESSED'),
    number(entry, 61, shift, 'additional sectors'),
    offset(entry, shift - 1, 0, 'host offset of the compressed data'),
  ];
}

function flag(entry: RawEntry, bit: number, name: EntryFieldName): EntryField {
  return { name, bits: [bit, bit], value: bitsOf(entry, bit, bit).toString() };
}

function number(entry: RawEntry, high: number, low: number, name: EntryFieldName): EntryField {
  return { name, bits: [high, low], value: hex(bitsOf(entry, high, low)) };
}

function offset(entry: RawEntry, high: number, low: number, name: EntryFieldName): EntryField {
  const value = bitsOf(entry, high, low) << BigInt(low);
  return { name, bits: [high, low], value: hex(value) };
}

function bitsOf(entry: RawEntry, high: number, low: number): bigint {
  const whole = (BigInt(entry.high >>> 0) << 32n) | BigInt(entry.low >>> 0);
  return (whole >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}
