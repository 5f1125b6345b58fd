/** A save that was interrupted, as seen from outside the save: is there one, and taking it back or finishing it. */
import { existsSync } from 'node:fs';
import { openChain, type ChainOptions } from '../chain/openChain';
import type { GateOptions } from '../chain/gate';
import { EngineError } from '../errors';
import { describeProblem } from '../problemText';
import { openLocalFile } from '../io/localFile';
import { lockForSave } from '../io/qemuLocks';
import { journalPath } from '../save/journalFormat';
import { localDisk } from '../save/localDisk';
import { journaledView } from '../save/journaledView';
import { recover, type RecoverOptions, type RecoverOutcome } from '../save/recover';

/** Where the journal of a save of the image is, or would be. Never throws. */
export function journalOf(path: string): string {
  try {
    return journalPath(localDisk.resolve(path));
  } catch (error) {
    // There is no such image, or it cannot be looked at: opening it will say so.
    if (error instanceof EngineError) return journalPath(path);
    throw error;
  }
}

/** Whether a journal stands beside the image: a save is running, or was interrupted. */
export const hasJournal = (path: string): boolean => existsSync(journalOf(path));

/**
 * For those who only read (`ChainOptions.former`): shows an image with a journal beside it as it was before that save,
 * where a recovery would be allowed.
 */
export const formerFiles: NonNullable<ChainOptions['former']> = (files, open) => {
  if (!hasJournal(files.image.name)) return undefined;
  const file = files.image.name;
  try {
    const journal = open(journalOf(file));
    const former = journaledView(files, journal);
    return former === files ? undefined : { ...former, note: { kind: 'io', code: 'journal.shown', file } };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const value = describeProblem(error.problem);
    return { ...files, note: { kind: 'io', code: 'journal.notShown', file, value } };
  }
};

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
