/**
 * Write zeroes: the guest reads zeroes in a range, and as little as possible is written for it. The range falls into a
 * head, whole clusters, and a tail. Whole clusters are zeroed by their entries (`decide`); a head or tail is treated as
 * whole where the rest of its (sub)cluster is known to be zero already, and written as zeroes otherwise.
 */
import { RunKind } from '../image/layer';
import {
  alignDown,
  type ByteLength,
  clusterOf,
  guestCluster,
  guestOffset,
  type GuestOffset,
  plus,
} from '../units';
import type { Change, ChangeContext, ZeroOptions } from './context';
import { decideZero, outcomeTable } from './decide';
import { EntryChanger, type EntryPlan, type GuestRange } from './entryChanger';
import { ImageWriter } from './imageWriter';
import { isKnownZero } from './knownZero';
import { zeroRawData } from './rawData';

/**
 * Zeroes `length` guest bytes from `start` on.
 * @throws ArgumentError for bytes beyond the end of the disk; UnsupportedError where only explicit zeroes would do and
 *   they are not allowed, or the image is encrypted; RefusedError where a backing or data file that is not open is
 *   needed; FormatError, FileError, CancelledError
 */
export function writeZeroes(
  context: ChangeContext,
  start: GuestOffset,
  length: ByteLength,
  options: ZeroOptions,
): Change {
  const writer = new ImageWriter(context);
  writer.checkRange(start, length);
  if (length > 0) new Zeroing(writer, options, { start, end: plus(start, length) }).zero();
  return writer.finish('writeZeroes', start, length);
}

class Zeroing {
  readonly #changer: EntryChanger;
  /** Bytes of a subcluster; of a cluster, without extended L2. */
  readonly #granularity: ByteLength;

  constructor(
    readonly writer: ImageWriter,
    options: ZeroOptions,
    readonly request: GuestRange,
  ) {
    this.#changer = new EntryChanger(writer, planOf(writer.context, options));
    this.#granularity = writer.header.subclusterSize;
  }

  zero(): void {
    const { start, end } = this.request;
    const { size } = this.writer.header;
    const granularity = this.#granularity;
    const headEnd = guestOffset(Math.min(end, Math.ceil(start / granularity) * granularity));
    // At the end of the disk the last one counts as whole.
    const stop = end === guestOffset(size) ? end : alignDown(end, granularity);
    if (headEnd > start) this.#zeroPart(start, headEnd);
    if (stop > headEnd) this.#zeroSubclusters(headEnd, stop);
    const tail = guestOffset(Math.max(headEnd, stop));
    if (end > tail) this.#zeroPart(tail, end);
    zeroRawData(this.writer, start, end);
  }

  /** Zeroes bytes within one subcluster. */
  #zeroPart(start: GuestOffset, end: GuestOffset): void {
    const granularity = this.#granularity;
    const first = alignDown(start, granularity);
    const last = plus(first, granularity);
    const { layers } = this.writer;
    const isRestZero = isKnownZero(layers, first, start) && isKnownZero(layers, end, last);
    if (isRestZero && !this.#hasData(first)) this.#zeroSubclusters(first, last);
    else this.#changer.writeExplicitZeroes(start, end, 'partialCluster');
  }

  /** Whether the image itself has data for the subcluster that begins at `guest`. */
  #hasData(guest: GuestOffset): boolean {
    let hasData = false;
    const [image] = this.writer.layers;
    image.forEachRun(guest, plus(guest, 1), (_start, _length, kind) => {
      hasData = kind === RunKind.data || kind === RunKind.compressed;
      return false;
    });
    return hasData;
  }

  /** Zeroes whole subclusters: those of whole clusters by their entries, others by their bits. */
  #zeroSubclusters(start: GuestOffset, end: GuestOffset): void {
    const { clusterSize, size } = this.writer.header;
    const wholeStart = Math.ceil(start / clusterSize) * clusterSize;
    const wholeEnd = end >= size ? end : Math.floor(end / clusterSize) * clusterSize;
    if (start < wholeStart) this.#zeroBits(start, guestOffset(Math.min(end, wholeStart)));
    if (wholeStart < wholeEnd) {
      const [first, last] = [wholeStart / clusterSize, Math.ceil(wholeEnd / clusterSize)];
      this.#changer.changeClusters(guestCluster(first), guestCluster(last), this.request);
    }
    const rest = guestOffset(Math.max(wholeStart, wholeEnd));
    if (rest < end) this.#zeroBits(rest, end);
  }

  /** Zeroes some subclusters of one cluster. */
  #zeroBits(start: GuestOffset, end: GuestOffset): void {
    const { clusterSize } = this.writer.header;
    const granularity = this.#granularity;
    const cluster = clusterOf(start, clusterSize);
    const first = (start - cluster * clusterSize) / granularity;
    const last = Math.ceil((end - cluster * clusterSize) / granularity);
    this.#changer.zeroSubclusters(cluster, first, last, this.request);
  }
}

function planOf({ image }: ChangeContext, options: ZeroOptions): EntryPlan {
  const { unmap, fallback, policy, thorough } = options;
  const situation = {
    version: image.header.version,
    hasBacking: image.namesBacking,
    unmap,
    fallback,
    policy,
  };
  const looksBelow = thorough && unmap && image.namesBacking && policy === 'unallocate';
  const overZero = { ...situation, hasBacking: false };
  return {
    outcomes: outcomeTable((kind) => decideZero(kind, situation)),
    ...(looksBelow ? { outcomesOverZero: outcomeTable((kind) => decideZero(kind, overZero)) } : {}),
    fallback,
  };
}
