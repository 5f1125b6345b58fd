/** Runs of host clusters or sectors, and a small number for some clusters. */
import type { HostCluster } from '../units';

/** Sorted runs of clusters, or of sectors, that do not touch. */
export class Ranges<Place extends number> {
  readonly #starts: Place[] = [];
  readonly #ends: Place[] = [];

  /** Adds what is from `first` to before `end`; runs come in ascending order and may overlap the last one. */
  add(first: Place, end: Place): void {
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

  has(place: Place): boolean {
    const at = this.#lastFrom(place);
    return at >= 0 && place < this.#ends[at]!;
  }

  /** Visits what is from `first` to before `end` and in a run. */
  forEachWithin(first: Place, end: Place, visit: (place: Place) => void): void {
    for (let at = Math.max(0, this.#lastFrom(first)); at < this.#starts.length; at++) {
      const start = this.#starts[at]! > first ? this.#starts[at]! : first;
      const stop = Math.min(end, this.#ends[at]!);
      if (this.#starts[at]! >= end) return;
      for (let place = start; place < stop; place++) visit(place);
    }
  }

  /** Index of the last run that begins at or before a place; −1 where there is none. */
  #lastFrom(place: Place): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= place) low = middle + 1;
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

  get(cluster: HostCluster): number {
    return this.#pages.get(Math.floor(cluster / PAGE))?.[cluster % PAGE] ?? 0;
  }

  set(cluster: HostCluster, value: number): void {
    const index = Math.floor(cluster / PAGE);
    let page = this.#pages.get(index);
    if (page === undefined) this.#pages.set(index, (page = new Uint8Array(PAGE)));
    page[cluster % PAGE] = value;
  }
}
