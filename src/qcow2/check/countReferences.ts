/**
 * The first pass of the check: counts references, keeps the statistics, and finds what is wrong with entries, each
 * as QEMU does (block/qcow2-refcount.c, check_refcounts_l1, check_refcounts_l2, check_oflag_copied, check_refblocks).
 */
import { hex } from '../../text/hex';
import { isBrokenBitmapEntry } from '../format/bitmapEntry';
import { HIGH, LOW, entryHex } from '../format/bytes';
import { compressedRegion, onlyCluster } from '../format/compressedDescriptor';
import {
  COPIED_HIGH,
  hasAny,
  L1_RESERVED,
  L2_RESERVED,
  offsetOf,
  REFCOUNT_TABLE_RESERVED,
  ZERO_LOW,
} from '../format/entryBits';
import { EntryKind, entryKind, showsHostCluster } from '../format/l2Kind';
import type { Qcow2Image } from '../image/qcow2Image';
import {
  type ByteLength,
  type ClusterCount,
  clusterOf,
  guestOffset,
  type GuestOffset,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
  rawHostOffset,
  startOf,
} from '../units';
import { ClusterCounts } from './clusterCounts';
import type { DiskRefcounts } from './diskRefcounts';
import type { Findings } from './findings';
import type { FindingFacts } from '../finding';
import type { FindingKind, Structure } from '../findingText';
import type { L1Table } from './l1Tables';
import { SnapshotLosses } from './missing';
import type { L2Table, Place, ReferenceReceiver } from './referenceReceiver';
import { isSoundCompressed } from './walkL2';

/** What the active layer has, as `qemu-img check` counts it. Clusters. */
export interface Statistics {
  allocatedClusters: ClusterCount;
  fragmentedClusters: ClusterCount;
  compressedClusters: ClusterCount;
}

export class ReferenceCounter implements ReferenceReceiver {
  readonly counts: ClusterCounts;
  readonly statistics: Statistics = { allocatedClusters: 0, fragmentedClusters: 0, compressedClusters: 0 };
  /** Stretches of clusters, as [first, count], of structures that nothing else may refer to. */
  readonly exclusive: (readonly [first: number, count: number])[] = [];
  readonly snapshotLosses: SnapshotLosses;
  readonly #clusterSize: ByteLength;
  readonly #clusterBits: number;
  readonly #fileEnd: number;
  #table: L2Table = { offset: hostOffset(0), times: 0, activeTimes: 0, guest: guestOffset(0) };
  /** How often COPIED flags of the table count; 0 where nothing is known about them. */
  #copiedTimes = 0;
  #piece = 0;
  /** Where the next cluster would have to be for the disk not to be fragmented there; 0 at a table's start. */
  #contiguous = 0;

  /** @param clusters of the file */
  constructor(
    readonly image: Qcow2Image,
    readonly disk: DiskRefcounts,
    readonly clusters: ClusterCount,
    readonly findings: Findings,
  ) {
    const { clusterBits, clusterSize, refcountBits } = image.header;
    this.#clusterBits = clusterBits;
    this.#clusterSize = clusterSize;
    this.snapshotLosses = new SnapshotLosses(image);
    // QEMU measures files in sectors.
    this.#fileEnd = Math.ceil(image.file.size / 512) * 512;
    // A region that is not aligned may reach into the cluster behind the last one.
    const largest = refcountBits === 64 ? Infinity : 2 ** refcountBits - 1;
    this.counts = new ClusterCounts(image.file.name, clusters + 1, largest, (cluster, excess) => {
      this.findings.add(
        'refcountOverflow',
        { host: startOf(cluster, clusterSize), expected: largest },
        excess,
      );
    });
  }

  /** Clusters whose refcounts are compared. */
  get knownClusters(): number {
    return this.counts.of(hostCluster(this.clusters)) > 0 ? this.clusters + 1 : this.clusters;
  }

