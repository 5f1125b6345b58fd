/**
 * Discard: whole clusters are given back and read as zero afterwards. Parts of clusters are left alone, but for a last
 * one that is incomplete itself; version 2 over a backing file could not hide what that has, and is left alone, too.
 */
import type { Change, ChangeContext, DiscardOptions } from './context';
import { decideDiscard, outcomeTable } from './decide';
import { EntryChanger } from './entryChanger';
import { ImageWriter } from './imageWriter';
import { zeroRawData } from './rawData';

/**
 * Discards the whole clusters in the `length` guest bytes from `start` on.
 * @throws ArgumentError for bytes beyond the end of the disk; FormatError, FileError, CancelledError
 */
export function discard(
  context: ChangeContext,
  start: number,
  length: number,
  options: DiscardOptions = { full: false },
): Change {
  const writer = new ImageWriter(context);
  writer.checkRange(start, length);
  const { size, clusterSize, version } = writer.header;
  const end = start + length;
  const first = Math.ceil(start / clusterSize);
  const last = end === size ? Math.ceil(end / clusterSize) : Math.floor(end / clusterSize);
  if (first >= last) {
    if (length > 0) countParts(writer, start, end);
    return writer.finish('discard', start, length);
  }
  countParts(writer, start, first * clusterSize);
  const wholeEnd = Math.min(end, last * clusterSize);
  const situation = { version, hasBacking: context.image.namesBacking, full: options.full };
  if (version === 2 && situation.hasBacking && !options.full) {
    writer.tally.add('kept.version2Backing', last - first, wholeEnd - first * clusterSize);
  } else {
    const outcomes = outcomeTable((kind) => decideDiscard(kind, situation));
    new EntryChanger(writer, { outcomes, fallback: false }).changeClusters(first, last, { start, end });
    zeroRawData(writer, first * clusterSize, wholeEnd);
  }
  countParts(writer, wholeEnd, end);
  return writer.finish('discard', start, length);
}

/** Counts what is only a part of a cluster, or of two. */
function countParts({ header, tally }: ImageWriter, start: number, end: number): void {
  if (start >= end) return;
  const { clusterSize } = header;
  const clusters = Math.ceil(end / clusterSize) - Math.floor(start / clusterSize);
  tally.add('kept.partialCluster', clusters, end - start);
}
