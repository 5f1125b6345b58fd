/**
 * Who claims the clusters that more than one structure refers to. Looked up in a second pass over the image, and only
 * where the first one found something wrong.
 */
import { offsetOf } from '../format/offsetField';
import type { Qcow2Image } from '../image/qcow2Image';
import type { DiskRefcounts } from './diskRefcounts';
import type { Claim, Findings, Structure } from './findings';
import { compressedRegion, type L2Table, type Place, type ReferenceReceiver } from './references';
import { entryType } from './walkL2';

/** Clusters whose claims are looked up. */
export const MAX_CLAIMED = 256;
/** Claims that are kept of one cluster. */
const MAX_CLAIMS = 16;

export class ClaimCollector implements ReferenceReceiver {
  readonly #claims = new Map<number, Claim[]>();
  readonly #ascending: readonly number[];
  readonly #clusterSize: number;
  #table: L2Table = { offset: 0, times: 0, activeTimes: 0, guest: 0 };
  #piece = 0;

  /** @param clusters of which claims are wanted */
  constructor(
    readonly image: Qcow2Image,
    readonly disk: DiskRefcounts,
    clusters: Iterable<number>,
  ) {
    this.#clusterSize = image.header.clusterSize;
    this.#ascending = [...new Set(clusters)].sort((a, b) => a - b).slice(0, MAX_CLAIMED);
    for (const cluster of this.#ascending) this.#claims.set(cluster, []);
  }

  /** Adds a finding for each cluster whose claims exclude one another. */
  report(findings: Findings): void {
    for (const [cluster, claims] of this.#claims) {
      if (exclude(claims)) {
        findings.add('overlap', {
          host: cluster * this.#clusterSize,
          found: claims.length,
          expected: 1,
          claims,
        });
      }
    }
  }

  region(structure: Structure, offset: number, size: number, _times: number, place: Place): void {
    if (size <= 0) return;
    const first = Math.floor(offset / this.#clusterSize);
    const last = Math.floor((offset + size - 1) / this.#clusterSize);
    for (let at = this.#firstFrom(first); at < this.#ascending.length; at++) {
      const cluster = this.#ascending[at]!;
      if (cluster > last) return;
      const claims = this.#claims.get(cluster);
      if (claims !== undefined && claims.length < MAX_CLAIMS) claims.push({ structure, ...place });
    }
  }

  l1Entry(): void {
    // The table it names comes as a region.
  }

  beginTable(table: L2Table): void {
    this.#table = table;
  }

  setPiece(first: number): void {
    this.#piece = first;
  }

  run(index: number, count: number, host: number): void {
    const first = host / this.#clusterSize;
    for (let at = this.#firstFrom(first); at < this.#ascending.length; at++) {
      const cluster = this.#ascending[at]!;
      if (cluster >= first + count) return;
      const place = this.#place(index + cluster - first);
      this.region('data', cluster * this.#clusterSize, this.#clusterSize, 1, place);
    }
  }

  single(index: number, high: number, low: number): void {
    const { rules } = this.image.tables;
    if (rules.hasDataFile) return;
    const type = entryType(rules, high, low);
    if (type === 'compressed') {
      const { offset, size } = compressedRegion(high, low, rules.clusterBits);
      this.region('compressed data', offset, size, 1, this.#place(index));
    } else if (type === 'allocated') {
      this.region('data', offsetOf(high, low), this.#clusterSize, 1, this.#place(index));
    }
  }

  bitmapEntry(at: number, high: number, low: number): void {
    const offset = offsetOf(high, low);
    if (offset !== 0) this.region('bitmap data', offset, this.#clusterSize, 1, { at });
  }

  refcountBlock(index: number): void {
    const at = this.image.header.refcountTableOffset + index * 8;
    this.region('refcount block', this.disk.blockOffset(index), this.#clusterSize, 1, { at });
  }

  /** Place of the first wanted cluster that is not below `cluster`. */
  #firstFrom(cluster: number): number {
    let low = 0;
    let high = this.#ascending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ascending[middle]! < cluster) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #place(index: number): Place {
    const { offset, guest, snapshot } = this.#table;
    const entry = this.#piece + index;
    return {
      at: offset + entry * this.image.header.l2EntrySize,
      guest: guest + entry * this.#clusterSize,
      ...(snapshot === undefined ? {} : { snapshot }),
    };
  }
}

/**
 * Whether two of them cannot both be right. Snapshots share L2 tables and data with one another and with the active
 * layer, and compressed clusters share host clusters; nothing else is shared.
 */
function exclude(claims: readonly Claim[]): boolean {
  const seen = new Set<string>();
  for (const { structure, snapshot } of claims) {
    if (structure !== claims[0]!.structure) return true;
    if (structure === 'compressed data') continue;
    const isShareable = structure === 'data' || structure === 'L2 table';
    const layer = isShareable ? `${snapshot ?? 'active'}` : '';
    if (seen.has(layer)) return true;
    seen.add(layer);
  }
  return false;
}
