/** Keeps QEMU, and other savers, from the files of an image while it is saved. */
import type { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import { lockForSave, type SaveLocks } from '../io/qemuLocks';

/**
 * @param image as it is on disk
 * @throws RefusedError when another program has one of the files open; FileError
 */
export function lockFiles({ file, dataFile }: Qcow2Image): { release(): void } {
  const locks: SaveLocks[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    for (const each of new Set([file, dataFile])) {
      if (each instanceof LocalFile) locks.push(lockForSave(each.name));
    }
    return { release };
  } catch (error) {
    release();
    throw error;
  }
}
