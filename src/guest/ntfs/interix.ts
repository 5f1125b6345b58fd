/** Special files of Interix, which NTFS-3G makes, too: small system files whose contents begin with `Intx`. */
import type { FileType } from '../fileSystem';
import { readUtf16 } from './numbers';
import { readStream, type Stream, type StreamVolume } from './stream';

const MAGIC = 8;
const LONGEST_TARGET = 4096;

/** @param size bytes of a file's contents */
export const canBeInterixFile = (size: number): boolean =>
  size >= MAGIC && size <= MAGIC + 2 * LONGEST_TARGET;

export interface SpecialFile {
  readonly type: FileType;
  readonly target?: string;
}

/** @returns undefined for any other file @throws GuestError where the contents cannot be read */
export function readInterixFile(volume: StreamVolume, contents: Stream): SpecialFile | undefined {
  if (!canBeInterixFile(contents.size)) return undefined;
  const bytes = new Uint8Array(contents.size);
  readStream(volume, contents, 0, bytes);
  switch (Buffer.from(bytes.subarray(0, MAGIC)).toString('latin1')) {
    case 'IntxLNK\u0001':
      return { type: 'link', target: readUtf16(bytes, MAGIC, Math.floor((bytes.length - MAGIC) / 2)) };
    case 'IntxCHR\u0000':
      return { type: 'characterDevice' };
    case 'IntxBLK\u0000':
      return { type: 'blockDevice' };
    default:
      return undefined;
  }
}