  region(structure: Structure, offset: HostOffset, size: ByteLength, times: number, place: Place): void {
    if (size <= 0) return;
    const isBeyond = offset + size - this.#fileEnd >= this.#clusterSize;
    // QEMU does not count a small table of which nothing is there.
    if (isBeyond || offset >= this.#fileEnd) this.snapshotLosses.add(structure, offset, size, place);
    if (isBeyond) {
      const facts = { structure, host: offset, size, expected: this.#fileEnd, ...place };
      this.findings.add('beyondFile', facts, times);
      return;
    }
    const first = Math.floor(offset / this.#clusterSize);
    const count = Math.floor((offset + size - 1) / this.#clusterSize) - first + 1;
    this.counts.add(first, count, times);
    if (structure !== 'L2 table' && structure !== 'compressed data' && structure !== 'data') {
      this.exclusive.push([first, count]);
    }
  }

  l1Entry(table: L1Table, index: number, high: number, low: number): void {
    const offset = offsetOf(high, low);
    const add = (kind: FindingKind, times: number, more: FindingFacts = {}): void => {
      if (this.findings.isFull(kind)) {
        this.findings.count(kind, times);
        return;
      }
      const facts = {
        at: plus(table.offset, index * 8),
        found: entryHex(high, low),
        guest: guestOffset(index * this.image.header.l2Span),
        host: offset,
        ...(table.snapshot === undefined ? {} : { snapshot: table.snapshot }),
      };
      this.findings.add(kind, { ...facts, ...more }, times);
    };
    if (hasAny(high, low, L1_RESERVED)) add('l1Reserved', table.times);
    if (offset % this.#clusterSize !== 0) add('l1Misaligned', table.times);
    if (!table.isActive || offset === 0) return;
    const refcount = this.disk.of(clusterOf(offset, this.#clusterSize));
    if (refcount !== undefined && (refcount === 1) !== ((high & COPIED_HIGH) !== 0)) {
      add('l1Copied', 1, { structure: 'L2 table', expected: refcount });
    }
  }

  beginTable(table: L2Table): void {
    this.#table = table;
    this.#contiguous = 0;
    const isJudged =
      table.activeTimes > 0 &&
      table.offset !== 0 &&
      this.disk.of(clusterOf(table.offset, this.#clusterSize)) !== undefined;
    this.#copiedTimes = isJudged ? table.activeTimes : 0;
  }

  setPiece(first: number): void {
    this.#piece = first;
  }

  run(index: number, count: number, host: HostOffset, isCopied: boolean): void {
    const { times, activeTimes } = this.#table;
    const clusterSize = this.#clusterSize;
    const cluster = clusterOf(host, clusterSize);
    if (activeTimes > 0) this.#countAllocated(cluster, count);
    const inFile = Math.max(0, Math.min(count, this.clusters - cluster));
    if (inFile < count) this.#beyond(index, host, inFile, count);
    if (inFile > 0) this.counts.add(cluster, inFile, times);
    if (this.#copiedTimes === 0) return;
    const wrong = this.#wrongFlags(cluster, count, isCopied);
    if (wrong === 0) return;
    for (let done = 0; done < count; done++) {
      // Where refcounts are lost, all clusters of the disk come here.
      if (this.findings.isFull('l2Copied')) {
        const left = this.#wrongFlags(plus(cluster, done), count - done, isCopied);
        this.findings.count('l2Copied', left * this.#copiedTimes);
        return;
      }
      if (this.disk.isOne(hostCluster(cluster + done)) !== isCopied) {
        this.#copied(index + done, plus(host, done * clusterSize), isCopied);
      }
    }
  }

  one(index: number, number: number, isCopied: boolean): boolean {
    const { times, activeTimes } = this.#table;
    if (times !== 1 || number >= this.clusters) return false;
    const cluster = hostCluster(number);
    if (activeTimes > 0) this.#countAllocated(cluster, 1);
    this.counts.addOne(cluster);
    if (this.#copiedTimes > 0 && this.disk.isOne(cluster) !== isCopied)
      this.#copied(index, startOf(cluster, this.#clusterSize), isCopied);
    return true;
  }

  /** Most lie in one cluster of the file, and there are as many as the disk has clusters. */
  compressed(words: Int32Array, start: number, end: number): number {
    const { times, activeTimes } = this.#table;
    if (times !== 1) return start;
    const { counts, clusters } = this;
    const clusterBits = this.#clusterBits;
    let at = start;
    for (; at < end; at += 2) {
      const high = words[at + HIGH]!;
      if (!isSoundCompressed(high)) break;
      const cluster = onlyCluster(high, words[at + LOW]!, clusterBits);
      if (cluster < 0 || cluster >= clusters) break;
      counts.addOne(hostCluster(cluster));
    }
    this.#countCompressed(((at - start) >>> 1) * activeTimes);
    return at;
  }

  single(index: number, high: number, low: number, zeroes: number, allocated: number): void {
    const { rules } = this.image.tables;
    const kind = entryKind(rules, high, low);
    if (kind !== EntryKind.compressed) {
      if (hasAny(high, low, L2_RESERVED)) this.#entry('l2Reserved', index, high, low);
      if ((low & ZERO_LOW) !== 0) {
        if (rules.version === 2) this.#entry('zeroFlagInVersion2', index, high, low);
        else if (rules.extendedL2) this.#entry('zeroFlagReserved', index, high, low);
      }
    }
    switch (kind) {
      case EntryKind.compressed:
        this.#compressed(index, high, low, (zeroes | allocated) !== 0);
        return;
      case EntryKind.data:
      case EntryKind.zeroAllocated:
        this.#allocated(index, high, low, zeroes, allocated);
        return;
      case EntryKind.unallocated:
        if (allocated !== 0) this.#entry('subclustersUnallocated', index, high, low);
        return;
      case EntryKind.zeroPlain:
        return;
    }
  }

  bitmapEntry(at: HostOffset, high: number, low: number): void {
    const offset = offsetOf(high, low);
    if (isBrokenBitmapEntry(high, low, this.#clusterSize)) {
      this.findings.add('bitmapEntry', { at, found: entryHex(high, low), structure: 'bitmap table' });
      return;
    }
    if (offset !== 0) this.region('bitmap data', offset, this.#clusterSize, 1, { at });
  }

  refcountBlock(index: number): void {
    const { table } = this.disk;
    const [high, low] = [table[index * 2 + HIGH]!, table[index * 2 + LOW]!];
    const offset = hostOffset(this.disk.blockOffset(index));
    const at = plus(this.image.header.refcountTableOffset, index * 8);
    const found = entryHex(high, low);
    const facts: FindingFacts = { at, found, host: offset, structure: 'refcount block' };
    if (hasAny(high, low, REFCOUNT_TABLE_RESERVED)) {
      this.findings.add('refcountBlockReserved', facts);
    } else if ((low & (this.#clusterSize - 1)) !== 0) {
      this.findings.add('refcountBlockMisaligned', facts);
    } else if (offset / this.#clusterSize >= this.knownClusters) {
      this.findings.add('refcountBlockBeyondFile', facts);
    } else {
      this.region('refcount block', offset, this.#clusterSize, 1, { at });
      const references = this.counts.of(hostCluster(offset / this.#clusterSize));
      if (references !== 1) {
        this.findings.add('refcountBlockShared', { ...facts, found: references, expected: 1 });
      }
    }
  }

  /** @param cluster the first one; a fraction where an entry is not aligned */
  #countAllocated(cluster: number, count: ClusterCount): void {
    const { activeTimes } = this.#table;
    this.statistics.allocatedClusters += count * activeTimes;
    if (this.#contiguous !== 0 && this.#contiguous !== cluster) {
      this.statistics.fragmentedClusters += activeTimes;
    }
    this.#contiguous = cluster + count;
  }

  #compressed(index: number, high: number, low: number, hasBitmap: boolean): void {
    const { rules } = this.image.tables;
    if ((high & COPIED_HIGH) !== 0) this.#entry('compressedCopied', index, high, low);
    if (rules.hasDataFile) {
      this.#entry('compressedInDataFile', index, high, low);
      return;
    }
    if (hasBitmap) {
      this.#entry('compressedSubclusters', index, high, low);
      return;
    }
    const { activeTimes, times } = this.#table;
    const { offset, size } = compressedRegion(high, low, rules.clusterBits);
    this.region('compressed data', offset, size, times, this.#place(index));
    this.#countCompressed(activeTimes);
  }

  #countCompressed(count: ClusterCount): void {
    this.statistics.allocatedClusters += count;
    this.statistics.compressedClusters += count;
    // Every one counts as fragmented: neighbours share sectors, which are read again for each.
    this.statistics.fragmentedClusters += count;
  }

  #allocated(index: number, high: number, low: number, zeroes: number, allocated: number): void {
    const { rules } = this.image.tables;
    const { hasDataFile } = rules;
    const host = offsetOf(high, low);
    const isCopied = (high & COPIED_HIGH) !== 0;
    if ((zeroes & allocated) !== 0) this.#entry('subclustersBoth', index, high, low);
    if (host % this.#clusterSize !== 0) {
      const hasData = showsHostCluster(rules, low, allocated);
      this.#entry(hasData ? 'dataMisaligned' : 'preallocatedMisaligned', index, high, low);
    }
    if (this.#table.activeTimes > 0) this.#countAllocated(host / this.#clusterSize, 1);
    const place = this.#place(index);
    if (!hasDataFile) this.region('data', host, this.#clusterSize, this.#table.times, place);
    else if (host !== rawHostOffset(place.guest)) this.#entry('dataFileOffset', index, high, low);
    if (this.#copiedTimes === 0) return;
    // Clusters of an external data file have no refcount: the flag is always set.
    const isOne = hasDataFile || this.disk.isOne(clusterOf(host, this.#clusterSize));
    if (isOne !== isCopied) this.#copied(index, host, isCopied);
  }

  /** Of the entries of a run, those from `from` to before `to` lead past the end of the file. */
  #beyond(index: number, host: HostOffset, from: number, to: number): void {
    for (let done = from; done < to; done++) {
      const place = this.#place(index + done);
      this.region('data', plus(host, done * this.#clusterSize), this.#clusterSize, this.#table.times, place);
    }
  }

  /** Of a stretch of clusters, those of which the flag is not what the refcount says, if that can be read. */
  #wrongFlags(cluster: HostCluster, count: number, isCopied: boolean): number {
    const { ones, unreadable } = this.disk.countOnes(cluster, count);
    return isCopied ? count - ones - unreadable : ones;
  }

  /** The flag is not what the refcount says. */
  #copied(index: number, host: HostOffset, isCopied: boolean): void {
    const { hasDataFile } = this.image.tables.rules;
    const refcount = hasDataFile ? 1 : this.disk.of(clusterOf(host, this.#clusterSize));
    // A refcount that cannot be read is a finding of its own.
    if (refcount === undefined) return;
    // In random order, all clusters of the disk may come here.
    if (this.findings.isFull('l2Copied')) {
      this.findings.count('l2Copied', this.#copiedTimes);
      return;
    }
    const facts = { structure: 'data', host, found: isCopied ? 1 : 0, expected: refcount } as const;
    this.findings.add('l2Copied', { ...facts, ...this.#place(index) }, this.#copiedTimes);
  }

  #entry(kind: FindingKind, index: number, high: number, low: number): void {
    if (this.findings.isFull(kind)) {
      this.findings.count(kind, this.#table.times);
      return;
    }
    const facts = { found: entryHex(high, low), ...this.#place(index) };
    const expected = kind === 'dataFileOffset' ? { expected: hex(facts.guest) } : {};
    this.findings.add(kind, { ...facts, ...expected }, this.#table.times);
  }

  #place(index: number): Place & { readonly guest: GuestOffset } {
    const { offset, guest, snapshot } = this.#table;
    const entry = this.#piece + index;
    return {
      at: plus(offset, entry * this.image.header.l2EntrySize),
      guest: plus(guest, entry * this.#clusterSize),
      ...(snapshot === undefined ? {} : { snapshot }),
    };
  }
}
