/** Contents of files, and targets of links. */
import type { GuestError } from '../errors';
import type { FileExtent } from '../fileSystem';
import { deviceOffset } from '../units';
import { textOf, viewOf } from './bigEndian';
import { type Extent, extentsOf } from './extents';
import type { Inode } from './inode';
import { errorOf, invalid } from './problems';
import { LINK_SEAL, sealProblem } from './seal';
import type { Volume } from './volume';

/** Bytes of the longest target of a link (`XFS_SYMLINK_MAXLEN`). */
const LONGEST_TARGET = 1024;
const LINK_MAGIC = 0x58534c4d; // XSLM
const LINK_HEADER = 56;

/**
 * Reads contents from byte `at` on; holes and what was allocated but never written read as zeroes.
 * @returns bytes read: fewer than `target` has at the end only
 * @throws GuestError
 */
export function readContents(volume: Volume, inode: Inode, at: number, target: Uint8Array): number {
  const length = Math.max(0, Math.min(target.length, inode.size - at));
  if (length === 0) return 0;
  if (inode.format === 'local') throw notExpected(inode, 'local');
  const { blockSize } = volume.superblock;
  /** Bytes of `target` that are filled. */
  let done = 0;
  for (const extent of extentsOf(volume, inode, Math.floor(at / blockSize))) {
    const start = extent.at * blockSize;
    const hole = Math.min(length, start - at);
    if (hole > done) {
      target.fill(0, done, hole);
      done = hole;
    }
    if (done >= length) break;
    const skipped = at + done - start;
    const end = Math.min(length, done + extent.count * blockSize - skipped);
    if (extent.isUnwritten) target.fill(0, done, end);
    else volume.device.read(target.subarray(done, end), deviceOffset(extent.place + skipped));
    done = end;
    if (done >= length) break;
  }
  target.fill(0, done, length);
  return length;
}

/**
 * The stretches of the contents, holes up to the size among them. What was allocated beyond the size, or never written, is
 * there with its place.
 * @throws GuestError where the next one cannot be read
 */
export function* stretchesOf(volume: Volume, inode: Inode): Generator<FileExtent, void> {
  if (inode.format === 'local') {
    if (inode.size > 0) yield { at: 0, length: inode.size, place: undefined };
    return;
  }
  const { blockSize } = volume.superblock;
  let end = 0;
  for (const extent of extentsOf(volume, inode)) {
    const at = extent.at * blockSize;
    const hole = Math.min(at, inode.size);
    if (hole > end) yield { at: end, length: hole - end, place: undefined, isHole: true };
    end = at + extent.count * blockSize;
    yield { at, length: end - at, place: extent.place };
  }
  if (inode.size > end) yield { at: end, length: inode.size - end, place: undefined, isHole: true };
}

/** The target of a link. @throws GuestError */
export function targetOf(volume: Volume, inode: Inode): string {
  if (inode.size > LONGEST_TARGET) throw notExpected(inode, inode.size);
  if (inode.format === 'local') return textOf(localContents(inode));
  const pieces: Uint8Array[] = [];
  let left = inode.size;
  let next = 0;
  for (const extent of extentsOf(volume, inode)) {
    if (left === 0) break;
    if (extent.at !== next || extent.isUnwritten) throw notExpected(inode, extent.at);
    next += extent.count;
    const piece = linkPiece(volume, inode, extent, left);
    left -= piece.length;
    pieces.push(piece);
  }
  if (left > 0) throw notExpected(inode, inode.size);
  return textOf(Buffer.concat(pieces));
}

/** The part of a target that one extent holds; in v5 it has a header (`struct xfs_dsymlink_hdr`). */
function linkPiece(volume: Volume, inode: Inode, extent: Extent, left: number): Uint8Array {
  const { version, blockSize } = volume.superblock;
  const isV5 = version === 5;
  // No target needs more, whatever the extent says.
  const most = Math.ceil((LONGEST_TARGET + LINK_HEADER) / blockSize) * 2;
  const length = Math.min(extent.count, most) * blockSize;
  const bytes = volume.read(extent.place, length, 'link');
  if (!isV5) return bytes.subarray(0, left);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== LINK_MAGIC) throw notExpected(inode, view.getUint32(0));
  const where = { what: 'link', place: extent.place, owner: inode.number };
  const problem = sealProblem(bytes, LINK_SEAL, volume, where);
  if (problem !== undefined) throw errorOf(problem);
  const stored = view.getUint32(8);
  if (
    stored === 0 ||
    stored > left ||
    stored > length - LINK_HEADER ||
    view.getUint32(4) !== inode.size - left
  )
    throw notExpected(inode, stored);
  return bytes.subarray(LINK_HEADER, LINK_HEADER + stored);
}

/** Contents that are in the inode. @throws GuestError where they are longer than that */
export function localContents(inode: Inode): Uint8Array {
  if (inode.size > inode.fork.length) throw notExpected(inode, inode.size);
  return inode.fork.subarray(0, inode.size);
}

function notExpected(inode: Inode, value: number | string): GuestError {
  return invalid(inode.type === 'link' ? 'link' : 'inode', inode.place, value, inode.fork.length);
}
