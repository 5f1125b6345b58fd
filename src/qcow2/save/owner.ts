/**
 * Whether the saver of a journal still runs. It keeps a lock on the open journal, which ends with its thread; where
 * such locks do not exist, the saver is identified by its process and thread number.
 */
import type { Disk, Writer } from './disk';

/**
 * - `running`: it saves, or a recovery of what it has left runs
 * - `gone`: neither of them runs
 * - `elsewhere`: it was another machine's, which cannot be asked
 */
export type OwnerState = 'running' | 'gone' | 'elsewhere';

/**
 * @param claim on the journal: `held` by another open file, `free`, or `unknown` where that cannot be told
 * @param writer as the journal has it; undefined where it was not written yet, or is lost
 */
export function ownerState(
  claim: 'held' | 'free' | 'unknown',
  writer: Writer | undefined,
  disk: Pick<Disk, 'writer' | 'isRunning'>,
): OwnerState {
  if (claim === 'held') return 'running';
  if (writer === undefined) return 'gone';
  if (claim === 'free' && writer.isLocked === true && writer.host === disk.writer.host) return 'gone';
  const isRunning = disk.isRunning(writer);
  if (isRunning === undefined) return 'elsewhere';
  return isRunning ? 'running' : 'gone';
}
