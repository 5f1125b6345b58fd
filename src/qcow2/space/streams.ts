/**
 * Streams of compressed clusters that touch the end of a file, and the L2 entries that lead to them (qcow2.txt,
 * "Compressed Clusters Descriptor"). As of data (dataPlaces.ts), one walk finds those of as many batches as memory allows.
 */
import { DiskRefcounts } from '../check/diskRefcounts';
import { References } from '../check/references';
import { TableReceiver } from '../check/tableReceiver';
import { compressedClusters, compressedRegion } from '../format/compressedDescriptor';
import { EntryKind, entryKind } from '../format/l2Kind';
import type { Qcow2Image } from '../image/qcow2Image';
import type { Progress } from '../progress';
import { type ByteLength, hostCluster, type HostCluster, type HostOffset } from '../units';
import type { Stretches } from './stretches';

/** An entry and the stream that it leads to; several entries may lead to the same. */
export interface StreamEntry {
  /** Of the entry. */
  readonly place: HostOffset;
  /** Words of the entry. */
  readonly high: number;
  readonly low: number;
  /** L1 entries that name the entry's table. */
  readonly times: number;
  /** Of the stream, from its first byte to the end of its last sector. */
  readonly offset: HostOffset;
  readonly size: ByteLength;
}

/** Entries that are kept at a time; those of one batch are kept however many there are. */
const BUDGET = 128 * 1024;

export class StreamsByBatch extends TableReceiver {
  readonly #batches: Stretches;
  readonly #end: HostCluster;
  readonly #entries: StreamEntry[][];
  #from = 0;
  #count = 0;

  /**
   * Looks for the streams that end in one of the first `count` batches.
   * @param batches of clusters that streams touch, from `end` on
   * @throws FileError, CancelledError
   */
  static of(
    image: Qcow2Image,
    batches: Stretches,
    count: number,
    end: HostCluster,
    progress: Progress,
  ): StreamsByBatch {
    const { file, header } = image;
    const clusters = Math.ceil(file.size / header.clusterSize);
    const found = new StreamsByBatch(image, batches, count, end);
    const disk = new DiskRefcounts(file, header, clusters, true);
    new References(image, disk, clusters, progress).forEach(found);
    return found;
  }

  private constructor(image: Qcow2Image, batches: Stretches, count: number, end: HostCluster) {
    super(image);
    this.#batches = batches;
    this.#end = end;
    this.#entries = Array.from({ length: count }, () => []);
  }

  /** The lowest batch whose streams are here. */
  get from(): number {
    return this.#from;
  }

  /** The entries of a batch by the places of their streams, ascending. */
  entriesOf(batch: number): readonly StreamEntry[] {
    const entries = this.#entries[batch] ?? [];
    return entries.sort((one, other) => one.offset - other.offset || one.size - other.size);
  }

  override run(): void {
    // Data.
  }

  override single(index: number, high: number, low: number): void {
    const { rules } = this.image.tables;
    if (entryKind(rules, high, low) !== EntryKind.compressed) return;
    const { first, count } = compressedClusters(high, low, rules.clusterBits);
    const last = hostCluster(first + count - 1);
    if (last < this.#end) return;
    const batch = this.#batches.indexOf(last);
    const entries = this.#entries[batch];
    if (batch < this.#from || entries === undefined) return;
    const { times } = this.table;
    const region = compressedRegion(high, low, rules.clusterBits);
    entries.push({ place: this.place(index).at, high, low, times, ...region });
    this.#count++;
    while (this.#count > BUDGET && this.#from < this.#entries.length - 1) {
      this.#count -= this.#entries[this.#from]?.length ?? 0;
      this.#entries[this.#from++] = [];
    }
  }
}
