/** Keeps QEMU, and other savers, from the files of an image while it is saved. */
import type { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import { lockAgainstWriters, lockForSave } from '../io/qemuLocks';
import { type ComparedFile, refuseChanged } from './comparedFiles';

interface Lock {
  release(): void;
}

/**
 * @param image as it is on disk
 * @param compared files that hold the only copy of some data once it is saved: they must not change until then
 * @throws RefusedError when another program has one of the files open, and as `refuseChanged`; FileError
 */
export function lockFiles({ file, dataFile }: Qcow2Image, compared: readonly ComparedFile[] = []): Lock {
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    for (const each of new Set([file, dataFile])) {
      if (each instanceof LocalFile) locks.push(lockForSave(each.name));
    }
    for (const name of new Set(compared.map((each) => each.name))) locks.push(lockAgainstWriters(name));
    refuseChanged(compared);
    return { release };
  } catch (error) {
    release();
    throw error;
  }
}
