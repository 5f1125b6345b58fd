/** A journal's end: the seal is overwritten first, so that whatever is left of it says that nothing is to be done. */
import { dirname } from 'node:path';
import type { Disk, MutableFile } from './disk';
import { SECTOR } from './role';

export const folderOf = (path: string): string => dirname(path);

/** @throws FileError */
export function removeJournal(disk: Disk, journal: MutableFile): void {
  if (journal.size > 0) {
    journal.write(new Uint8Array(SECTOR), 0);
    journal.flush();
  }
  disk.remove(journal.name);
  disk.flushFolder(folderOf(journal.name));
}
