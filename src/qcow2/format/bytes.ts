/** Reading the big-endian numbers and the strings of qcow2 structures. */
import { hex } from '../../text/hex';
import { FormatError } from '../errors';
import type { Fact, FieldName } from '../factText';

/** A raw 64-bit entry of a table: its high and its low 32 bits, both unsigned. */
export interface RawEntry {
  readonly high: number;
  readonly low: number;
}

/** `0x` and sixteen digits. */
export function entryHex(high: number, low: number): string {
  return `0x${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}`;
}

export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A 64-bit value as a number.
 * @param what the field by its name in the specification; @param offset its place in the file, in bytes
 * @throws FormatError `value.tooLarge` beyond 2^53 − 1, which no file can reach and no number can hold exactly
 */
export function safeNumber(file: string, value: bigint, what: Fact | FieldName, offset: number): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new FormatError(file, 'value.tooLarge', {
    what,
    offset,
    value: hex(value),
    limit: Number.MAX_SAFE_INTEGER,
  });
}

/** Text as QEMU takes it from an image: up to the first null byte. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Where the high and the low word of an entry are, from the index of its first word: as this machine has them. */
export const HIGH = isLittleEndian ? 1 : 0;
export const LOW = 1 - HIGH;

/** Puts the bytes of big-endian 64-bit entries into this machine's order, or back; their length is a multiple of 8. */
export function swapWords(bytes: Buffer): void {
  if (isLittleEndian) bytes.swap64();
}

/**
 * The 32-bit words of a table of big-endian 64-bit entries, two words an entry (`HIGH`, `LOW`). The bytes are swapped
 * in place, eight at a time, which is the fastest; the result is a view of them.
 * @param bytes begins at a multiple of 8 in its buffer; its length is a multiple of 8
 */
export function wordsInPlace(bytes: Uint8Array): Uint32Array {
  swapWords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
