/** A set of clusters in parts of equal size, ascending. */
import type { ClusterBits } from '../clusterSet';
import { type ClusterCount, hostCluster, type HostCluster } from '../units';

/** The clusters of a set from one to before the other. */
export interface Stretch {
  readonly from: HostCluster;
  readonly to: HostCluster;
  /** Of the set; there may be others between them. */
  readonly count: ClusterCount;
}

export class Stretches {
  readonly #stretches: Stretch[] = [];

  /** @param most clusters of a part; the last one may have fewer */
  constructor(set: ClusterBits, most: ClusterCount) {
    let from = hostCluster(0);
    let to = hostCluster(0);
    let count = 0;
    const close = (): void => {
      if (count > 0) this.#stretches.push({ from, to, count });
      count = 0;
    };
    set.forEachRun((first, length) => {
      for (let done = 0; done < length;) {
        if (count === 0) from = hostCluster(first + done);
        const step = Math.min(length - done, most - count);
        count += step;
        done += step;
        to = hostCluster(first + done);
        if (count === most) close();
      }
    });
    close();
  }

  get count(): number {
    return this.#stretches.length;
  }

  /** @param index below `count` */
  at(index: number): Stretch {
    const stretch = this.#stretches[index];
    if (stretch === undefined) throw new RangeError(`no stretch ${index}`);
    return stretch;
  }

  /** Index of the stretch that a cluster of the set is in. */
  indexOf(cluster: HostCluster): number {
    let low = 0;
    let high = this.#stretches.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#stretches[middle]?.from ?? 0) <= cluster) low = middle;
      else high = middle;
    }
    return low;
  }
}
