/** Sets of host clusters. */
import { BitSet } from './bitSet';
import { type ClusterCount, hostCluster, type HostCluster } from './units';

/** What only asks a set. */
export interface ClusterSet {
  has(cluster: HostCluster): boolean;
}

/** A run of host clusters. */
export interface ClusterRun {
  readonly first: HostCluster;
  readonly count: ClusterCount;
}

/** Told of a run of host clusters. */
export type ClusterRunVisitor = (first: HostCluster, count: ClusterCount) => void;

export class ClusterBits extends BitSet<HostCluster> implements ClusterSet {
  constructor() {
    super(hostCluster);
  }

  /** Those of the set that are in none of others. */
  without(others: readonly ClusterBits[]): ClusterBits {
    const left = new ClusterBits();
    this.copyWithout(others, left);
    return left;
  }
}
