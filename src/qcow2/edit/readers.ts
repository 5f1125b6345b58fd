/** What other programs do to the files of a chain while it is read, and what that makes of a check. */
import type { Chain } from '../chain/openChain';
import type { CheckReport } from '../check/checkReport';
import { EngineError, FileError } from '../errors';
import type { LockHolder } from '../io/locks';
import { findWriter } from '../io/qemuLocks';
import { isBeingSaved } from './interrupted';

/** A process that has a file open for writing. */
export interface Writing {
  readonly file: string;
  readonly holder: LockHolder;
}

/** The files of a chain that a program may be writing now. A save does not count: the image is read as it was before. */
export function writersOf({ layers }: Chain): Writing[] {
  const found = layers.flatMap(({ file: image, dataFile }) =>
    [...new Set([image.name, dataFile.name])].flatMap((file) => {
      const holder = writerOf(file);
      // A saver closes the files before its journal is gone: a program that has them open without a journal is not one.
      if (holder === undefined || isBeingSaved(image.name) || writerOf(file) === undefined) return [];
      return [{ file, holder }];
    }),
  );
  return found;
}

function writerOf(file: string): LockHolder | undefined {
  try {
    return findWriter(file);
  } catch (error) {
    // It is gone, or cannot be opened any more: whether the chain is intact says so.
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/**
 * A check of an image that is written meanwhile compares tables of different times: it says nothing about the image.
 * @throws FileError `read.changed`, `check.inUse`
 */
export function refuseUnsettled(
  chain: Chain,
  { corruptions, leaks, checkErrors, defects }: CheckReport,
): void {
  const { name } = chain.top.file;
  if (!chain.isIntact()) throw new FileError(name, 'read.changed');
  if (corruptions + leaks + checkErrors + defects === 0) return;
  // What it keeps in memory is missing on disk.
  const [writing] = writersOf(chain);
  if (writing === undefined) return;
  const { pid, program } = writing.holder;
  const value = [program, pid === undefined ? undefined : `pid ${pid}`].filter((each) => each !== undefined);
  throw new FileError(name, 'check.inUse', { value: value.join(', ') });
}
