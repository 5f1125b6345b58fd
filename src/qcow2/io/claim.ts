/**
 * A write lock on one byte of an open file, which says that the file is in use. The system releases it when the file is
 * closed, and closes the files of a thread or process that ends.
 */
import { loadLocks } from './native';

const CLAIMED_BYTE = 0;

/**
 * Takes the lock.
 * @param descriptor of a file that is open for writing
 * @returns `held` where another open file has it, `unknown` where this system or this file system has no such locks
 */
export function claimFile(descriptor: number): 'taken' | 'held' | 'unknown' {
  const result = loadLocks()?.claim(descriptor, CLAIMED_BYTE) ?? 'failed';
  return result === 'failed' ? 'unknown' : result;
}

/** Whether another open file has the lock; looking takes nothing. */
export function claimOn(descriptor: number): 'held' | 'free' | 'unknown' {
  const isClaimed = loadLocks()?.isClaimed(descriptor, CLAIMED_BYTE) ?? 'failed';
  if (isClaimed === 'failed') return 'unknown';
  return isClaimed ? 'held' : 'free';
}
