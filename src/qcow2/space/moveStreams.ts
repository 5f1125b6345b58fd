/**
 * Moves streams of compressed clusters from the end of a file to free clusters before it. Host clusters cannot be moved as
 * they are: in an image that `qemu-img convert -c` has written each shares a stream with the next one. So the streams
 * move, and their sectors are packed again (packStreams.ts).
 */
import { RefcountBlocks } from '../change/refcountBlocks';
import { ClusterBits } from '../clusterSet';
import { compressedClusters, withCompressedOffset } from '../format/compressedDescriptor';
import { refcountWidth } from '../format/refcountWidth';
import { dataView } from '../format/bytes';
import type { Qcow2Image } from '../image/qcow2Image';
import type { StagedFile } from '../io/stagedFile';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { type Copying, copyRuns } from './copyClusters';
import type { FreeRuns } from './freeRuns';
import type { BatchMover } from './moveBatch';
import { type PackedStreams, packStreams, SECTOR } from './packStreams';
import type { StreamEntry } from './streams';

/** What was moved of a batch. */
export interface MovedStreams {
  readonly bytes: ByteLength;
  /** There was room for all of the batch. */
  readonly isAll: boolean;
}

/**
 * Moves the streams of a batch; where there is no room for all of them, those nearest to the file's end.
 * @param entries sorted by the places of their streams
 * @param free clusters to move to: what is used of them is taken
 * @throws EngineError as `BatchMover.move`
 */
export function moveStreams(
  mover: BatchMover,
  { header }: Qcow2Image,
  entries: readonly StreamEntry[],
  free: FreeRuns,
): MovedStreams {
  const rules = { clusterSize: header.clusterSize, maxRefcount: refcountWidth(header.refcountBits).max };
  let packed: PackedStreams | undefined;
  let first = 0;
  while (first < entries.length) {
    packed = packStreams(entries.slice(first), free, rules);
    if (packed !== undefined) break;
    first = Math.ceil((first + entries.length) / 2);
  }
  if (packed === undefined) return { bytes: 0, isAll: entries.length === 0 };
  const streams = packed;
  mover.copyAndChange(
    (copying) => {
      copySectors(copying, streams);
    },
    (staged, image) => {
      redirectStreams(staged, image, streams);
    },
  );
  const sectors = streams.moves.reduce((sum, { count }) => sum + count, 0);
  return { bytes: sectors * SECTOR, isAll: first === 0 };
}

function copySectors(copying: Copying, { moves }: PackedStreams): void {
  copyRuns(
    copying,
    moves.map(({ source, target, count }) => ({
      source: hostOffset(source * SECTOR),
      target: hostOffset(target * SECTOR),
      length: count * SECTOR,
    })),
  );
}

/** Makes the entries lead to the copies, and counts the references to old and new clusters. */
function redirectStreams(
  staged: StagedFile,
  { header }: Qcow2Image,
  { entries, shifts }: PackedStreams,
): void {
  const refcounts = new RefcountBlocks(staged, header, new ClusterBits());
  entries.forEach((entry, index) => {
    const { high, low, times, place, offset } = entry;
    const target = plus(offset, shifts[index] ?? 0);
    const now = {
      high: withCompressedOffset(high, header.clusterBits, target),
      low: target % 2 ** 32,
    };
    writeEntry(staged, place, now.high, now.low);
    const from = compressedClusters(high, low, header.clusterBits);
    const to = compressedClusters(now.high, now.low, header.clusterBits);
    for (let time = 0; time < times; time++) {
      refcounts.adjust(to.first, to.count, 1);
      refcounts.adjust(from.first, from.count, -1);
    }
  });
  refcounts.flush();
}

function writeEntry(staged: StagedFile, place: HostOffset, high: number, low: number): void {
  const bytes = new Uint8Array(8);
  const view = dataView(bytes);
  view.setUint32(0, high);
  view.setUint32(4, low);
  staged.write(bytes, place);
}
