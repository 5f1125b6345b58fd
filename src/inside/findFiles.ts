/** Finds files of a disk by their names. */
import type { GuestDisk } from '../guest/disk';
import type { FileId, FileType } from '../guest/fileSystem';
import { type Progress, quietOf } from '../qcow2/progress';
import { guestCode } from './guestCode';

export interface FoundFile {
  /** Of the part that it is in, as `DiskPart.path`. */
  readonly part: string;
  /** From the root of its file system, with `/` in front. */
  readonly path: string;
  readonly id: FileId;
  readonly type: FileType;
}

export interface FindRequest {
  /** A part of the name in any case; with a `/` in it, a part of the path. */
  readonly text: string;
  /** Files after which the search ends. */
  readonly most: number;
}

export interface FindReport {
  readonly found: number;
  /** There may be more than `most`. */
  readonly isCut: boolean;
  /** Folders that could not be read. */
  readonly unread: number;
}

/**
 * Looks through all file systems of a disk in their order, folders near the root first.
 * @param take gets each file as it is found
 * @throws whatever `progress` throws where the search is to stop
 */
export function* findFiles(
  disk: GuestDisk,
  { text, most }: FindRequest,
  take: (file: FoundFile) => void,
  progress: Progress,
): Generator<undefined, FindReport> {
  const wanted = text.toLowerCase();
  const isPath = wanted.includes('/');
  let [found, unread] = [0, 0];
  const miss = (): void => {
    unread++;
  };
  for (const { path: part, system } of disk.parts) {
    if (system === undefined) continue;
    const files = guestCode().walkFiles(system, system.root, miss, quietOf(progress));
    for (const { path, entry, type } of files) {
      const whole = `/${path}`;
      if ((isPath ? whole : entry.name).toLowerCase().includes(wanted)) {
        if (found === most) return { found, isCut: true, unread };
        found++;
        take({ part, path: whole, id: entry.id, type });
      }
      yield;
    }
  }
  return { found, isCut: false, unread };
}
