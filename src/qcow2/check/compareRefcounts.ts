/** The second part of the check: refcounts as they are on disk against the references that were counted. */
import type { Progress } from '../progress';
import { type ByteLength, type ClusterCount, hostCluster, type HostCluster, hostOffset } from '../units';
import { SPILLED, UNREADABLE, type ClusterCounts } from './clusterCounts';
import type { DiskRefcounts } from './diskRefcounts';
import type { Findings } from './findings';
import type { FindingKind } from '../findingText';

export class RefcountComparison {
  /** Highest cluster that is referred to or has a refcount. */
  highest = 0;
  /** What is wrong with the clusters from `#start` to before `#end`. */
  #kind: FindingKind | undefined;
  #start = 0;
  #end = 0;
  #refcount = 0;
  #references = 0;

  /** @param clusters to compare, from 0 on */
  constructor(
    readonly counts: ClusterCounts,
    readonly disk: DiskRefcounts,
    readonly clusters: ClusterCount,
    readonly clusterSize: ByteLength,
    readonly findings: Findings,
  ) {}

  /** @throws FileError, CancelledError */
  run(progress: Progress): void {
    const size = 1 << this.counts.pageBits;
    const nothing = new Uint8Array(size);
    for (let index = 0; index * size < this.clusters; index++) {
      progress.checkCancelled();
      const refcounts = this.disk.page(index);
      const references = this.counts.page(index);
      if (references === undefined && this.disk.isAllZero(refcounts)) continue;
      const length = Math.min(size, this.clusters - index * size);
      this.#comparePage(index * size, length, refcounts, references ?? nothing);
    }
    this.#flush();
    for (const cluster of this.counts.spilled()) this.#compareSpilled(hostCluster(cluster));
    this.#flush();
  }

  #comparePage(base: number, length: ClusterCount, refcounts: Uint8Array, references: Uint8Array): void {
    if (Buffer.compare(refcounts, references) !== 0)
      this.#findDifferences(base, length, refcounts, references);
    for (let at = length - 1; at >= 0; at--) {
      // Where the refcount cannot be read QEMU looks no further.
      if (refcounts[at] === UNREADABLE || (refcounts[at]! | references[at]!) === 0) continue;
      this.highest = base + at;
      break;
    }
  }

  #findDifferences(base: number, length: ClusterCount, refcounts: Uint8Array, references: Uint8Array): void {
    const left = new Uint32Array(refcounts.buffer, refcounts.byteOffset, refcounts.length / 4);
    const right = new Uint32Array(references.buffer, references.byteOffset, references.length / 4);
    for (let at = 0; at < length;) {
      // Four at a time where nothing is wrong.
      if (at % 4 === 0 && left[at / 4] === right[at / 4]) {
        at += 4;
        continue;
      }
      if (refcounts[at] === references[at]) {
        at++;
        continue;
      }
      const next = endOfTrouble(refcounts, references, at, length);
      this.#differ(hostCluster(base + at), refcounts[at]!, next - at);
      at = next;
    }
  }

  /** Both are beyond what a byte holds: equal so far. */
  #compareSpilled(cluster: HostCluster): void {
    if (cluster >= this.clusters) return;
    const index = cluster >>> this.counts.pageBits;
    const byte = this.disk.page(index)[cluster - index * (1 << this.counts.pageBits)];
    if (byte === SPILLED && this.disk.of(cluster) !== this.counts.of(cluster)) this.#differ(cluster, SPILLED);
  }

  /** @param count clusters of which the same is true */
  #differ(cluster: HostCluster, byte: number, count = 1): void {
    const references = this.counts.of(cluster);
    if (byte === UNREADABLE) {
      this.#note('refcountUnreadable', cluster, count, 0, references);
      return;
    }
    const refcount = this.disk.of(cluster) ?? 0;
    const kind = refcount > references ? 'refcountTooHigh' : 'refcountTooLow';
    this.#note(kind, cluster, count, refcount, references);
  }

  /** Neighbours with the same trouble become one finding. */
  #note(kind: FindingKind, cluster: HostCluster, count: number, refcount: number, references: number): void {
    const continues =
      kind === this.#kind &&
      cluster === this.#end &&
      refcount === this.#refcount &&
      references === this.#references;
    if (!continues) {
      this.#flush();
      this.#kind = kind;
      this.#start = cluster;
      this.#refcount = refcount;
      this.#references = references;
    }
    this.#end = cluster + count;
  }

  #flush(): void {
    if (this.#kind === undefined) return;
    const clusters = this.#end - this.#start;
    const facts = { host: hostOffset(this.#start * this.clusterSize), clusters, expected: this.#references };
    const found = this.#kind === 'refcountUnreadable' ? {} : { found: this.#refcount };
    this.findings.add(this.#kind, { ...facts, ...found }, clusters);
    this.#kind = undefined;
  }
}

/** Where the trouble of a cluster ends: those from there on have another refcount, or other references. */
function endOfTrouble(
  refcounts: Uint8Array,
  references: Uint8Array,
  first: number,
  length: ClusterCount,
): number {
  const refcount = refcounts[first];
  const count = references[first];
  let at = first + 1;
  // What a byte does not hold is looked up for each.
  if (refcount === SPILLED || count === SPILLED) return at;
  while (at < length && refcounts[at] === refcount && references[at] === count) at++;
  return at;
}
