/**
 * For each cluster that a save touches, the structure that it is part of according to the image's own tables: what staged
 * the change does not say. Everything that is not found to be metadata is guest data, or unused.
 */
import { l1TablesOf } from '../check/l1Tables';
import { forEachStructure, type StructureReceiver } from '../check/structures';
import type { Structure } from '../findingText';
import { offsetOf } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import { type Progress, silent } from '../progress';
import { type ByteLength, clusterOf, hostCluster, type HostCluster, type HostOffset } from '../units';
import { ClusterBytes, type Ranges } from './clusterRanges';
import { blockOffset } from './refcountReader';

/** Structures that a save tells apart. Where two of them name a cluster, the later one in this list counts. */
const METADATA = [
  'header',
  'refcount table',
  'refcount block',
  'L1 table',
  'L2 table',
  'snapshot table',
  'bitmap directory',
  'bitmap table',
  'bitmap data',
] as const satisfies readonly Structure[];
export type Metadata = (typeof METADATA)[number];

const RANK_OF = new Map<Structure, number>(METADATA.map((structure, index) => [structure, index + 1]));

export class ClusterUses implements StructureReceiver {
  readonly #ranks = new ClusterBytes();
  readonly #clusterSize: ByteLength;

  /**
   * @param table the refcount table's words
   * @param touched clusters that will be asked for
   * @throws FileError, CancelledError
   */
  constructor(
    image: Qcow2Image,
    readonly table: Uint32Array,
    readonly touched: Ranges<HostCluster>,
    progress: Progress,
  ) {
    this.#clusterSize = image.header.clusterSize;
    forEachStructure(image, l1TablesOf(image), table, this, {
      ...silent,
      checkCancelled: () => {
        progress.checkCancelled();
      },
    });
  }

  /** Undefined for guest data, and for what nothing uses. */
  of(cluster: HostCluster): Metadata | undefined {
    return METADATA[this.#ranks.get(cluster) - 1];
  }

  region(structure: Structure, offset: HostOffset, size: ByteLength): void {
    const rank = RANK_OF.get(structure);
    // An L1 entry of nothing but flags names no table: cluster 0 is the header's.
    if (rank === undefined || (structure === 'L2 table' && offset === 0)) return;
    const first = clusterOf(offset, this.#clusterSize);
    const end = hostCluster(Math.ceil((offset + size) / this.#clusterSize));
    this.touched.forEachWithin(first, end, (cluster) => {
      if (rank > this.#ranks.get(cluster)) this.#ranks.set(cluster, rank);
    });
  }

  /** The L2 table that it names is a region of its own. */
  l1Entry(): void {}

  bitmapEntry(_at: HostOffset, high: number, low: number): void {
    this.#addCluster('bitmap data', offsetOf(high, low));
  }

  refcountBlock(index: number): void {
    this.#addCluster('refcount block', blockOffset(this.table, index));
  }

  #addCluster(structure: Metadata, offset: HostOffset): void {
    if (offset !== 0) this.region(structure, offset, this.#clusterSize);
  }
}
