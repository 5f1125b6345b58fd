/**
 * Where the bytes of an image file are. Each of them belongs to one row; beside it stands what the host has allocated for
 * it, and how much giving it up would free. Only tables are read, no content.
 */
import { UNREADABLE } from '../check/clusterCounts';
import type { Statistics } from '../check/countReferences';
import { ClusterBits } from '../clusterSet';
import { FormatError } from '../errors';
import { STRUCTURES, type Structure } from '../findingText';
import type { Qcow2Image } from '../image/qcow2Image';
import { NO_HOST, RunKind, type RunVisitor } from '../image/layer';
import type { BlockFile } from '../io/blockFile';
import { FileHoles } from '../io/fileHoles';
import type { FoundContents } from '../map/dataKinds';
import type { HostLayout } from '../map/hostLayout';
import { CONFLICT, LAYER_BITS, SNAPSHOT_ONLY, STRUCTURE_BITS, USES, VM_STATE_ONLY } from '../map/hostUses';
import type { Progress } from '../progress';
import {
  type ByteLength,
  type ClusterCount,
  clusterOf,
  guestOffset,
  hostCluster,
  type HostCluster,
  hostOffset,
  plus,
  startOf,
} from '../units';
import { FoundClusters } from './foundClusters';
import { SnapshotHolders } from './snapshotHolders';

/** The rows, in the order in which they are shown. */
export const SPACE_KINDS = [
  'data',
  'dataZero',
  'dataSame',
  'zeroAllocated',
  'compressed',
  'snapshots',
  'vmState',
  'header',
  'refcountTable',
  'refcountBlocks',
  'l1Table',
  'l2Tables',
  'snapshotTable',
  'bitmaps',
  'usedTwice',
  'leaked',
  'free',
] as const;
export type SpaceKind = (typeof SPACE_KINDS)[number];

export interface SpaceRow {
  readonly kind: SpaceKind;
  readonly bytes: ByteLength;
  /** Bytes of storage behind them; undefined where holes cannot be seen. */
  readonly allocated?: ByteLength;
  /** Bytes that become free where the row is given up; less than `bytes` where snapshots share them. */
  readonly reclaimable: ByteLength;
}

/** What a snapshot holds alone. */
export interface SnapshotSpace {
  /** In the snapshot table. */
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly bytes: ByteLength;
}

/** Plain JSON. */
export interface SpaceReport {
  readonly file: string;
  /** Of the file; the rows' bytes add up to it. */
  readonly length: ByteLength;
  /** Bytes of storage behind the file (`st_blocks`). */
  readonly allocated: ByteLength;
  /** Those that are not empty, in the order of `SPACE_KINDS`. */
  readonly rows: readonly SpaceRow[];
  readonly snapshots: readonly SnapshotSpace[];
  /** Of the active disk, as `qemu-img check` counts them: those that do not lie behind their predecessor are fragmented. */
  readonly allocatedClusters: ClusterCount;
  readonly fragmentedClusters: ClusterCount;
  readonly compressedClusters: ClusterCount;
}

/** Places of a damaged disk that are stepped over, at most. */
const MAX_SKIPS = 1 << 12;

/** Runs of the disk between two looks whether to stop. */
const RUNS_PER_LOOK = 1024;

/** Rows of which all can be given up. */
const RECLAIMABLE: ReadonlySet<SpaceKind> = new Set(['vmState', 'leaked', 'free']);

const KIND_OF_STRUCTURE: Readonly<Record<Structure, SpaceKind>> = {
  header: 'header',
  'encryption header': 'header',
  'refcount table': 'refcountTable',
  'refcount block': 'refcountBlocks',
  'L1 table': 'l1Table',
  'L2 table': 'l2Tables',
  'snapshot table': 'snapshotTable',
  'bitmap directory': 'bitmaps',
  'bitmap table': 'bitmaps',
  'bitmap data': 'bitmaps',
  data: 'data',
  'compressed data': 'compressed',
};

const indexOf = (kind: SpaceKind): number => SPACE_KINDS.indexOf(kind);
const [DATA, DATA_ZERO, DATA_SAME, ZERO, FREE, LEAKED] = [
  indexOf('data'),
  indexOf('dataZero'),
  indexOf('dataSame'),
  indexOf('zeroAllocated'),
  indexOf('free'),
  indexOf('leaked'),
] as const;

