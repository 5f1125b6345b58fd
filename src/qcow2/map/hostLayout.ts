/**
 * The file view of the map: what the image file consists of, as a picture needs it. All references are walked once
 * (the walk of the check); then views of any stretch are counted from a byte for each cluster.
 */
import { MAX_CLUSTERS } from '../check/checkImage';
import { UNREADABLE } from '../check/clusterCounts';
import { DiskRefcounts } from '../check/diskRefcounts';
import { STRUCTURES, type Structure } from '../findingText';
import { References } from '../check/references';
import { ArgumentError, UnsupportedError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { FileHoles } from '../io/fileHoles';
import type { Progress } from '../progress';
import { type ByteLength, hostCluster, type HostCluster, hostOffset } from '../units';
import { CellCounts, MAX_CELLS, SECTOR } from './cellCounts';
import type { Cells, CellsRequest, KindTotals } from './overview';
import {
  CONFLICT,
  HostUses,
  LAYER_BITS,
  SNAPSHOT_ONLY,
  STRUCTURE_BITS,
  USES,
  VM_STATE_ONLY,
} from './hostUses';

/** The kinds that the file view tells apart; the order is the order of counts in its cells. */
export const HOST_KINDS = [
  'header',
  'refcountTable',
  'refcountBlock',
  'l1',
  'l2',
  'data',
  'compressed',
  'vmState',
  'snapshot',
  'bitmap',
  'conflict',
  'leaked',
  'free',
] as const;
export type HostKind = (typeof HOST_KINDS)[number];

const KIND_OF_STRUCTURE: Readonly<Record<Structure, HostKind>> = {
  header: 'header',
  'encryption header': 'header',
  'refcount table': 'refcountTable',
  'refcount block': 'refcountBlock',
  'L1 table': 'l1',
  'L2 table': 'l2',
  'snapshot table': 'snapshot',
  'bitmap directory': 'bitmap',
  'bitmap table': 'bitmap',
  'bitmap data': 'bitmap',
  data: 'data',
  'compressed data': 'compressed',
};

const indexOf = (kind: HostKind): number => HOST_KINDS.indexOf(kind);
const LEAKED = indexOf('leaked');
const FREE = indexOf('free');

/** The kind for each use that is not 0. */
const KIND_OF_USE = Uint8Array.from({ length: USES }, (_, use) => {
  if ((use & CONFLICT) !== 0) return indexOf('conflict');
  if ((use & LAYER_BITS) === SNAPSHOT_ONLY) return indexOf('snapshot');
  if ((use & LAYER_BITS) === VM_STATE_ONLY) return indexOf('vmState');
  const structure = STRUCTURES[(use & STRUCTURE_BITS) - 1];
  return structure === undefined ? FREE : indexOf(KIND_OF_STRUCTURE[structure]);
});

/** What one cluster of the file is used for. */
export interface HostUse {
  readonly kind: HostKind;
  /** Nothing refers to it where there is none; the first one where two exclude one another. */
  readonly structure?: Structure;
  readonly isSnapshotOnly: boolean;
  /** As it is in the refcount block; undefined where it cannot be read. */
  readonly refcount?: number;
}

/** Sectors of cells by kind, and those of them that lie in holes of the file. */
interface LayoutCounts {
  readonly all: CellCounts;
  /** Absent where there are none. */
  holes?: CellCounts;
}

export class HostLayout {
  readonly #base: LayoutCounts;
  readonly #clusterSize: ByteLength;

  /**
   * Walks all references of an image; takes as long as a check.
   * @throws UnsupportedError `check.clusters`, `check.memory`; FileError; CancelledError
   */
  static of(image: Qcow2Image, progress: Progress): HostLayout {
    const { file, header } = image;
    const clusters = Math.ceil(file.size / header.clusterSize);
    if (clusters > MAX_CLUSTERS) {
      throw new UnsupportedError(file.name, 'check.clusters', { value: clusters, limit: MAX_CLUSTERS });
    }
    const disk = new DiskRefcounts(file, header, clusters);
    const references = new References(image, disk, clusters, progress);
    const uses = new HostUses(image, disk, clusters);
    references.forEach(uses);
    return new HostLayout(image, disk, references, uses, progress);
  }

  private constructor(
    readonly image: Qcow2Image,
    readonly disk: DiskRefcounts,
    readonly references: References,
    readonly uses: HostUses,
    progress: Progress,
  ) {
    this.#clusterSize = image.header.clusterSize;
    let bytesPerCell = this.#clusterSize;
    while (this.size / bytesPerCell > MAX_CELLS) bytesPerCell *= 2;
    this.#base = this.#count(0, bytesPerCell, Math.ceil(this.size / bytesPerCell), progress);
  }

  /** Bytes of the file, in whole clusters. */
  get size(): ByteLength {
    return this.uses.clusters * this.#clusterSize;
  }

  /** Of the whole file. */
  get totals(): KindTotals {
    const { all, holes } = this.#base;
    return {
      bytes: [...all.totals],
      ...(holes === undefined ? {} : { holes: [...holes.totals] }),
      scannedBytes: this.size,
      totalBytes: this.size,
    };
  }

  /**
   * The cells of a view, `HOST_KINDS.length` shares each; places are bytes of the file.
   * @throws ArgumentError `cells.request` for one that is not as `CellsRequest` has it
   */
  cells({ start, bytesPerCell, count }: CellsRequest): Cells {
    this.#refuseUnfit(start, bytesPerCell, count);
    const base = this.#base.all.bytesPerCell;
    const isFine = bytesPerCell < base;
    const { all, holes } = isFine ? this.#count(start, bytesPerCell, count) : this.#base;
    const shares = (of: CellCounts): Uint8Array =>
      isFine ? of.shares(0, 1, count) : of.shares(start / base, bytesPerCell / base, count);
    const hollow = holes === undefined ? undefined : shares(holes);
    return {
      start,
      bytesPerCell,
      shares: shares(all),
      ...(hollow?.some((share) => share > 0) === true ? { holes: hollow } : {}),
      complete: true,
      totals: this.totals,
    };
  }

  /** @throws ArgumentError `offset.beyondFile` */
  useOf(cluster: HostCluster): HostUse {
    const { clusters } = this.uses;
    if (!Number.isInteger(cluster) || cluster < 0 || cluster >= clusters) {
      throw new ArgumentError(this.image.file.name, 'offset.beyondFile', {
        value: cluster * this.#clusterSize,
        limit: this.size,
      });
    }
    const use = this.uses.of(cluster);
    const structure = STRUCTURES[(use & STRUCTURE_BITS) - 1];
    const refcount = this.disk.of(cluster);
    return {
      kind: HOST_KINDS[this.#kindOf(use, refcount ?? 0)] ?? 'free',
      isSnapshotOnly: (use & LAYER_BITS) === SNAPSHOT_ONLY,
      ...(structure === undefined ? {} : { structure }),
      ...(refcount === undefined ? {} : { refcount }),
    };
  }

  #kindOf(use: number, refcount: number): number {
    if (use !== 0) return KIND_OF_USE[use]!;
    return refcount === 0 ? FREE : LEAKED;
  }

  /** Counts the clusters of some cells, neighbours of one kind at once. */
  #count(start: number, bytesPerCell: ByteLength, count: number, progress?: Progress): LayoutCounts {
    const newCounts = (): CellCounts =>
      new CellCounts(start, bytesPerCell, count, this.size, HOST_KINDS.length);
    const all = newCounts();
    const counts: LayoutCounts = { all };
    const files = new FileHoles(this.image.file);
    this.#forEachRun(
      hostCluster(start / this.#clusterSize),
      hostCluster(Math.min(this.uses.clusters, Math.ceil(all.end / this.#clusterSize))),
      (first, end, kind) => {
        const [from, to] = [first * this.#clusterSize, end * this.#clusterSize];
        all.add(from, to - from, kind);
        files.forEach(hostOffset(from), hostOffset(to), (hole, length) => {
          const sector = Math.ceil(hole / SECTOR) * SECTOR;
          const whole = Math.floor((hole + length) / SECTOR) * SECTOR - sector;
          if (whole > 0) (counts.holes ??= newCounts()).add(sector, whole, kind);
        });
      },
      progress,
    );
    return counts;
  }

  /** Visits the clusters from `first` to before `end`, neighbours of one kind in a page at once. */
  #forEachRun(
    first: HostCluster,
    end: HostCluster,
    visit: (first: HostCluster, end: HostCluster, kind: number) => void,
    progress?: Progress,
  ): void {
    const { uses, disk } = this;
    const size = 2 ** uses.pageBits;
    for (let cluster = first; cluster < end;) {
      progress?.checkCancelled();
      const index = Math.floor(cluster / size);
      const base = index * size;
      const stop = hostCluster(Math.min(end, base + size));
      const page = uses.page(index);
      const refcounts = disk.page(index);
      if (page === undefined && disk.isAllZero(refcounts)) {
        visit(cluster, stop, FREE);
        cluster = stop;
        continue;
      }
      const kindAt = (at: HostCluster): number => {
        const refcount = refcounts[at - base]!;
        return this.#kindOf(page?.[at - base] ?? 0, refcount === UNREADABLE ? 0 : refcount);
      };
      while (cluster < stop) {
        const start = cluster;
        const kind = kindAt(start);
        do cluster++;
        while (cluster < stop && kindAt(cluster) === kind);
        visit(start, cluster, kind);
      }
    }
  }

  #refuseUnfit(start: number, bytesPerCell: ByteLength, count: number): void {
    const refuse = (value: number, limit: number): never => {
      throw new ArgumentError(this.image.file.name, 'cells.request', { value, limit });
    };
    const clusterSize = this.#clusterSize;
    if (!Number.isInteger(Math.log2(bytesPerCell / clusterSize)) || bytesPerCell < clusterSize) {
      refuse(bytesPerCell, clusterSize);
    }
    if (!Number.isInteger(start / bytesPerCell) || start < 0) refuse(start, bytesPerCell);
    if (!Number.isInteger(count) || count < 0 || count > MAX_CELLS) refuse(count, MAX_CELLS);
  }
}
