/**
 * A journal's beginning and its end. Only the process that has the journal may change the image: it is made exclusively,
 * claimed while it is open, and its seal is overwritten before it is deleted, so that what is left of it says that there
 * is nothing to do.
 */
import { dirname } from 'node:path';
import { FileError, RefusedError } from '../errors';
import { hostOffset } from '../units';
import type { Disk, MutableFile, Writer } from './disk';
import { journalPath } from './journalFormat';
import { SECTOR } from './role';

export const folderOf = (path: string): string => dirname(path);

/** Recoveries that may take a journal for a dead saver's before it could be claimed; each of them removes it. */
const MOST_LOST = 3;

export interface ClaimedJournal {
  readonly file: MutableFile;
  /** What it has to say of who writes it. */
  readonly writer: Writer;
}

/**
 * Makes the journal of an image and claims it.
 * @param image its path, symbolic links followed
 * @throws RefusedError `journal.exists`; FileError
 */
export function createJournal(image: string, disk: Disk): ClaimedJournal {
  const path = journalPath(image);
  for (let lost = 0; lost < MOST_LOST; lost++) {
    const file = disk.createExclusive(path);
    if (file === undefined) break;
    const claim = file.claim();
    // Between making and claiming it, a recovery may have taken it for one whose saver is dead.
    if (claim !== 'held' && isThere(file, disk)) {
      return { file, writer: { ...disk.writer, isLocked: claim === 'taken' } };
    }
    file.close();
  }
  throw new RefusedError(image, 'journal.exists', { value: path });
}

/**
 * Opens what stands in the place of an image's journal.
 * @param image its path, symbolic links followed
 * @returns undefined where there is nothing
 * @throws FileError; `journal.irregular` for what is not a regular file
 */
export function openJournal(image: string, disk: Disk): MutableFile | undefined {
  const path = journalPath(image);
  try {
    return disk.openForChange(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { code, what } = error.problem;
    if (code === 'file.missing') return undefined;
    if (code !== 'file.notRegular' || what === undefined) throw error;
    throw new FileError(path, 'journal.irregular', { what });
  }
}

/** Whether the name of an open journal still leads to it. @throws FileError */
export function isThere({ name, identity }: MutableFile, disk: Disk): boolean {
  const there = disk.identify(name);
  return there?.inode === identity.inode && there.device === identity.device;
}

/**
 * @param release lets others at the files again: once nothing is left to recover, and before the journal is gone, so that
 *   a program that sees no journal sees no locks of its saver
 * @throws FileError
 */
export function removeJournal(disk: Disk, journal: MutableFile, release?: () => void): void {
  if (journal.size > 0) {
    journal.write(new Uint8Array(SECTOR), hostOffset(0));
    journal.flush();
  }
  release?.();
  disk.remove(journal.name);
  disk.flushFolder(folderOf(journal.name));
}
