/**
 * Keeps others from an image while something is done to it that needs no journal, since it changes nothing that anybody
 * reads. The journal is made all the same, and never sealed: it is the lock between two savers, and says whose it is.
 * A crash leaves it open, and the recovery throws it away.
 */
import { EngineError, type Problem } from '../errors';
import type { Header } from '../format/header';
import { hostOffset } from '../units';
import type { Disk, MutableFile, Writer } from './disk';
import { createJournal, removeJournal } from './journalFile';
import { encodeHead, HEAD_OFFSET, type JournalHead } from './journalFormat';
import type { SaveOptions } from './save';

/**
 * @param image as `disk` has opened it
 * @param lock as `SaveOptions` has it
 * @returns what `work` returns; `leftover` where the journal could not be removed after it
 * @throws RefusedError `journal.exists`, and as `lock` and `work`; FileError
 */
export function whileClaimed<T>(
  image: MutableFile,
  header: Header,
  disk: Disk,
  lock: SaveOptions['lock'],
  work: () => T,
): { readonly value: T; readonly leftover?: Problem } {
  const { file: journal, writer } = createJournal(image.name, disk);
  let held: { release(): void } | undefined;
  try {
    const release = (): void => held?.release();
    let value: T;
    try {
      journal.write(encodeHead(headOf(image, header, writer)), hostOffset(HEAD_OFFSET));
      held = lock?.();
      value = work();
    } catch (error) {
      // Why it came to nothing is what matters.
      remove(disk, journal, release);
      throw error;
    }
    const leftover = remove(disk, journal, release);
    return leftover === undefined ? { value } : { value, leftover };
  } finally {
    held?.release();
    journal.close();
  }
}

function remove(disk: Disk, journal: MutableFile, release: () => void): Problem | undefined {
  try {
    removeJournal(disk, journal, release);
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return error.problem;
  }
}

function headOf(image: MutableFile, { version, refcountBits }: Header, writer: Writer): JournalHead {
  const { name, identity, size } = image;
  const file = { path: name, identity, oldSize: size, newSize: size };
  return { writer, version, refcountBits, pointer: 'extend', image: file };
}
