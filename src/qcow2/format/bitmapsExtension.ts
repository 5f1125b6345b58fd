/** The bitmaps extension of the header (qcow2.txt, "Bitmaps extension"): how many bitmaps, and where their directory is. */
import { hex } from '../../text/hex';
import { FormatError, type ProblemFacts } from '../errors';
import type { BlockFile } from '../io/blockFile';
import type { ProblemCode } from '../problemText';
import { hostOffset, type HostOffset, plus } from '../units';
import { dataView, safeNumber } from './bytes';
import type { Header } from './header';
import type { RawExtension } from './rawExtensions';
import { MAX_BITMAP_DIRECTORY_SIZE, MAX_BITMAPS } from './limits';

export interface BitmapsExtension {
  /** Of the extension's type field: bytes from the start of the file. */
  readonly at: HostOffset;
  readonly count: number;
  /** Bytes. */
  readonly directorySize: number;
  /** Bytes from the start of the file. */
  readonly directoryOffset: HostOffset;
}

/** Bytes. */
export const BITMAPS_EXTENSION_LENGTH = 24;

/**
 * @param extension its data is `BITMAPS_EXTENSION_LENGTH` bytes long
 * @throws FormatError
 */
export function parseBitmapsExtension(
  file: BlockFile,
  header: Header,
  extension: RawExtension,
): BitmapsExtension {
  const view = dataView(extension.data);
  const at = hostOffset(extension.offset + 8);
  const broken = (code: ProblemCode, offset: HostOffset, facts: ProblemFacts = {}) =>
    new FormatError(file.name, code, { offset, ...facts });

  const reserved = view.getUint32(4);
  if (reserved !== 0) throw broken('bitmaps.reserved', hostOffset(at + 4), { value: hex(reserved) });
  const count = view.getUint32(0);
  if (count > MAX_BITMAPS) throw broken('bitmaps.tooMany', at, { value: count, limit: MAX_BITMAPS });
  if (count === 0) throw broken('bitmaps.none', at);
  const offset = view.getBigUint64(16);
  if (offset % BigInt(header.clusterSize) !== 0n) {
    throw broken('bitmaps.directoryOffset', hostOffset(at + 16), {
      value: hex(offset),
      limit: header.clusterSize,
    });
  }
  const size = view.getBigUint64(8);
  if (size > BigInt(MAX_BITMAP_DIRECTORY_SIZE)) {
    throw broken('bitmaps.directorySize', hostOffset(at + 8), {
      value: hex(size),
      limit: MAX_BITMAP_DIRECTORY_SIZE,
    });
  }
  return {
    at: extension.offset,
    count,
    directorySize: Number(size),
    directoryOffset: hostOffset(safeNumber(file.name, offset, 'bitmap directory offset', at + 16)),
  };
}

/** Where the extension says where the directory is: 8 bytes, from the start of the file. */
export const directoryPointer = ({ at }: BitmapsExtension): HostOffset => plus(at, 24);
