/**
 * Autoclear feature bits (qcow2.txt, bytes 88 to 95): a program that changes an image clears those that it does not know.
 * Bitmaps and raw external data are kept right.
 */
import { dataView } from '../format/bytes';
import { FEATURE_NAMES, setBits, type Features } from '../format/features';
import { headerField } from '../format/headerFields';
import type { WritableFile } from '../io/writableFile';

const KNOWN = 2n ** BigInt(FEATURE_NAMES.autoclear.length) - 1n;

/** @returns the bits that were cleared, ascending; version 2 has none */
export function clearUnknownAutoclear(file: WritableFile, { autoclear }: Features): readonly number[] {
  const unknown = autoclear & ~KNOWN;
  if (unknown === 0n) return [];
  const field = new Uint8Array(8);
  dataView(field).setBigUint64(0, autoclear & KNOWN);
  file.write(field, headerField('autoclear_features').offset);
  return setBits(unknown);
}
