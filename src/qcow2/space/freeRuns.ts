/** The free clusters before the end that a file is to have: what they are given to, and which are left. */
import { ClusterBits } from '../clusterSet';
import { type ClusterCount, hostCluster, type HostCluster } from '../units';

/** Return `false` to stop. */
type GapVisitor = (first: HostCluster, count: ClusterCount) => boolean | undefined;

export class FreeRuns {
  readonly #used = new ClusterBits();

  /** @param end what comes from there on is not handed out */
  constructor(
    inUse: ClusterBits,
    readonly end: HostCluster,
  ) {
    inUse.forEachRunWithin(hostCluster(0), end, (first, count) => {
      this.#used.add(first, count);
    });
  }

  /** Free clusters that are left. */
  get count(): ClusterCount {
    return this.end - this.#used.count;
  }

  /** Gives clusters away. They are free. */
  take(first: HostCluster, count: ClusterCount): void {
    this.#used.add(first, count);
  }

  /**
   * Takes the lowest `count` clusters in a row.
   * @returns the first one; undefined where there are none
   */
  takeRun(count: ClusterCount): HostCluster | undefined {
    let found: HostCluster | undefined;
    this.forEachRun(hostCluster(0), this.end, (first, free) => {
      if (free < count) return true;
      found = first;
      return false;
    });
    if (found !== undefined) this.take(found, count);
    return found;
  }

  /** Takes the lowest cluster from `from` to before `to`. */
  takeWithin(from: HostCluster, to: HostCluster): HostCluster | undefined {
    let found: HostCluster | undefined;
    this.forEachRun(from, hostCluster(Math.min(to, this.end)), (first) => {
      found = first;
      return false;
    });
    if (found !== undefined) this.take(found, 1);
    return found;
  }

  /** The lowest `count` clusters; there are as many. They are given away with that. */
  takeLowest(count: ClusterCount): ClusterBits {
    const taken = new ClusterBits();
    this.forEachRun(hostCluster(0), this.end, (first, free) => {
      const step = Math.min(free, count - taken.count);
      if (step > 0) taken.add(first, step);
      return taken.count < count;
    });
    taken.forEachRun((first, free) => {
      this.take(first, free);
    });
    return taken;
  }

  /** Visits the free runs of a stretch, ascending. */
  forEachRun(from: HostCluster, to: HostCluster, visit: GapVisitor): void {
    const state = { at: from, isGoing: true };
    this.#used.forEachRunWithin(from, to, (first, count) => {
      if (state.isGoing && first > state.at) state.isGoing = visit(state.at, first - state.at) !== false;
      state.at = hostCluster(first + count);
    });
    if (state.isGoing && state.at < to) visit(state.at, to - state.at);
  }
}
