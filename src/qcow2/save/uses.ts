/**
 * For each cluster that a save touches, the structure that it is part of according to the image's own tables: what staged
 * the change does not say. Everything that is not found to be metadata is guest data, or unused.
 */
import { l1TablesOf } from '../check/l1Tables';
import { forEachStructure, type StructureReceiver } from '../check/structures';
import type { Structure } from '../findingText';
import { HIGH, LOW } from '../format/bytes';
import { offsetOf, refcountBlockOffset } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import { type Progress, silent } from '../progress';
import { type ByteLength, clusterOf, hostCluster, type HostCluster, type HostOffset } from '../units';
import { ClusterBytes, type Ranges } from './clusterRanges';

/** Structures that a save tells apart. In a cluster that two of them name, the later one here counts. */
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

const NUMBER_OF = new Map<Structure, number>(METADATA.map((structure, index) => [structure, index + 1]));

export class ClusterUses implements StructureReceiver {
  readonly #numbers = new ClusterBytes();
  readonly #clusterSize: ByteLength;

  /**
   * @param table the refcount table's words
   * @param touched clusters that will be asked for
   * @throws FormatError, FileError, CancelledError
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
    return METADATA[this.#numbers.get(cluster) - 1];
  }

  region(structure: Structure, offset: HostOffset, size: ByteLength): void {
    const number = NUMBER_OF.get(structure);
    if (number === undefined) return;
    const first = clusterOf(offset, this.#clusterSize);
    const end = hostCluster(Math.ceil((offset + size) / this.#clusterSize));
    this.touched.forEachWithin(first, end, (cluster) => {
      if (number > this.#numbers.get(cluster)) this.#numbers.set(cluster, number);
    });
  }

  /** The L2 table that it names is a region of its own. */
  l1Entry(): void {}

  bitmapEntry(_at: HostOffset, high: number, low: number): void {
    this.#addCluster('bitmap data', offsetOf(high, low));
  }

  refcountBlock(index: number): void {
    this.#addCluster(
      'refcount block',
      refcountBlockOffset(this.table[index * 2 + HIGH]!, this.table[index * 2 + LOW]!),
    );
  }

  #addCluster(structure: Metadata, offset: HostOffset): void {
    if (offset !== 0) this.region(structure, offset, this.#clusterSize);
  }
}
