/** Header extensions (qcow2.txt, "Header extensions") as far as they can be told apart, broken or not. */
import { hex } from '../../text/hex';
import { LONGEST_TEXT, shortened } from '../../text/printable';
import { dataView, textOf } from '../format/bytes';
import { parseFeatureNames } from '../format/headerExtensions';
import { EXTENSION_TYPES, extensionName } from '../format/rawExtensions';
import type { BlockFile } from '../io/blockFile';
import { say, type Said } from '../../text/phrase';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';

/** `decoded` is the content in one line, as far as it is not too long, or hex of its first bytes. */
export interface ExtensionView extends Said {
  readonly type: string;
  /** `backing file format`, `feature name table`, …, or `unknown`. */
  readonly name: string;
  readonly offset: HostOffset;
  readonly length: ByteLength;
}

/** An extension with the bytes of it that are in the file. */
export interface ViewedExtension {
  readonly type: number;
  readonly data: Uint8Array;
  readonly view: ExtensionView;
}

/** Bytes of an extension's type and length. */
const HEAD_BYTES = 8;
/** Most extensions that are listed. */
const MAX_EXTENSIONS = 256;
/** Bytes of an unknown extension that are shown. */
const SHOWN_BYTES = 32;

/**
 * Splits the area from `start` to `end` (bytes, at most one cluster); the last extension may be cut off by the end.
 * @throws FileError
 */
export function viewExtensions(
  file: BlockFile,
  { start, end }: { readonly start: HostOffset; readonly end: number },
): ViewedExtension[] {
  const found: ViewedExtension[] = [];
  for (let offset = start; offset + HEAD_BYTES <= end && found.length < MAX_EXTENSIONS;) {
    const head = new Uint8Array(HEAD_BYTES);
    file.read(head, offset);
    const type = dataView(head).getUint32(0);
    const length = dataView(head).getUint32(4);
    if (type === EXTENSION_TYPES.end) break;
    const data = new Uint8Array(Math.min(length, end - offset - HEAD_BYTES));
    file.read(data, hostOffset(offset + HEAD_BYTES));
    const whole = decode(type, data);
    const said = data.length < length ? say('cutOff', whole.decoded) : whole;
    found.push({
      type,
      data,
      view: { type: typeHex(type), name: extensionName(type), offset, length, ...said },
    });
    offset = plus(offset, HEAD_BYTES + Math.ceil(length / 8) * 8);
  }
  return found;
}

/** The image's own names for feature bits, keyed `incompatible 5`. */
export function namesInTable(extensions: readonly ViewedExtension[]): ReadonlyMap<string, string> {
  const table = extensions.find(({ type }) => type === EXTENSION_TYPES.featureNameTable);
  return table === undefined ? new Map<string, string>() : parseFeatureNames(table.data);
}

function typeHex(type: number): string {
  return `0x${type.toString(16).padStart(8, '0')}`;
}

function decode(type: number, data: Uint8Array): Said {
  switch (type) {
    case EXTENSION_TYPES.backingFormat:
    case EXTENSION_TYPES.externalDataFile:
      return { decoded: shortened(textOf(data), LONGEST_TEXT) };
    case EXTENSION_TYPES.featureNameTable:
      return { decoded: shortened(featureNames(data), LONGEST_TEXT) };
    case EXTENSION_TYPES.bitmaps:
      return data.length < 24 ? { decoded: hexOf(data) } : decodeBitmaps(dataView(data));
    case EXTENSION_TYPES.fullDiskEncryption:
      return data.length < 16 ? { decoded: hexOf(data) } : decodeEncryption(dataView(data));
    default:
      return { decoded: hexOf(data) };
  }
}

function featureNames(data: Uint8Array): string {
  return [...parseFeatureNames(data)].map(([bit, name]) => `${bit}: ${name}`).join(', ');
}

function decodeBitmaps(data: DataView): Said {
  const count = data.getUint32(0);
  return say('bitmapDirectory', count, data.getBigUint64(8), hex(data.getBigUint64(16)));
}

function decodeEncryption(data: DataView): Said {
  return say('luksHeader', data.getBigUint64(8), hex(data.getBigUint64(0)));
}

function hexOf(data: Uint8Array): string {
  const shown = Buffer.from(data.subarray(0, SHOWN_BYTES)).toString('hex');
  return data.length > SHOWN_BYTES ? `${shown}…` : shown;
}
