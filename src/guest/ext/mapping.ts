/**
 * Where the blocks of a file are: one view of block maps and extent trees. Walks are lazy, and never visit the same block
 * of a map or a tree twice, so that a hostile one ends.
 */
import type { GuestError } from '../errors';
import { mapRuns } from './blockMap';
import { extentRuns } from './extentTree';
import type { Inode } from './inode';
import { type Run, Visits } from './runs';
import type { Volume } from './volume';

const refuse = (error: GuestError): void => {
  throw error;
};

/**
 * The runs of a file's blocks, ascending and without gaps, from a block of the file to its last one.
 * @param first block of the file
 * @param onChecksum hears of extent blocks with a wrong checksum; the default throws
 * @throws GuestError while it goes on
 */
export function* runsOf(volume: Volume, inode: Inode, first = 0, onChecksum = refuse): Generator<Run> {
  const end = Math.ceil(inode.size / volume.superblock.blockSize);
  const visits = new Visits(onChecksum);
  const found = inode.hasExtents
    ? extentRuns(volume, inode, first, visits)
    : mapRuns(volume, inode, first, end, visits);
  let at = first;
  let last: Run | undefined;
  for (const run of found) {
    if (run.at >= end) break;
    const skipped = Math.max(0, at - run.at);
    for (const part of [holeBetween(at, run.at), withoutStart(run, skipped)]) {
      if (part === undefined) continue;
      const joined: Run | undefined = last && join(last, part);
      if (joined === undefined && last !== undefined) yield last;
      last = joined ?? part;
    }
    at = Math.max(at, run.at + run.count);
  }
  if (at < end) {
    const hole = holeBetween(at, end);
    const joined = last && hole && join(last, hole);
    if (joined === undefined && last !== undefined) yield last;
    last = joined ?? hole;
  }
  if (last !== undefined) yield last;
}

const holeBetween = (at: number, end: number): Run | undefined =>
  end > at ? { at, count: end - at, block: undefined, isUnwritten: false } : undefined;

function withoutStart(run: Run, count: number): Run | undefined {
  if (count === 0) return run;
  if (count >= run.count) return undefined;
  const block = run.block === undefined ? undefined : run.block + count;
  return { ...run, at: run.at + count, count: run.count - count, block };
}

/** @returns undefined where `next` does not go on where `run` ends */
function join(run: Run, next: Run): Run | undefined {
  const follows =
    run.block === undefined
      ? next.block === undefined
      : next.block === run.block + run.count && next.isUnwritten === run.isUnwritten;
  return follows ? { ...run, count: run.count + next.count } : undefined;
}
