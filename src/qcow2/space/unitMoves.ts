/** Clusters that move one by one, in batches that are taken out of two sets when their turn comes. */
import type { ClusterBits, ClusterRunVisitor } from '../clusterSet';
import { type ClusterCount, hostCluster, type HostCluster } from '../units';
import { type Stretch, Stretches } from './stretches';

/** What refers to the clusters of a batch: entries of L2 tables, or everything else. */
export type BatchKind = 'metadata' | 'data';

export interface MoveBatch {
  readonly kind: BatchKind;
  /** Clusters, ascending. */
  readonly sources: Uint32Array;
  /** As many free clusters; the first source goes to the first of them. None of them is a source. */
  readonly targets: Uint32Array;
}

export class UnitMoves {
  readonly #sources: ClusterBits;
  readonly #targets: ClusterBits;
  readonly #from: Stretches;
  readonly #to: Stretches;

  /**
   * @param targets as many as there are sources
   * @param most clusters of a batch, at most
   */
  constructor(
    readonly kind: BatchKind,
    sources: ClusterBits,
    targets: ClusterBits,
    readonly most: ClusterCount,
  ) {
    this.#sources = sources;
    this.#targets = targets;
    this.#from = new Stretches(sources, most);
    this.#to = new Stretches(targets, most);
  }

  /** Batches, ascending: the last one lies nearest to the file's end. */
  get batches(): number {
    return this.#from.count;
  }

  /** @param index below `batches` */
  batch(index: number): MoveBatch {
    const [from, to] = [this.#from.at(index), this.#to.at(index)];
    return { kind: this.kind, sources: listOf(this.#sources, from), targets: listOf(this.#targets, to) };
  }

  /** The batch that a cluster is in, if it moves. */
  batchOf(cluster: HostCluster): number {
    return this.#from.indexOf(cluster);
  }

  /** First cluster of the sources behind those of a batch. */
  endOf(index: number): HostCluster {
    return this.#from.at(index).to;
  }

  /** Visits the runs that move of some clusters in a row. */
  forEachSource(first: HostCluster, count: ClusterCount, visit: ClusterRunVisitor): void {
    if (count > 1) this.#sources.forEachRunWithin(first, hostCluster(first + count), visit);
    else if (this.#sources.has(first)) visit(first, 1);
  }
}

function listOf(set: ClusterBits, { from, to, count }: Stretch): Uint32Array {
  const list = new Uint32Array(count);
  let at = 0;
  set.forEachRunWithin(from, to, (first, length) => {
    for (let done = 0; done < length; done++) list[at++] = first + done;
  });
  return list;
}
