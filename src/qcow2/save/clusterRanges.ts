/** Runs of host clusters, and a small number for some of those in them. */

/** Sorted runs that do not touch. */
export class ClusterRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Adds clusters from `first` to before `end`; runs come in ascending order and may overlap the last one. */
  add(first: number, end: number): void {
    const last = this.#ends.length - 1;
    if (last >= 0 && first <= this.#ends[last]!) {
      if (end > this.#ends[last]!) this.#ends[last] = end;
      return;
    }
    this.#starts.push(first);
    this.#ends.push(end);
  }

  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }

  has(cluster: number): boolean {
    const at = this.#lastFrom(cluster);
    return at >= 0 && cluster < this.#ends[at]!;
  }

  /** Visits the clusters from `first` to before `end` that are in a run. */
  forEachWithin(first: number, end: number, visit: (cluster: number) => void): void {
    for (let at = Math.max(0, this.#lastFrom(first)); at < this.#starts.length; at++) {
      const start = Math.max(first, this.#starts[at]!);
      const stop = Math.min(end, this.#ends[at]!);
      if (this.#starts[at]! >= end) return;
      for (let cluster = start; cluster < stop; cluster++) visit(cluster);
    }
  }

  /** Index of the last run that begins at or before a cluster; −1 where there is none. */
  #lastFrom(cluster: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= cluster) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Clusters; few, since tables lie thousands of clusters apart. */
const PAGE = 256;

/** A byte for each cluster, 0 unless set: pages exist where something was set. */
export class ClusterBytes {
  readonly #pages = new Map<number, Uint8Array>();

  get(cluster: number): number {
    return this.#pages.get(Math.floor(cluster / PAGE))?.[cluster % PAGE] ?? 0;
  }

  set(cluster: number, value: number): void {
    const index = Math.floor(cluster / PAGE);
    let page = this.#pages.get(index);
    if (page === undefined) this.#pages.set(index, (page = new Uint8Array(PAGE)));
    page[cluster % PAGE] = value;
  }
}
