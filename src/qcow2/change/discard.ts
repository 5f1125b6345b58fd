/**
 * Discard: whole clusters are given back and read as zero afterwards. Parts of clusters are left alone, except the last
 * cluster of a disk that ends within it. Version 2 cannot hide a backing file, so such clusters are left alone too.
 */
import {
  type ByteLength,
  clusterOf,
  guestCluster,
  guestOffset,
  type GuestOffset,
  plus,
  startOf,
} from '../units';
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
  start: GuestOffset,
  length: ByteLength,
  options: DiscardOptions = { full: false },
): Change {
  const writer = new ImageWriter(context);
  writer.checkRange(start, length);
  const { size, clusterSize, version } = writer.header;
  const end = plus(start, length);
  const first = guestCluster(Math.ceil(start / clusterSize));
  const last =
    end === guestOffset(size) ? guestCluster(Math.ceil(end / clusterSize)) : clusterOf(end, clusterSize);
  if (first >= last) {
    if (length > 0) countParts(writer, start, end);
    return writer.finish('discard', start, length);
  }
  countParts(writer, start, startOf(first, clusterSize));
  const wholeEnd = guestOffset(Math.min(end, last * clusterSize));
  const situation = { version, hasBacking: context.image.namesBacking, full: options.full };
  if (version === 2 && situation.hasBacking && !options.full) {
    writer.tally.add('kept.version2Backing', last - first, wholeEnd - first * clusterSize);
  } else {
    const outcomes = outcomeTable((kind) => decideDiscard(kind, situation));
    new EntryChanger(writer, { outcomes, fallback: false }).changeClusters(first, last, { start, end });
    zeroRawData(writer, startOf(first, clusterSize), wholeEnd);
  }
  countParts(writer, wholeEnd, end);
  return writer.finish('discard', start, length);
}

/** Counts what is only a part of a cluster, or of two. */
function countParts({ header, tally }: ImageWriter, start: GuestOffset, end: GuestOffset): void {
  if (start >= end) return;
  const { clusterSize } = header;
  const clusters = Math.ceil(end / clusterSize) - Math.floor(start / clusterSize);
  tally.add('kept.partialCluster', clusters, end - start);
}
