/**
 * Every reference to a host cluster that an image has (qcow2.txt; QEMU block/qcow2-refcount.c, calculate_refcounts),
 * handed to a receiver: countReferences.ts counts them, claims.ts collects those to certain clusters, and other rooms have
 * receivers of their own.
 *
 * An L2 table is walked once, however many L1 entries name it: nothing keeps millions of them from naming the same.
 */
import { swapWords } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import { firstOf, SCRATCH_SIZE, withScratch } from '../image/scratch';
import type { EntryVisitor } from '../image/tableEntries';
import { Fill } from '../io/fill';
import type { Progress } from '../progress';
import {
  type ByteLength,
  type ClusterCount,
  clusterOf,
  type HostCluster,
  type HostOffset,
  plus,
} from '../units';
import { ClusterCounts } from './clusterCounts';
import type { DiskRefcounts } from './diskRefcounts';
import { forEachL1Entry, l1TablesOf, type L1Table } from './l1Tables';
import type { L2Table, ReferenceReceiver } from './referenceReceiver';
import { forEachStructure, l1EntriesOf, type L2TableVisitor } from './structures';
import { L2Walk } from './walkL2';

export class References {
  readonly #clusterSize: ByteLength;
  /** L1 entries that name the L2 table in a cluster: of the active table, and of all. */
  readonly activeTables: ClusterCounts;
  readonly allTables: ClusterCounts;
  readonly #walked: ClusterCounts;
  readonly #walk: L2Walk;
  readonly #tables: readonly L1Table[];
  #isRewound = false;

  #progress: Progress;

  /** @param clusters of the file; what refers further is not in it */
  constructor(
    readonly image: Qcow2Image,
    readonly disk: DiskRefcounts,
    readonly clusters: ClusterCount,
    progress: Progress,
  ) {
    this.#progress = progress;
    this.#clusterSize = image.header.clusterSize;
    const counts = (): ClusterCounts =>
      new ClusterCounts(image.file.name, clusters, Infinity, undefined, true);
    this.activeTables = counts();
    this.#tables = l1TablesOf(image);
    this.allTables = this.#tables.length === 1 ? this.activeTables : counts();
    this.#walked = counts();
    this.#walk = new L2Walk(image.tables.rules);
    for (const table of this.#tables) this.#countTables(table);
  }

  /** @throws FileError, CancelledError */
  forEach(receiver: ReferenceReceiver): void {
    const total = l1EntriesOf(this.#tables);
    const progress: Progress = {
      report: (done) => {
        this.#report(done, total);
      },
      checkCancelled: () => {
        this.#progress.checkCancelled();
      },
    };
    const walkOnce: L2TableVisitor = (table, offset, guest, done) => {
      // QEMU reads zeroes there.
      if (offset >= this.image.file.size) return;
      const uses = this.#usesOf(offset, table);
      if (uses === undefined) return;
      this.#progress.checkCancelled();
      this.#report(done, total);
      const snapshot = table.snapshot === undefined ? {} : { snapshot: table.snapshot };
      receiver.beginTable({ offset, guest, ...uses, ...snapshot });
      this.#walkTable(offset, receiver);
    };
    forEachStructure(this.image, this.#tables, this.disk.table, receiver, progress, walkOnce);
  }

  #countTables(table: L1Table): void {
    const visit: EntryVisitor = (_index, high, low) => {
      const cluster = this.#tableCluster(offsetOf(high, low));
      if (cluster === undefined) return;
      if (table.isActive) this.activeTables.addOne(cluster);
      if (this.allTables !== this.activeTables) this.allTables.add(cluster, 1, table.times);
    };
    forEachL1Entry(this.image.file, table, visit, () => {
      this.#progress.checkCancelled();
    });
  }

  /** The cluster of an L2 table; undefined for one that is not aligned, or not in the file. */
  #tableCluster(offset: HostOffset): HostCluster | undefined {
    return offset % this.#clusterSize === 0 && offset < this.image.file.size
      ? clusterOf(offset, this.#clusterSize)
      : undefined;
  }

  /** How often the table is named; undefined once it has been walked. */
  #usesOf(offset: HostOffset, table: L1Table): Pick<L2Table, 'times' | 'activeTimes'> | undefined {
    const cluster = this.#tableCluster(offset);
    if (cluster === undefined) return { times: table.times, activeTimes: table.isActive ? 1 : 0 };
    const times = this.allTables.of(cluster);
    if (times > 1) {
      if (this.#walked.of(cluster) !== 0) return undefined;
      this.#walked.addOne(cluster);
    }
    return { times, activeTimes: this.activeTables.of(cluster) };
  }

  #walkTable(offset: HostOffset, receiver: ReferenceReceiver): void {
    const { file, header } = this.image;
    withScratch((scratch) => {
      for (let done = 0; done < header.clusterSize; done += SCRATCH_SIZE) {
        this.#progress.checkCancelled();
        const { bytes, words } = firstOf(scratch, Math.min(SCRATCH_SIZE, header.clusterSize - done));
        const extent = file.extentAt(plus(offset, done));
        if (extent.isHole && extent.end >= offset + done + bytes.length) continue;
        file.read(bytes, plus(offset, done));
        receiver.setPiece(done / header.l2EntrySize);
        const fill = Fill.found(bytes, plus(offset, done), header.clusterSize);
        if (fill !== undefined) {
          const isInFile = offset + done + bytes.length <= file.size;
          if (isInFile) file.knownFills?.add(plus(offset, done), bytes.length, fill);
          if (this.#walk.walkFill(fill, plus(offset, done), bytes.length, receiver)) continue;
        }
        swapWords(bytes);
        this.#walk.walk(words, receiver);
      }
    });
  }

  /** Lets tables be walked again; the progress of that is not told, since it never goes back. */
  rewind(progress = this.#progress): void {
    this.#progress = progress;
    this.#walked.clear();
    this.#isRewound = true;
  }

  #report(done: number, total: number): void {
    if (!this.#isRewound) this.#progress.report(done, total);
  }
}
