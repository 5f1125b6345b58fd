/**
 * What each internal snapshot holds that nothing else does: what deleting it would free. A second walk over the references,
 * for images that have snapshots.
 */
import { RegionReceiver } from '../check/regionReceiver';
import type { L2Table, Place } from '../check/referenceReceiver';
import type { Structure } from '../findingText';
import type { HostLayout } from '../map/hostLayout';
import { LAYER_BITS, SNAPSHOT_ONLY } from '../map/hostUses';
import { type ByteLength, clusterOf, hostCluster, type HostCluster, type HostOffset, plus } from '../units';

/** More than one snapshot holds the cluster, or a snapshot past those that there are numbers for. */
const SEVERAL = 0xffff;

export class SnapshotHolders extends RegionReceiver {
  /** For each cluster that only snapshots refer to: one more than the place of the one that does, or `SEVERAL`. */
  readonly #pages = new Map<number, Uint16Array>();
  readonly #pageSize: number;
  /** Of data in the table that is walked. */
  #holder = 0;

  constructor(readonly layout: HostLayout) {
    super(layout.image, layout.disk);
    this.#pageSize = 2 ** layout.uses.pageBits;
  }

  /** Visits the clusters that a single snapshot holds. @param visit told of its place in the snapshot table */
  forEach(visit: (cluster: HostCluster, snapshot: number) => void): void {
    for (const [index, page] of this.#pages) {
      page.forEach((holder, at) => {
        if (holder !== 0 && holder !== SEVERAL) visit(hostCluster(index * this.#pageSize + at), holder - 1);
      });
    }
  }

  override beginTable(table: L2Table): void {
    super.beginTable(table);
    this.#holder = holderOf(table.times, table.snapshot);
  }

  region(structure: Structure, offset: HostOffset, size: ByteLength, times: number, place: Place): void {
    if (size <= 0) return;
    const isGuests = structure === 'data' || structure === 'compressed data';
    const first = clusterOf(offset, this.clusterSize);
    const end = hostCluster(Math.floor((offset + size - 1) / this.clusterSize) + 1);
    this.#hold(first, end, isGuests ? this.#holder : holderOf(times, place.snapshot));
  }

  run(_index: number, count: number, host: HostOffset): void {
    const first = clusterOf(host, this.clusterSize);
    this.#hold(first, plus(first, count), this.#holder);
  }

  #hold(first: HostCluster, end: HostCluster, holder: number): void {
    const { uses } = this.layout;
    const last = Math.min(end, uses.clusters);
    for (let cluster = first; cluster < last; cluster++) {
      if ((uses.of(cluster) & LAYER_BITS) !== SNAPSHOT_ONLY) continue;
      const page = this.#page(Math.floor(cluster / this.#pageSize));
      const at = cluster % this.#pageSize;
      const before = page[at] ?? 0;
      page[at] = before === 0 || before === holder ? holder : SEVERAL;
    }
  }

  #page(index: number): Uint16Array {
    const known = this.#pages.get(index);
    if (known !== undefined) return known;
    const page = new Uint16Array(this.#pageSize);
    this.#pages.set(index, page);
    return page;
  }
}

/** @param times references, all of them of `snapshot` or of others beside it */
const holderOf = (times: number, snapshot: number | undefined): number =>
  times === 1 && snapshot !== undefined && snapshot < SEVERAL - 1 ? snapshot + 1 : SEVERAL;
