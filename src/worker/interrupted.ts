/** Saves that were interrupted: their journals beside images, and what is done about them. */
import { existsSync, realpathSync } from 'node:fs';
import type { Chain } from '../qcow2/chain/openChain';
import { lockForSave } from '../qcow2/io/qemuLocks';
import { journalPath } from '../qcow2/save/journalFormat';
import { localDisk } from '../qcow2/save/localDisk';
import { recover, type RecoverOutcome } from '../qcow2/save/recover';
import type { RecoverTrust } from './api';

/** Where the journal of a save of an image would be. Never throws. */
export function journalOf(path: string): string {
  try {
    return journalPath(realpathSync(path));
  } catch {
    return journalPath(path);
  }
}

export const hasJournal = (path: string): boolean => existsSync(journalOf(path));

/**
 * @param chain of the image, where it could be opened: its external data file may have to be put right as well
 * @throws EngineError where nothing may be done
 */
export function recoverImage(path: string, chain: Chain | undefined, trust: RecoverTrust): RecoverOutcome {
  const { hasDataFile = false, isDataFileOpen = false, dataFile } = chain?.top ?? {};
  return recover(path, localDisk, {
    ...trust,
    ...(hasDataFile && isDataFileOpen ? { dataFile: dataFile?.name } : {}),
    lock: () => lockForSave(path),
  });
}
