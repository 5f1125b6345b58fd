/**
 * Where data clusters that move are referred to: entries of L2 tables, those of the disk, of snapshots, and of VM state
 * past the disk's end alike; a table that several L1 entries name is there once. One walk finds the entries of as many
 * batches as memory allows, beginning with the one that is moved first.
 */
import { DiskRefcounts } from '../check/diskRefcounts';
import { References } from '../check/references';
import { TableReceiver } from '../check/tableReceiver';
import { offsetOf } from '../format/entryBits';
import { entryKind, hasHostCluster } from '../format/l2Kind';
import type { Qcow2Image } from '../image/qcow2Image';
import type { Progress } from '../progress';
import { type ClusterCount, clusterOf, hostCluster, type HostCluster, type HostOffset, plus } from '../units';
import { PlaceList } from './placeList';
import type { UnitMoves } from './unitMoves';

/** Bytes of places that are kept at a time; those of one batch are kept whatever they take. */
const BUDGET = 16 * 1024 * 1024;
/** Bytes of a place that is not in a row with others. */
const PLACE_BYTES = 16;

export class DataPlaces extends TableReceiver {
  readonly #moves: UnitMoves;
  readonly #lists: (PlaceList | undefined)[];
  /** Batches from here on have their places. */
  #from = 0;
  #bytes = 0;
  readonly #budget: number;

  /**
   * Looks for the places of the last batches below `end`.
   * @throws FileError, CancelledError
   */
  static of(
    image: Qcow2Image,
    moves: UnitMoves,
    end: number,
    progress: Progress,
    budget = BUDGET,
  ): DataPlaces {
    const { file, header } = image;
    const clusters = Math.ceil(file.size / header.clusterSize);
    const places = new DataPlaces(image, moves, end, budget);
    const disk = new DiskRefcounts(file, header, clusters, true);
    new References(image, disk, clusters, progress).forEach(places);
    return places;
  }

  private constructor(image: Qcow2Image, moves: UnitMoves, end: number, budget: number) {
    super(image);
    this.#moves = moves;
    this.#budget = budget;
    // What is found and dropped again is garbage for a while: as many batches as fit if nothing is in a row.
    const fitting = Math.floor(budget / PLACE_BYTES / moves.most);
    this.#from = Math.max(0, end - Math.max(1, fitting));
    this.#lists = new Array<PlaceList | undefined>(end).fill(undefined);
  }

  /** The lowest batch whose places are here. */
  get from(): number {
    return this.#from;
  }

  /** @param batch from `from` to below the end that was asked for */
  listOf(batch: number): PlaceList {
    return this.#lists[batch] ?? new PlaceList(this.image.header.l2EntrySize);
  }

  override run(index: number, count: number, host: HostOffset): void {
    const cluster = clusterOf(host, this.clusterSize);
    this.#moves.forEachSource(cluster, count, (first, length) => {
      this.#add(index + first - cluster, first, length);
    });
  }

  override single(index: number, high: number, low: number): void {
    const { rules } = this.image.tables;
    if (rules.hasDataFile || !hasHostCluster(entryKind(rules, high, low))) return;
    this.run(index, 1, offsetOf(high, low));
  }

  /** Adds the entries of clusters in a row, which may be of several batches. */
  #add(index: number, first: HostCluster, count: ClusterCount): void {
    for (let done = 0; done < count;) {
      const cluster = hostCluster(first + done);
      const batch = this.#moves.batchOf(cluster);
      const step = Math.min(count - done, this.#moves.endOf(batch) - cluster);
      if (batch >= this.#from && batch < this.#lists.length) this.#addTo(batch, index + done, step);
      done += step;
    }
  }

  #addTo(batch: number, index: number, count: number): void {
    const { l2EntrySize } = this.image.header;
    const before = this.#lists[batch]?.bytes ?? 0;
    const list = (this.#lists[batch] ??= new PlaceList(l2EntrySize));
    list.add(plus(this.table.offset, this.entryOf(index) * l2EntrySize), count);
    this.#bytes += list.bytes - before;
    while (this.#bytes > this.#budget && this.#from < this.#lists.length - 1) {
      this.#bytes -= this.#lists[this.#from]?.bytes ?? 0;
      this.#lists[this.#from++] = undefined;
    }
  }
}
