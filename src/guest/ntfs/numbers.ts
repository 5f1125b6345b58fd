/** Little-endian numbers of 48 and 64 bits, as JavaScript numbers. */
import { GuestError } from '../errors';

/**
 * @param at bytes from the start of `view`; the 8 bytes from there must be in it
 * @param what the structure, for the error
 * @param base bytes from the start of the device to the start of `view`
 * @throws GuestError `guest.value` where the number is not a safe integer
 */
export function unsigned64(view: DataView, at: number, what: string, base = 0): number {
  const high = view.getUint32(at + 4, true);
  if (high < 2 ** 21) return high * 2 ** 32 + view.getUint32(at, true);
  const value = `0x${view.getBigUint64(at, true).toString(16)}`;
  throw new GuestError('guest.value', { what, offset: base + at, value, limit: Number.MAX_SAFE_INTEGER });
}

/** −1 where the field holds it, as VCNs of empty contents do. @throws GuestError `guest.value` */
export function vcn64(view: DataView, at: number, what: string, base = 0): number {
  return view.getInt32(at + 4, true) === -1 && view.getInt32(at, true) === -1
    ? -1
    : unsigned64(view, at, what, base);
}

/** A file reference: the number of a record, and how often it was in use. */
export interface Reference {
  /** May exceed what a table of records can have; 48 bits. */
  readonly record: number;
  readonly sequence: number;
}

export function readReference(view: DataView, at: number): Reference {
  return {
    record: view.getUint16(at + 4, true) * 2 ** 32 + view.getUint32(at, true),
    sequence: view.getUint16(at + 6, true),
  };
}

const MILLISECONDS_1601_TO_1970 = 11_644_473_600_000;

/** A FILETIME, 100 ns since 1601, as milliseconds since 1970; undefined where it is not set. */
export function readTime(view: DataView, at: number): number | undefined {
  const high = view.getUint32(at + 4, true);
  const low = view.getUint32(at, true);
  if (high === 0 && low === 0) return undefined;
  return Math.floor((high * 2 ** 32 + low) / 10_000) - MILLISECONDS_1601_TO_1970;
}

/** UTF-16 text. Surrogates without their other half become U+FFFD. */
export function readUtf16(bytes: Uint8Array, at: number, units: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, units * 2).toString('utf16le');
  return HAS_SURROGATE.test(text) ? text.replace(LONE_SURROGATES, '\ufffd') : text;
}

const HAS_SURROGATE = /[\ud800-\udfff]/;
const LONE_SURROGATES = /\p{Surrogate}/gu;

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
