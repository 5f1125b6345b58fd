/** What the root directory of exFAT says of the volume: label, allocation bitmap, up-case table (sections 7.1 to 7.3). */
import { GuestError } from '../errors';
import { ExfatType } from './exfatEntries';
import { ENTRY, type FolderPiece } from './folderReader';
import { utf16Text } from './text';

/** A stretch of data that an entry of the root directory names. */
export interface SystemFile {
  readonly firstCluster: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes from the start of the device to the entry. */
  readonly place: number;
}

export interface ExfatVolume {
  /** Empty where there is none. */
  readonly label: string;
  /** Of the file allocation table in use. */
  readonly bitmap: SystemFile | undefined;
  readonly upcase: SystemFile | undefined;
}

const LONGEST_LABEL = 11;

/**
 * Reads the root directory until all is found, as far as that can be read.
 * @param active 1 where the second bitmap is the one in use
 */
export function readExfatVolume(pieces: Iterable<FolderPiece>, active: 0 | 1): ExfatVolume {
  let label: string | undefined;
  let bitmap: SystemFile | undefined;
  let upcase: SystemFile | undefined;
  const volume = (): ExfatVolume => ({ label: label ?? '', bitmap, upcase });
  try {
    for (const { view, place } of pieces) {
      for (let at = 0; at + ENTRY <= view.byteLength; at += ENTRY) {
        switch (view.getUint8(at)) {
          case ExfatType.end:
            return volume();
          case ExfatType.label:
            label ??= labelOf(view, at);
            break;
          case ExfatType.bitmap:
            if ((view.getUint8(at + 1) & 1) === active) bitmap ??= systemFile(view, at, place);
            break;
          case ExfatType.upcase:
            upcase ??= systemFile(view, at, place);
        }
        if (label !== undefined && bitmap !== undefined && upcase !== undefined) return volume();
      }
    }
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
  }
  return volume();
}

function labelOf(view: DataView, at: number): string {
  const length = Math.min(LONGEST_LABEL, view.getUint8(at + 1));
  return utf16Text(Uint16Array.from({ length }, (_, unit) => view.getUint16(at + 2 + 2 * unit, true)));
}

function systemFile(view: DataView, at: number, place: number): SystemFile {
  const size = Number(view.getBigUint64(at + 24, true));
  return { firstCluster: view.getUint32(at + 20, true), size, place: place + at };
}