/** The row for each use that is not 0 (map/hostUses.ts). */
const ROW_OF_USE = Uint8Array.from({ length: USES }, (_, use) => {
  const structure = STRUCTURES[(use & STRUCTURE_BITS) - 1];
  if (structure === undefined) return FREE;
  if ((use & CONFLICT) !== 0) return indexOf('usedTwice');
  if (structure === 'snapshot table') return indexOf('snapshotTable');
  const layer = use & LAYER_BITS;
  if (layer === SNAPSHOT_ONLY) return indexOf('snapshots');
  return indexOf(layer === VM_STATE_ONLY ? 'vmState' : KIND_OF_STRUCTURE[structure]);
});

/**
 * @param found by a content scan, where there was one: rows of their own
 * @throws FileError, CancelledError
 */
export function spaceReport(layout: HostLayout, progress: Progress, found?: FoundContents): SpaceReport {
  const { image } = layout;
  const { file } = image;
  const { statistics, ...special } = walkActive(image, found, progress);
  return {
    file: file.name,
    length: file.size,
    allocated: file.allocatedBytes,
    rows: rowsOf(layout, special, progress),
    snapshots: image.snapshots.length === 0 ? [] : snapshotsOf(layout, progress),
    ...statistics,
  };
}

function rowsOf(layout: HostLayout, { zeroes, data }: SpecialData, progress: Progress): SpaceRow[] {
  const { uses, disk, image } = layout;
  // Of clusters that become free with the disk's own entry, if it is the only one.
  const reclaimable = new Set([ZERO, DATA_SAME, ...(data?.isZeroReclaimable === true ? [DATA_ZERO] : [])]);
  const sums = new RowSums(image);
  const pageSize = 2 ** uses.pageBits;
  for (let start = hostCluster(0); start < uses.clusters; start = plus(start, pageSize)) {
    progress.checkCancelled();
    const end = hostCluster(Math.min(uses.clusters, start + pageSize));
    const index = start / pageSize;
    const page = uses.page(index);
    const refcounts = disk.page(index);
    if (page === undefined && disk.isAllZero(refcounts)) {
      sums.add(start, end, FREE, false);
      continue;
    }
    for (let at = 0; at < end - start; at++) {
      const cluster = plus(start, at);
      const refcount = refcounts[at] ?? 0;
      const use = page?.[at] ?? 0;
      let row =
        use === 0 ? (refcount === 0 || refcount === UNREADABLE ? FREE : LEAKED) : (ROW_OF_USE[use] ?? FREE);
      if (row === DATA)
        row = zeroes.has(cluster) ? ZERO : data === undefined ? DATA : rowOfData(data, cluster);
      sums.add(cluster, plus(cluster, 1), row, refcount === 1 && reclaimable.has(row));
    }
  }
  return sums.rows();
}

function rowOfData({ zero, same, rest }: FoundClusters, cluster: HostCluster): number {
  if (rest.has(cluster)) return DATA;
  if (same.has(cluster)) return DATA_SAME;
  return zero.has(cluster) ? DATA_ZERO : DATA;
}

/** Data of the active disk that is not like any other. */
interface SpecialData {
  /** Clusters that read as zero as a whole, and are allocated all the same. */
  readonly zeroes: ClusterBits;
  /** Where the contents were scanned. */
  readonly data: FoundClusters | undefined;
}

interface ActiveWalk extends SpecialData {
  readonly statistics: Statistics;
}

