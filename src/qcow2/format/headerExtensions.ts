/** What the header extensions of an image say (qcow2.txt, "Header extensions"). */
import { hex } from '../../text/hex';
import { FormatError, type ProblemFacts } from '../errors';
import type { BlockFile } from '../io/blockFile';
import type { ProblemCode } from '../problemText';
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import { BITMAPS_EXTENSION_LENGTH, parseBitmapsExtension, type BitmapsExtension } from './bitmapsExtension';
import { dataView, safeNumber, textOf } from './bytes';
import { FEATURE_TYPES } from './features';
import { strict, type FaultSink, type ImagePart } from './faults';
import type { Header } from './header';
import { MAX_BACKING_FORMAT_SIZE } from './limits';
import { EXTENSION_TYPES, extensionName, readRawExtensions, type RawExtension } from './rawExtensions';

/** Where the encryption header of a LUKS image is: bytes. */
export interface EncryptionHeaderPlace {
  readonly offset: HostOffset;
  readonly length: ByteLength;
}

/** What the extensions of an image say. Unknown ones are not kept: a header has room for a quarter of a million. */
export interface HeaderExtensions {
  readonly backingFormat?: string;
  /** The image's own names for feature bits, keyed `incompatible 5`. */
  readonly featureNames: ReadonlyMap<string, string>;
  /** Absent when the autoclear bit says that the bitmaps are stale. */
  readonly bitmaps?: BitmapsExtension;
  readonly encryptionHeader?: EncryptionHeaderPlace;
  readonly dataFileName?: string;
}

type FoundExtensions = { -readonly [Field in keyof HeaderExtensions]: HeaderExtensions[Field] };

/**
 * Reads and checks all extensions of an image; those before one that is broken are kept, and those after it where its
 * length can be told.
 * @throws FileError
 */
export function parseExtensions(
  file: BlockFile,
  header: Header,
  faults: FaultSink = strict,
): HeaderExtensions {
  const found: FoundExtensions = { featureNames: new Map<string, string>() };
  const readAll = (): void => {
    for (const extension of readRawExtensions(file, hostOffset(header.headerLength), header.extensionsEnd)) {
      const parse = (): void => {
        parseExtension(file, header, extension, found);
      };
      faults.attempt(partOf(extension), 'repair', parse, undefined);
    }
  };
  faults.attempt('header extensions', 'repair', readAll, undefined);
  return found;
}

function partOf({ type }: RawExtension): ImagePart {
  switch (type) {
    case EXTENSION_TYPES.backingFormat:
      return 'backing file';
    case EXTENSION_TYPES.bitmaps:
      return 'bitmaps';
    case EXTENSION_TYPES.fullDiskEncryption:
      return 'encryption';
    default:
      return 'header extensions';
  }
}

function parseExtension(
  file: BlockFile,
  header: Header,
  extension: RawExtension,
  found: FoundExtensions,
): void {
  switch (extension.type) {
    case EXTENSION_TYPES.backingFormat:
      found.backingFormat = parseBackingFormat(file, extension);
      break;
    case EXTENSION_TYPES.featureNameTable:
      found.featureNames = parseFeatureNames(extension.data);
      break;
    case EXTENSION_TYPES.bitmaps:
      requireLength(file, extension, BITMAPS_EXTENSION_LENGTH);
      // Without its autoclear bit the extension is stale, and nothing in it may be believed.
      if (header.features.bitmaps) found.bitmaps = parseBitmapsExtension(file, header, extension);
      break;
    case EXTENSION_TYPES.fullDiskEncryption:
      found.encryptionHeader = parseEncryptionHeaderPlace(file, header, extension);
      break;
    case EXTENSION_TYPES.externalDataFile:
      found.dataFileName = textOf(extension.data);
      break;
  }
}

function parseBackingFormat(file: BlockFile, extension: RawExtension): string {
  if (extension.data.length > MAX_BACKING_FORMAT_SIZE) {
    throw broken(file, extension, 'extension.backingFormat', {
      value: extension.data.length,
      limit: MAX_BACKING_FORMAT_SIZE,
    });
  }
  return textOf(extension.data);
}

/** Bytes of one entry: type, bit, and a name padded with null bytes. */
const FEATURE_NAME_ENTRY = 48;

/** The names of a feature name table, keyed `incompatible 5`. An incomplete last entry is ignored. */
export function parseFeatureNames(data: Uint8Array): Map<string, string> {
  const names = new Map<string, string>();
  for (let at = 0; at + FEATURE_NAME_ENTRY <= data.length; at += FEATURE_NAME_ENTRY) {
    const type = FEATURE_TYPES[data[at] ?? 0];
    const name = textOf(data.subarray(at + 2, at + FEATURE_NAME_ENTRY));
    if (type !== undefined && name !== '') names.set(`${type} ${data[at + 1] ?? 0}`, name);
  }
  return names;
}

/** The image's own names for feature bits, for a header that could not be accepted; empty if unreadable. */
export function featureNamesInImage(
  file: BlockFile,
  start: HostOffset,
  end: number,
): ReadonlyMap<string, string> {
  try {
    for (const { type, data } of readRawExtensions(file, start, end)) {
      if (type === EXTENSION_TYPES.featureNameTable) return parseFeatureNames(data);
    }
    return new Map<string, string>();
  } catch (error) {
    if (error instanceof FormatError) return new Map<string, string>();
    throw error;
  }
}

/** Bytes of the full disk encryption extension: offset and length of the LUKS header. */
const ENCRYPTION_EXTENSION_LENGTH = 16;

function parseEncryptionHeaderPlace(
  file: BlockFile,
  header: Header,
  extension: RawExtension,
): EncryptionHeaderPlace {
  if (header.cryptMethod !== 2) {
    throw broken(file, extension, 'extension.encryptionUnexpected', { value: header.cryptMethod });
  }
  requireLength(file, extension, ENCRYPTION_EXTENSION_LENGTH);
  const view = dataView(extension.data);
  const at = extension.offset + 8;
  const offset = view.getBigUint64(0);
  if (offset % BigInt(header.clusterSize) !== 0n) {
    throw broken(file, extension, 'extension.encryptionOffset', {
      value: hex(offset),
      limit: header.clusterSize,
    });
  }
  return {
    offset: hostOffset(safeNumber(file.name, offset, 'encryption header offset', at)),
    length: safeNumber(file.name, view.getBigUint64(8), 'encryption header length', at + 8),
  };
}

function requireLength(file: BlockFile, extension: RawExtension, length: ByteLength): void {
  if (extension.data.length === length) return;
  throw broken(file, extension, 'extension.length', { value: extension.data.length, limit: length });
}

function broken(
  file: BlockFile,
  extension: RawExtension,
  code: ProblemCode,
  facts: ProblemFacts,
): FormatError {
  const what = extensionName(extension.type);
  return new FormatError(file.name, code, { offset: extension.offset, what, ...facts });
}
