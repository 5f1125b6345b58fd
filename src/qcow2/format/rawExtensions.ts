/**
 * Header extensions as they are in the file (qcow2.txt, "Header extensions"): a list of typed, length-prefixed pieces
 * between the header and the backing file name.
 */
import { FormatError } from '../errors';
import type { Fact } from '../factText';
import type { BlockFile } from '../io/blockFile';
import { dataView } from './bytes';

export const EXTENSION_TYPES = {
  end: 0,
  backingFormat: 0xe2792aca,
  featureNameTable: 0x6803f857,
  bitmaps: 0x23852875,
  fullDiskEncryption: 0x0537be77,
  externalDataFile: 0x44415441,
} as const;

/** One extension as it is in the file. */
export interface RawExtension {
  readonly type: number;
  /** Of the type field, in bytes from the start of the file. */
  readonly offset: number;
  readonly data: Uint8Array;
}

/**
 * Splits the extension area into its pieces, one at a time, without looking into them.
 * @param start first byte of the area (the header's length); @param end first byte after it
 * @throws FormatError `extension.tooLarge` for one that crosses `end`, FileError
 */
export function* readRawExtensions(
  file: BlockFile,
  start: number,
  end: number,
): Generator<RawExtension, void> {
  const area = new Uint8Array(Math.max(0, Math.min(end, file.size) - start));
  file.read(area, start);
  const view = dataView(area);
  // Past the end of the file everything is zero, which is an end mark.
  const word = (offset: number) => (offset + 4 <= area.length ? view.getUint32(offset) : 0);

  for (let offset = start; offset < end;) {
    const type = word(offset - start);
    const length = word(offset - start + 4);
    const data = offset + 8;
    if (data > end || length > end - data) {
      const facts = { offset, value: length, limit: Math.max(0, end - data), what: extensionName(type) };
      throw new FormatError(file.name, 'extension.tooLarge', facts);
    }
    if (type === EXTENSION_TYPES.end) return;
    yield { type, offset, data: contentOf(area, data - start, length) };
    offset = data + Math.ceil(length / 8) * 8;
  }
}

/** The bytes of an extension; what the file does not have is zero (the area is at most one cluster). */
function contentOf(area: Uint8Array, start: number, length: number): Uint8Array {
  const content = new Uint8Array(length);
  content.set(area.subarray(start, start + length));
  return content;
}

/** The specification's name of an extension type, or `unknown`. */
export function extensionName(type: number): Fact {
  switch (type) {
    case EXTENSION_TYPES.end:
      return 'end of extensions';
    case EXTENSION_TYPES.backingFormat:
      return 'backing file format';
    case EXTENSION_TYPES.featureNameTable:
      return 'feature name table';
    case EXTENSION_TYPES.bitmaps:
      return 'bitmaps';
    case EXTENSION_TYPES.fullDiskEncryption:
      return 'full disk encryption header';
    case EXTENSION_TYPES.externalDataFile:
      return 'external data file name';
    default:
      return 'unknown';
  }
}
