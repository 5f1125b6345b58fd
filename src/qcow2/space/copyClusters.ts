/** Copies host clusters to free ones, straight on disk: nothing refers to what is written. */
import { firstBytes } from '../image/scratch';
import type { BlockFile } from '../io/blockFile';
import type { Progress } from '../progress';
import type { MutableFile } from '../save/disk';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import type { MoveBatch } from './unitMoves';

/** Bytes copied at a time. */
const PIECE = 1024 * 1024;
/** Bytes that the disk is given to write before all are there. */
const FLUSH_AHEAD = 8 * 1024 * 1024;

export interface Copying {
  /** The file as it was before. */
  readonly from: BlockFile;
  readonly to: MutableFile;
  readonly clusterSize: ByteLength;
  readonly progress: Progress;
  /** Of `PIECE` bytes. */
  readonly buffer: Uint8Array;
}

export const copyBuffer = (): Uint8Array => new Uint8Array(PIECE);

/**
 * Copies the clusters of a batch, and makes the copies stable.
 * @throws FileError, CancelledError; nothing that is in use was changed then
 */
export function copyClusters(copying: Copying, { sources, targets }: MoveBatch): void {
  const { to, clusterSize } = copying;
  let waiting = 0;
  for (let at = 0; at < sources.length;) {
    copying.progress.checkCancelled();
    const [source = 0, target = 0] = [sources[at], targets[at]];
    let count = 1;
    while (sources[at + count] === source + count && targets[at + count] === target + count) count++;
    const length = count * clusterSize;
    copyStretch(copying, hostOffset(source * clusterSize), hostOffset(target * clusterSize), length);
    at += count;
    waiting += length;
    if (waiting < FLUSH_AHEAD) continue;
    to.startFlush();
    waiting = 0;
  }
  to.flush();
}

/**
 * Copies bytes to where nothing refers to.
 * @param source @param target bytes from the start of the file
 * @throws FileError
 */
export function copyStretch(
  { from, to, buffer }: Copying,
  source: HostOffset,
  target: HostOffset,
  length: ByteLength,
): void {
  for (let done = 0; done < length;) {
    const extent = from.extentAt(plus(source, done));
    const end = Math.min(length, extent.end - source);
    // A hole stays one where that is possible, and reads as zeroes everywhere.
    if (
      extent.isHole &&
      (isHole(from, plus(target, done), end - done) || to.makeHole(plus(target, done), end - done))
    ) {
      done = end;
      continue;
    }
    const step = Math.min(PIECE, end - done);
    const bytes = firstBytes(buffer, step);
    if (extent.isHole) bytes.fill(0);
    else from.read(bytes, plus(source, done));
    to.write(bytes, plus(target, done));
    done += step;
  }
}

function isHole(file: BlockFile, offset: HostOffset, length: ByteLength): boolean {
  const extent = file.extentAt(offset);
  return extent.isHole && extent.end >= offset + length;
}
