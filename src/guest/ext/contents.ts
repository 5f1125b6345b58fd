/** Contents of files: mapped blocks, holes, and what is within the inode. */
import type { Inode } from './inode';
import { inlineBytes } from './inlineData';
import { runsOf } from './mapping';
import type { Volume } from './volume';

/**
 * @param at byte of the file, not negative
 * @returns bytes read
 * @throws GuestError
 */
export function readContents(volume: Volume, inode: Inode, at: number, target: Uint8Array): number {
  const length = Math.max(0, Math.min(target.length, inode.size - at));
  if (length === 0) return 0;
  if (inode.hasInlineData) {
    target.set(inlineBytes(inode).subarray(at, at + length));
    return length;
  }
  const { blockSize } = volume.superblock;
  const end = at + length;
  for (const run of runsOf(volume, inode, Math.floor(at / blockSize))) {
    const start = Math.max(at, run.at * blockSize);
    const part = target.subarray(start - at, Math.min(end, (run.at + run.count) * blockSize) - at);
    if (run.block === undefined || run.isUnwritten) part.fill(0);
    else volume.readAt(part, volume.offsetOf(run.block) + start - run.at * blockSize);
    if (start + part.length >= end) break;
  }
  return length;
}
