/** Targets of symbolic links: in the inode where they are short, as contents otherwise ("Symbolic Links"). */
import { GuestError } from '../errors';
import { readContents } from './contents';
import type { Inode } from './inode';
import type { Volume } from './volume';

/** A target has at most one block. @throws GuestError */
export function linkTarget(volume: Volume, inode: Inode): string {
  const { size, blockOffset } = inode;
  if (inode.isShortLink) return Buffer.from(inode.block.subarray(0, size)).toString('utf8');
  const { blockSize } = volume.superblock;
  if (size > blockSize)
    throw new GuestError('guest.value', {
      what: 'i_size',
      offset: blockOffset,
      value: size,
      limit: blockSize,
    });
  const bytes = Buffer.alloc(size);
  readContents(volume, inode, 0, bytes);
  return bytes.toString('utf8');
}
