/** The clusters of a file, in order: contiguous, or linked by the file allocation table. */
import { GuestError } from '../errors';
import { type AllocationTable, BROKEN, END } from './allocationTable';
import { type Clusters, expectCluster, FIRST } from './clusters';

/** Clusters that follow each other on the device. */
export interface Run {
  readonly cluster: number;
  readonly count: number;
}

export interface Chain {
  /**
   * The clusters from one of a file's clusters on, as far as they are contiguous.
   * @param index of the first, from 0
   * @param most at least 1
   * @returns undefined where the file has no cluster of this index
   * @throws GuestError where the chain is broken or runs in a circle before it gets there
   */
  run(index: number, most: number): Run | undefined;
}

/** A file that exFAT stores without a chain (NoFatChain). */
export class ContiguousChain implements Chain {
  readonly #first: number;
  readonly #count: number;

  /** @param offset where the file's entry is, for the error @throws GuestError where it is not wholly on the volume */
  constructor(clusters: Clusters, first: number, count: number, offset: number) {
    if (count > 0) expectCluster(clusters, first, 'first cluster', offset);
    if (count > clusters.count + FIRST - first) {
      const facts = { offset, value: first + count - 1, limit: clusters.count + 1 };
      throw new GuestError('guest.beyond', { what: 'contiguous file', ...facts });
    }
    this.#first = first;
    this.#count = count;
  }

  run(index: number, most: number): Run | undefined {
    if (index >= this.#count) return undefined;
    return { cluster: this.#first + index, count: Math.min(most, this.#count - index) };
  }
}

/** How many places of a chain are remembered. */
const MOST_MARKS = 32_768;
/** Clusters between two remembered places, at first; it doubles when there are too many. */
const FIRST_STRIDE = 16;

/** So many clusters from the start, one that comes twice is noticed at once. */
const EXACT = 4096;

const LOOP = -1;

/**
 * A chain of the file allocation table. It is followed once, as far as is asked for; going back begins at a remembered place
 * nearby. A circle is found when it closes, or, in long chains, with Brent's algorithm after a few times its length.
 */
export class LinkedChain implements Chain {
  readonly #table: AllocationTable;
  /** Every `#stride`th cluster of what has been followed. */
  #marks: number[];
  #stride = FIRST_STRIDE;
  #furthest = 0;
  /** The first clusters of it. */
  readonly #seen: Set<number>;
  /** Where it is now. */
  #index = 0;
  #cluster: number;
  /** Brent's: the cluster that the ones up to index `#lap` are compared with. */
  #compared: number;
  #lap = 1;

  /** @param offset of the structure that names the first cluster @throws GuestError `guest.value` */
  constructor(table: AllocationTable, first: number, offset: number) {
    expectCluster(table.clusters, first, 'first cluster', offset);
    this.#table = table;
    this.#marks = [first];
    this.#cluster = first;
    this.#compared = first;
    this.#seen = new Set([first]);
  }

  run(index: number, most: number): Run | undefined {
    const cluster = this.#seek(index);
    if (cluster === END) return undefined;
    let count = 1;
    while (count < most && this.#advance() === cluster + count) count++;
    return { cluster, count };
  }

  #seek(index: number): number {
    const mark = Math.min(Math.floor(index / this.#stride), this.#marks.length - 1);
    const marked = this.#marks[mark];
    if ((index < this.#index || mark * this.#stride > this.#index) && marked !== undefined) {
      this.#index = mark * this.#stride;
      this.#cluster = marked;
    }
    while (this.#index < index) {
      const next = this.#advance();
      if (next === END) return END;
      if (next === BROKEN) throw this.#table.broken(this.#cluster);
      if (next === LOOP) throw this.#table.loop(this.#cluster);
    }
    return this.#cluster;
  }

  /** Moves to the next cluster, and returns it; where there is none (`END`, `BROKEN`, `LOOP`), it stays. */
  #advance(): number {
    const next = this.#table.next(this.#cluster);
    if (next < FIRST) return next;
    const index = this.#index + 1;
    if (index > this.#furthest) {
      if (next === this.#compared || this.#seen.has(next)) return LOOP;
      if (index < EXACT) this.#seen.add(next);
      this.#furthest = index;
      if (index % this.#stride === 0) this.#mark(next);
      if (index === this.#lap) {
        this.#compared = next;
        this.#lap *= 2;
      }
    }
    this.#index = index;
    this.#cluster = next;
    return next;
  }

  #mark(cluster: number): void {
    if (this.#marks.length === MOST_MARKS) {
      this.#marks = this.#marks.filter((_, number) => number % 2 === 0);
      this.#stride *= 2;
    }
    this.#marks.push(cluster);
  }
}

/** Chains that were followed last, by their first cluster: reading a file piece by piece does not begin again each time. */
export class ChainCache {
  static readonly #MOST = 16;
  readonly #table: AllocationTable;
  readonly #chains = new Map<number, LinkedChain>();

  constructor(table: AllocationTable) {
    this.#table = table;
  }

  /** @param offset of the structure that names the first cluster @throws GuestError `guest.value` */
  chain(first: number, offset: number): LinkedChain {
    const chain = this.#chains.get(first) ?? new LinkedChain(this.#table, first, offset);
    this.#chains.delete(first);
    this.#chains.set(first, chain);
    if (this.#chains.size > ChainCache.#MOST) this.#chains.delete(this.#chains.keys().next().value ?? first);
    return chain;
  }
}
