/**
 * Which structures refer to given clusters: for the check in a second pass, where the first one found something wrong, and
 * for the report on any host cluster.
 */
import { firstIndex } from '../bits';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, clusterOf, type HostCluster, hostOffset, type HostOffset } from '../units';
import type { DiskRefcounts } from './diskRefcounts';
import type { Findings } from './findings';
import type { Claim } from '../finding';
import type { Structure } from '../findingText';
import type { Place } from './referenceReceiver';
import { RegionReceiver } from './regionReceiver';

/** Clusters whose claims are looked up. */
export const MAX_CLAIMED = 256;
/** Claims that are kept of one cluster. */
const MAX_CLAIMS = 16;

export class ClaimCollector extends RegionReceiver {
  readonly #claims = new Map<number, { readonly kept: Claim[]; references: number }>();
  readonly #ascending: readonly number[];

  /** @param clusters of which claims are wanted */
  constructor(image: Qcow2Image, disk: DiskRefcounts, clusters: Iterable<number>) {
    super(image, disk);
    this.#ascending = [...new Set(clusters)].sort((a, b) => a - b).slice(0, MAX_CLAIMED);
    for (const cluster of this.#ascending) this.#claims.set(cluster, { kept: [], references: 0 });
  }

  /** Who claims a cluster, the first ones; and how many references there are in all. */
  of(cluster: HostCluster): { readonly kept: readonly Claim[]; readonly references: number } {
    return this.#claims.get(cluster) ?? { kept: [], references: 0 };
  }

  /** Adds a finding for each cluster whose claims exclude one another. */
  report(findings: Findings): void {
    for (const [cluster, { kept: claims }] of this.#claims) {
      if (exclude(claims)) {
        findings.add('overlap', {
          host: hostOffset(cluster * this.clusterSize),
          found: claims.length,
          expected: 1,
          claims,
        });
      }
    }
  }

  region(structure: Structure, offset: HostOffset, size: ByteLength, times: number, place: Place): void {
    if (size <= 0) return;
    const first = clusterOf(offset, this.clusterSize);
    const last = Math.floor((offset + size - 1) / this.clusterSize);
    for (let at = this.#firstFrom(first); ; at++) {
      const cluster = this.#ascending[at];
      if (cluster === undefined || cluster > last) return;
      const claims = this.#claims.get(cluster);
      if (claims === undefined) continue;
      claims.references += times;
      if (claims.kept.length < MAX_CLAIMS) claims.kept.push({ structure, ...place });
    }
  }

  run(index: number, count: number, host: HostOffset): void {
    const first = clusterOf(host, this.clusterSize);
    for (let at = this.#firstFrom(first); ; at++) {
      const cluster = this.#ascending[at];
      if (cluster === undefined || cluster >= first + count) return;
      const place = this.place(index + cluster - first);
      this.region('data', hostOffset(cluster * this.clusterSize), this.clusterSize, this.table.times, place);
    }
  }

  /** Place of the first wanted cluster that is not below `cluster`. */
  #firstFrom(cluster: HostCluster): number {
    const ascending = this.#ascending;
    return firstIndex(ascending.length, (index) => (ascending[index] ?? Infinity) < cluster);
  }
}

/**
 * Whether two of them cannot both be right. Layers share L2 tables and data of the same place of the disk, and compressed
 * clusters share host clusters; nothing else is shared.
 */
function exclude([first, ...others]: readonly Claim[]): boolean {
  return others.some(({ structure, guest }) => {
    if (structure !== first?.structure) return true;
    if (structure === 'compressed data') return false;
    return !isShareable(structure) || guest !== first.guest;
  });
}

/** Internal snapshots share it with one another and with the active layer. */
export const isShareable = (structure: Structure): boolean =>
  structure === 'data' || structure === 'L2 table';
