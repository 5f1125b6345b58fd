/** Copies host clusters to free ones, straight on disk: nothing refers to what is written. */
import { FileError } from '../errors';
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
  /** Room on the file system. */
  readonly freeBytes: ByteLength;
  /** Of `PIECE` bytes. */
  readonly buffer: Uint8Array;
  /** Called before something is written. */
  readonly onWriting: () => void;
}

export const copyBuffer = (): Uint8Array => new Uint8Array(PIECE);

/** Bytes that are copied, from the start of the file. */
export interface CopyRun {
  readonly source: HostOffset;
  readonly target: HostOffset;
  readonly length: ByteLength;
}

/** @throws as `copyRuns` */
export function copyClusters(copying: Copying, { sources, targets }: MoveBatch): void {
  const { clusterSize } = copying;
  const runs: CopyRun[] = [];
  for (let at = 0; at < sources.length;) {
    const [source = 0, target = 0] = [sources[at], targets[at]];
    let count = 1;
    while (sources[at + count] === source + count && targets[at + count] === target + count) count++;
    const place = (cluster: number): HostOffset => hostOffset(cluster * clusterSize);
    runs.push({ source: place(source), target: place(target), length: count * clusterSize });
    at += count;
  }
  copyRuns(copying, runs);
}

/**
 * Copies to free clusters, and makes the copies stable.
 * @throws FileError `compact.space` where there is no room for them; FileError, CancelledError; nothing that is in use was
 *   changed then
 */
export function copyRuns(copying: Copying, runs: readonly CopyRun[]): void {
  refuseWithoutRoom(copying, runs);
  copying.onWriting();
  let waiting = 0;
  for (const { source, target, length } of runs) {
    copying.progress.checkCancelled();
    copyStretch(copying, source, target, length);
    waiting += length;
    if (waiting < FLUSH_AHEAD) continue;
    copying.to.startFlush();
    waiting = 0;
  }
  copying.to.flush();
}

/** A copy that does not fit would fill the file system before it fails. */
function refuseWithoutRoom({ from, freeBytes }: Copying, runs: readonly CopyRun[]): void {
  let most = runs.reduce((sum, { length }) => sum + length, 0);
  // Where that is enough, holes need not be looked for.
  if (most <= freeBytes) return;
  for (const { target, length } of runs) most -= storedBytes(from, target, length);
  if (most > freeBytes) throw new FileError(from.name, 'compact.space', { value: most, limit: freeBytes });
}

function storedBytes(file: BlockFile, offset: HostOffset, length: ByteLength): ByteLength {
  const end = plus(offset, length);
  let stored = 0;
  for (let at = offset; at < end;) {
    const extent = file.extentAt(at);
    const stop = hostOffset(Math.min(end, extent.end));
    if (!extent.isHole) stored += stop - at;
    at = stop;
  }
  return stored;
}

function copyStretch(
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