function walkActive(image: Qcow2Image, found: FoundContents | undefined, progress: Progress): ActiveWalk {
  const { clusterSize, l2Span } = image.header;
  const zeroes = new ClusterBits();
  const data = found === undefined ? undefined : new FoundClusters(image, found);
  const statistics: Statistics = { allocatedClusters: 0, fragmentedClusters: 0, compressedClusters: 0 };
  let at = guestOffset(0);
  /** Where the next cluster would have to be for the disk not to be fragmented there; −1 at a table's start. */
  let expected = -1;
  let runs = 0;
  const visit: RunVisitor = (start, length, kind, host) => {
    if (++runs % RUNS_PER_LOOK === 0) progress.checkCancelled();
    if (Math.floor(start / l2Span) !== Math.floor((at - 1) / l2Span)) expected = -1;
    at = plus(start, length);
    if (host === NO_HOST || kind === RunKind.missing) return;
    if (kind === RunKind.compressed) {
      statistics.allocatedClusters++;
      statistics.compressedClusters++;
      statistics.fragmentedClusters++;
      return;
    }
    // A run of subclusters may begin within a cluster; the part before it has been counted.
    const within = start % clusterSize;
    const first = host - within;
    const clusters = Math.ceil((within + length) / clusterSize) - (within === 0 || expected < 0 ? 0 : 1);
    statistics.allocatedClusters += clusters;
    if (within === 0 && expected >= 0 && expected !== first) statistics.fragmentedClusters++;
    expected = first + Math.ceil((within + length) / clusterSize) * clusterSize;
    if (image.hasDataFile) return;
    if (kind === RunKind.data) data?.add(start, length, host);
    if (kind !== RunKind.zeroAllocated) return;
    // The disk may need no more than a part of the last one.
    const ends = (host + length) / clusterSize;
    const firstZero = Math.ceil(host / clusterSize);
    const endZero = at < image.size ? Math.floor(ends) : Math.ceil(ends);
    if (endZero > firstZero) zeroes.add(hostCluster(firstZero), endZero - firstZero);
  };
  // What cannot be read counts as data; so does what is close behind it in a large disk.
  const step = Math.ceil(image.size / MAX_SKIPS / clusterSize) * clusterSize;
  while (at < image.size) {
    try {
      image.forEachRun(at, guestOffset(image.size), visit);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      at = guestOffset((Math.floor(at / step) + 1) * step);
      expected = -1;
    }
  }
  return { zeroes, data, statistics };
}

/** Sums of stretches that come in ascending order. */
class RowSums {
  readonly #bytes = new Float64Array(SPACE_KINDS.length);
  readonly #allocated = new Float64Array(SPACE_KINDS.length);
  readonly #reclaimable = new Float64Array(SPACE_KINDS.length);
  readonly #file: BlockFile;
  readonly #holes: FileHoles;
  readonly #clusterSize: ByteLength;
  /** The stretch that is not summed up yet. */
  #start = hostCluster(0);
  #row = -1;
  #isReclaimable = false;
  #end = hostCluster(0);

  constructor({ file, header }: Qcow2Image) {
    this.#file = file;
    this.#holes = new FileHoles(file);
    this.#clusterSize = header.clusterSize;
  }

  add(first: HostCluster, end: HostCluster, row: number, isReclaimable: boolean): void {
    if (row !== this.#row || isReclaimable !== this.#isReclaimable) {
      this.#flush();
      [this.#start, this.#row, this.#isReclaimable] = [first, row, isReclaimable];
    }
    this.#end = end;
  }

  rows(): SpaceRow[] {
    this.#flush();
    return SPACE_KINDS.flatMap((kind, row): SpaceRow[] => {
      const bytes = this.#bytes[row] ?? 0;
      if (bytes === 0) return [];
      const reclaimable = RECLAIMABLE.has(kind) ? bytes : (this.#reclaimable[row] ?? 0);
      const allocated = this.#holes.areKnown ? { allocated: this.#allocated[row] ?? 0 } : {};
      return [{ kind, bytes, ...allocated, reclaimable }];
    });
  }

  #flush(): void {
    if (this.#row < 0) return;
    const start = startOf(this.#start, this.#clusterSize);
    const end = hostOffset(Math.min(this.#file.size, this.#end * this.#clusterSize));
    this.#bytes[this.#row] = (this.#bytes[this.#row] ?? 0) + end - start;
    if (this.#isReclaimable) this.#reclaimable[this.#row] = (this.#reclaimable[this.#row] ?? 0) + end - start;
    const stored = end - start - this.#holes.bytesWithin(start, end);
    this.#allocated[this.#row] = (this.#allocated[this.#row] ?? 0) + stored;
  }
}

function snapshotsOf(layout: HostLayout, progress: Progress): SnapshotSpace[] {
  const { image, references, uses } = layout;
  const { clusterSize } = image.header;
  const holders = new SnapshotHolders(layout);
  references.rewind(progress);
  references.forEach(holders);
  const bytes = new Float64Array(image.snapshots.length);
  const last = clusterOf(hostOffset(image.file.size), clusterSize);
  holders.forEach((cluster, index) => {
    const length = cluster === last ? image.file.size % clusterSize : clusterSize;
    if (cluster < uses.clusters) bytes[index] = (bytes[index] ?? 0) + length;
  });
  return image.snapshots.map(({ id, name }, index) => ({ index, id, name, bytes: bytes[index] ?? 0 }));
}
