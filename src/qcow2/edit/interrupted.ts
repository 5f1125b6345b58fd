/** A save that was interrupted, as seen from outside the save: is there one, and taking it back or finishing it. */
import { openChain } from '../chain/openChain';
import type { GateOptions } from '../chain/gate';
import { EngineError } from '../errors';
import { openLocalFile } from '../io/localFile';
import { lockForSave } from '../io/qemuLocks';
import { journalPath } from '../save/journalFormat';
import { localDisk } from '../save/localDisk';
import { recover, type RecoverOptions, type RecoverOutcome } from '../save/recover';

/** Whether a journal stands beside the image: a save is running, or was interrupted. */
export function hasJournal(path: string): boolean {
  try {
    return localDisk.identify(journalPath(localDisk.resolve(path))) !== undefined;
  } catch (error) {
    // There is no such image, or it cannot be looked at: opening it will say so.
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/**
 * Finishes an interrupted save: takes it back, or does what was left to do.
 * @throws RefusedError where nothing may be done, FormatError, FileError
 */
export function recoverImage(
  path: string,
  gate: GateOptions,
  trust: Pick<RecoverOptions, 'trustsVersion2' | 'trustsOtherMachine' | 'discard'> = {},
): RecoverOutcome {
  if (!hasJournal(path)) {
    // That there is nothing to recover is no answer for a file that is not there.
    openLocalFile(path).close();
    return 'none';
  }
  return recover(path, localDisk, {
    ...trust,
    dataFile: dataFileOf(path, gate),
    lock: () => lockForSave(path),
  });
}

/** The external data file that the image names and that may be opened: nothing else is written because of a journal. */
function dataFileOf(path: string, gate: GateOptions): string | undefined {
  const chain = openChain(path, gate);
  try {
    const { hasDataFile, isDataFileOpen, dataFile } = chain.top;
    return hasDataFile && isDataFileOpen ? dataFile.name : undefined;
  } finally {
    chain.close();
  }
}
