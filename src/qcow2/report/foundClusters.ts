/**
 * The host clusters of the data that a content scan has found. With extended L2, where a cluster holds several units, it
 * counts as what its units are if all of them were found: only then it can be given up.
 */
import { ClusterBits } from '../clusterSet';
import type { Qcow2Image } from '../image/qcow2Image';
import { CELL_KINDS } from '../map/cellCounts';
import { DataKinds, type FoundContents } from '../map/dataKinds';
import { type ByteLength, type GuestOffset, hostCluster, type HostOffset, plus } from '../units';

export class FoundClusters {
  /** Whether zeroes can be given up in this image. */
  readonly isZeroReclaimable: boolean;
  /** With units that are all zero. */
  readonly zero = new ClusterBits();
  /** With units that are what the backing file gives as well. */
  readonly same = new ClusterBits();
  /** With units that have to stay; kept only where a cluster has several. */
  readonly rest = new ClusterBits();
  readonly #kinds: DataKinds;
  readonly #clusterSize: ByteLength;
  readonly #hasParts: boolean;

  constructor({ header, granularity, namesBacking }: Qcow2Image, found: FoundContents) {
    // Version 2 has no entry for zeroes over a backing file: there they are given up only if they are the same.
    this.isZeroReclaimable = header.version > 2 || !namesBacking;
    this.#kinds = new DataKinds(found, this.isZeroReclaimable ? 'dataZero' : 'dataSame');
    this.#clusterSize = header.clusterSize;
    this.#hasParts = granularity < header.clusterSize;
  }

  /** Takes a run of the disk's data; runs come in ascending order. */
  add(start: GuestOffset, length: ByteLength, host: HostOffset): void {
    const end = plus(start, length);
    for (let at = start; at < end;) {
      const stop = this.#kinds.stretchFrom(at, end);
      const first = Math.floor((host + at - start) / this.#clusterSize);
      const last = Math.ceil((host + stop - start) / this.#clusterSize);
      this.#setOf(this.#kinds.kind)?.add(hostCluster(first), last - first);
      at = stop;
    }
  }

  #setOf(kind: number): ClusterBits | undefined {
    switch (CELL_KINDS[kind]) {
      case 'dataZero':
        return this.zero;
      case 'dataSame':
        return this.same;
      default:
        return this.#hasParts ? this.rest : undefined;
    }
  }
}
