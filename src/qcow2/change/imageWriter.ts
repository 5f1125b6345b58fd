/** Everything that one change of one image needs, made for it and thrown away after it. */
import { hex } from '../../text/hex';
import { ArgumentError, RefusedError } from '../errors';
import type { Header } from '../format/header';
import { EntryReader } from '../image/entryReader';
import type { Layers } from '../image/layer';
import { Qcow2Image } from '../image/qcow2Image';
import type { WritableFile } from '../io/writableFile';
import { type ByteLength, type GuestOffset, plus } from '../units';
import { Allocator } from './allocator';
import { clearUnknownAutoclear } from './autoclear';
import { markBitmaps } from './bitmaps';
import type { Change, ChangeContext } from './context';
import { L2Tables } from './l2Tables';
import { TallyCounter, type ChangeTally } from './tally';

export class ImageWriter {
  readonly header: Header;
  readonly tally = new TallyCounter();
  readonly allocator: Allocator;
  readonly tables: L2Tables;
  readonly entries: EntryReader;
  /** Data was written, in place or to new clusters. */
  hasWrittenData = false;
  #layers: Layers;
  /** `tables.writes` when the top of `#layers` was opened. */
  #openedAt = 0;

  constructor(readonly context: ChangeContext) {
    this.header = context.image.header;
    this.allocator = new Allocator(context, this.tally);
    this.tables = new L2Tables(context, this.allocator, this.tally);
    this.entries = new EntryReader(context.image.tables.rules);
    this.#layers = context.layers;
  }

  /** Where guest data is written. */
  get dataFile(): WritableFile {
    const { image, file, dataFile } = this.context;
    if (!image.hasDataFile) return file;
    if (dataFile !== undefined) return dataFile;
    throw new RefusedError(file.name, 'dataFile.notOpen', { value: image.dataFileName ?? '' });
  }

  /** The chain as it is now: an open image remembers tables, so it is opened again after they were written. */
  get layers(): Layers {
    if (this.#openedAt !== this.tables.writes) {
      const { file, dataFile, image } = this.context;
      this.#layers = [Qcow2Image.open(file, { dataFile, former: image }), ...this.#layers.slice(1)];
      this.#openedAt = this.tables.writes;
    }
    return this.#layers;
  }

  /** @throws ArgumentError for guest bytes beyond the end of the disk */
  checkRange(start: GuestOffset, length: ByteLength): void {
    const { size } = this.header;
    if (start >= 0 && length >= 0 && start + length <= size) return;
    throw new ArgumentError(this.context.file.name, 'read.range', {
      offset: start,
      value: hex(start + length),
      limit: size,
    });
  }

  /** Reports that a change of the guest bytes from `start` to `end` is at `at`, which may lie past them. */
  checkProgress(start: GuestOffset, at: number, end: GuestOffset): void {
    this.context.progress.checkCancelled();
    this.context.progress.report(Math.min(at, end) - start, end - start);
  }

  /**
   * Does what every change of the guest bytes from `start` on has to do at the end.
   * @param seen ranges that may read otherwise than before: dirty bitmaps need to know of these
   */
  finish(
    operation: ChangeTally['operation'],
    start: GuestOffset,
    length: ByteLength,
    seen: readonly (readonly [start: GuestOffset, end: GuestOffset])[] = [[start, plus(start, length)]],
  ): Change {
    const { context, tally, allocator } = this;
    const changed = this.tables.writes > 0 || this.hasWrittenData;
    if (changed) {
      markBitmaps(context, allocator, tally, seen);
      tally.autoclearBitsCleared = clearUnknownAutoclear(context.file, context.image.features);
    }
    allocator.finish();
    const { freed, allocated } = allocator;
    const counts = { changed, freedClusters: freed.count, allocatedClusters: allocated.count };
    const facts = { operation, start, length, ...counts };
    return { tally: tally.finish(facts, this.header.clusterSize), freed, allocated };
  }
}
