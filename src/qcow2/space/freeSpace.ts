/** What giving free space back would come to: measured, not done. */
import type { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import { loadMakeHole } from '../io/native';
import type { Progress } from '../progress';
import {
  type ByteLength,
  type ClusterCount,
  type HostCluster,
  hostOffset,
  type HostOffset,
  startOf,
} from '../units';
import { FreeClusters } from './freeClusters';

/** Plain JSON. All of it in bytes. */
export interface FreeSpace {
  /** Clusters in the file that nothing uses; the file system may have given some of it away already. */
  readonly freeBytes: ByteLength;
  /** Storage behind them: what comes back. */
  readonly storedBytes: ByteLength;
  /** Data and holes cannot be told apart here: `storedBytes` is the most that it can be. */
  readonly isUpperBound: boolean;
  /** False where this system has no holes: only the end of the file can be cut off, and counts. */
  readonly canMakeHoles: boolean;
  readonly fileSize: ByteLength;
  /** What is left of the file when its end is cut off behind the last cluster in use. */
  readonly newFileSize: ByteLength;
  readonly allocatedBytes: ByteLength;
  /** The external data file, which is left alone: it has no refcounts to say what nothing uses. */
  readonly dataFile?: string;
}

/** Free runs between two looks at whether to go on. */
const LOOK_EVERY = 1024;

/**
 * Holes are made in whole blocks of the file system alone: elsewhere they give nothing back, but write zeroes. None of
 * the common ones has smaller blocks by default; where they are larger, less comes back.
 */
export const BLOCK = 4096;

export interface BlockRange {
  /** Bytes from the start of the file. */
  readonly start: HostOffset;
  readonly end: HostOffset;
}

/** The whole blocks of a stretch of clusters; the end is not behind the start where it has none. */
export function blocksOf(clusterSize: ByteLength, first: HostCluster, count: ClusterCount): BlockRange {
  const start = hostOffset(Math.ceil((first * clusterSize) / BLOCK) * BLOCK);
  return { start, end: hostOffset(Math.floor(((first + count) * clusterSize) / BLOCK) * BLOCK) };
}

export function newSizeOf({ file, header }: Qcow2Image, free: FreeClusters): ByteLength {
  return Math.min(file.size, free.end * header.clusterSize);
}

/**
 * @throws FormatError `guard.unsound`, UnsupportedError, FileError, CancelledError
 */
export function measureFreeSpace(image: Qcow2Image, progress: Progress): FreeSpace {
  const { file, header } = image;
  const { clusterSize } = header;
  const free = FreeClusters.of(image, progress);
  const newFileSize = newSizeOf(image, free);
  const canMakeHoles = loadMakeHole() !== null;
  let freeBytes = 0;
  let storedBytes = 0;
  let runs = 0;
  free.forEachRun((first, count) => {
    if (++runs % LOOK_EVERY === 0) {
      progress.report(first, free.end);
      progress.checkCancelled();
    }
    const start = startOf(first, clusterSize);
    const end = hostOffset(Math.min(file.size, start + count * clusterSize));
    freeBytes += end - start;
    if (first >= free.end) storedBytes += storedBetween(file, { start: hostOffset(newFileSize), end });
    else if (canMakeHoles) storedBytes += storedBetween(file, blocksOf(clusterSize, first, count));
    return true;
  });
  return {
    freeBytes,
    // Preallocated space counts as a hole, and what is not written yet as data: never more than there is.
    storedBytes: Math.min(storedBytes, file.allocatedBytes),
    isUpperBound: !file.knowsHoles,
    canMakeHoles,
    fileSize: file.size,
    newFileSize,
    allocatedBytes: file.allocatedBytes,
    ...dataFileOf(image),
  };
}

export const dataFileOf = ({ hasDataFile, dataFileName }: Qcow2Image): { readonly dataFile?: string } =>
  hasDataFile && dataFileName !== undefined ? { dataFile: dataFileName } : {};

/** Bytes of data in a stretch; all of it where holes are not known. */
function storedBetween(file: BlockFile, { start, end }: BlockRange): number {
  let stored = 0;
  for (let at = start; at < end;) {
    const extent = file.extentAt(at);
    const stop = hostOffset(Math.min(end, extent.end));
    if (!extent.isHole) stored += stop - at;
    at = stop;
  }
  return stored;
}
