/** Folders of FAT12, FAT16 and FAT32 (Microsoft's FAT specification 1.03, "Directory structure"). */
import { GuestError, type GuestProblem } from '../errors';
import type { DirectoryEntry, Listing } from '../fileSystem';
import { ENTRY, type FolderPiece } from './folderReader';
import { LongName } from './longName';
import { labelText, shortName } from './shortName';
import { dosTime } from './time';

/** Bytes that a folder may have. */
export const LONGEST_FOLDER = 65_536 * ENTRY;

const DELETED = 0xe5;

export const FatAttribute = { label: 0x08, folder: 0x10, longName: 0x0f, all: 0x3f } as const;

/** What an entry says of its file. */
export interface FatFile {
  readonly isFolder: boolean;
  /** 0 where there is no cluster. */
  readonly firstCluster: number;
  /** Bytes; 0 for folders. */
  readonly size: number;
  readonly modified: number | undefined;
}

/**
 * @param at where the entry begins
 * @param isWide FAT32: the number of the first cluster has an upper half
 */
export function fatFile(view: DataView, at: number, isWide: boolean): FatFile {
  const upper = isWide ? view.getUint16(at + 20, true) : 0;
  const isFolder = (view.getUint8(at + 11) & FatAttribute.folder) !== 0;
  return {
    isFolder,
    firstCluster: ((upper & 0x0fff) << 16) | view.getUint16(at + 26, true),
    size: isFolder ? 0 : view.getUint32(at + 28, true),
    modified: dosTime(view.getUint16(at + 24, true), view.getUint16(at + 22, true)),
  };
}

/** What an entry is for. `end`: there are no more. */
type EntryUse = 'end' | 'deleted' | 'longName' | 'label' | 'file';

export function entryUse(view: DataView, at: number): EntryUse {
  const first = view.getUint8(at);
  if (first === 0) return 'end';
  if (first === DELETED) return 'deleted';
  const attributes = view.getUint8(at + 11) & FatAttribute.all;
  if (attributes === FatAttribute.longName) return 'longName';
  return (attributes & FatAttribute.label) === 0 ? 'file' : 'label';
}

/** Files and folders, by the places of their entries. What breaks off is told with the listing. */
export function listFat(pieces: Iterable<FolderPiece>): Listing {
  const entries: DirectoryEntry[] = [];
  let problem: GuestProblem | undefined;
  const long = new LongName();
  try {
    for (const { view, place } of pieces) {
      for (let at = 0; at + ENTRY <= view.byteLength; at += ENTRY) {
        const use = entryUse(view, at);
        if (use === 'end') return listing(entries, problem);
        if (use === 'longName') {
          long.add(view, at);
          continue;
        }
        const longName = long.take(view, at);
        if (use !== 'file') continue;
        const name = longName ?? shortName(view, at);
        if (name === '.' || name === '..') continue;
        const isFolder = (view.getUint8(at + 11) & FatAttribute.folder) !== 0;
        if (name === '') problem ??= { code: 'guest.value', what: 'name', offset: place + at, value: name };
        else entries.push({ name, id: place + at, type: isFolder ? 'folder' : 'file' });
      }
    }
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    problem = error.problem;
  }
  return listing(entries, problem);
}

const listing = (entries: DirectoryEntry[], problem: GuestProblem | undefined): Listing =>
  problem === undefined ? { entries } : { entries, problem };

/** The label that a root directory has; empty where there is none, or it cannot be found. */
export function fatLabel(pieces: Iterable<FolderPiece>): string {
  try {
    for (const { view } of pieces) {
      for (let at = 0; at + ENTRY <= view.byteLength; at += ENTRY) {
        const use = entryUse(view, at);
        if (use === 'end') return '';
        if (use === 'label') return labelText(view, at);
      }
    }
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
  }
  return '';
}
