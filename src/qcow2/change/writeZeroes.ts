/**
 * Write zeroes: the guest reads zeroes in a range, and as little as possible is written for it. The range falls into a
 * head, whole clusters, and a tail. Whole clusters are zeroed by their entries (`decide`); a head or tail is treated as
 * whole where the rest of its (sub)cluster is known to be zero already, and written as zeroes otherwise.
 */
import { RunKind } from '../image/layer';
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
  start: number,
  length: number,
  options: ZeroOptions,
): Change {
  const writer = new ImageWriter(context);
  writer.checkRange(start, length);
  if (length > 0) new Zeroing(writer, options, { start, end: start + length }).zero();
  return writer.finish('writeZeroes', start, length);
}

class Zeroing {
  readonly #changer: EntryChanger;
  /** Bytes of a subcluster; of a cluster, without extended L2. */
  readonly #granularity: number;

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
    const headEnd = Math.min(end, Math.ceil(start / granularity) * granularity);
    // At the end of the disk the last one counts as whole.
    const stop = end === size ? end : Math.floor(end / granularity) * granularity;
    if (headEnd > start) this.#zeroPart(start, headEnd);
    if (stop > headEnd) this.#zeroSubclusters(headEnd, stop);
    const tail = Math.max(headEnd, stop);
    if (end > tail) this.#zeroPart(tail, end);
    zeroRawData(this.writer, start, end);
  }

  /** Zeroes bytes within one subcluster. */
  #zeroPart(start: number, end: number): void {
    const granularity = this.#granularity;
    const first = Math.floor(start / granularity) * granularity;
    const last = first + granularity;
    const { layers } = this.writer;
    const isRestZero = isKnownZero(layers, first, start) && isKnownZero(layers, end, last);
    if (isRestZero && !this.#hasData(first)) this.#zeroSubclusters(first, last);
    else this.#changer.writeExplicitZeroes(start, end, 'partialCluster');
  }

  /** Whether the image itself has data for the subcluster that begins at `guest`. */
  #hasData(guest: number): boolean {
    let hasData = false;
    this.writer.layers[0]!.forEachRun(guest, guest + 1, (_start, _length, kind) => {
      hasData = kind === RunKind.data || kind === RunKind.compressed;
      return false;
    });
    return hasData;
  }

  /** Zeroes whole subclusters: those of whole clusters by their entries, others by their bits. */
  #zeroSubclusters(start: number, end: number): void {
    const { clusterSize, size } = this.writer.header;
    const wholeStart = Math.ceil(start / clusterSize) * clusterSize;
    const wholeEnd = end >= size ? end : Math.floor(end / clusterSize) * clusterSize;
    if (start < wholeStart) this.#zeroBits(start, Math.min(end, wholeStart));
    if (wholeStart < wholeEnd) {
      const [first, last] = [wholeStart / clusterSize, Math.ceil(wholeEnd / clusterSize)];
      this.#changer.changeClusters(first, last, this.request);
    }
    const rest = Math.max(wholeStart, wholeEnd);
    if (rest < end) this.#zeroBits(rest, end);
  }

  /** Zeroes some subclusters of one cluster. */
  #zeroBits(start: number, end: number): void {
    const { clusterSize } = this.writer.header;
    const granularity = this.#granularity;
    const cluster = Math.floor(start / clusterSize);
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
