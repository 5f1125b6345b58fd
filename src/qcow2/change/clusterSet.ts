/** Sets of host clusters: a bit each, in pages that exist where there is something. */

/** What only asks a set. */
export interface ClusterSet {
  has(cluster: number): boolean;
}

/** Told of a run of host clusters. */
export type ClusterRunVisitor = (first: number, count: number) => void;

const PAGE_BITS = 2 ** 15;
const WORDS = PAGE_BITS / 32;
/** A page of which every cluster is in the set. */
const FULL = new Uint32Array(0);

export class ClusterBits implements ClusterSet {
  readonly #pages = new Map<number, Uint32Array>();
  #count = 0;

  /** Clusters in the set. */
  get count(): number {
    return this.#count;
  }

  has(cluster: number): boolean {
    const index = Math.floor(cluster / PAGE_BITS);
    const page = this.#pages.get(index);
    if (page === undefined || page === FULL) return page === FULL;
    const bit = cluster - index * PAGE_BITS;
    return ((page[bit >>> 5]! >>> (bit & 31)) & 1) !== 0;
  }

  /** Puts a run in; clusters that are in already stay. */
  add(first: number, count = 1): void {
    const end = first + count;
    for (let at = first; at < end;) {
      const index = Math.floor(at / PAGE_BITS);
      const from = at - index * PAGE_BITS;
      const to = Math.min(PAGE_BITS, end - index * PAGE_BITS);
      this.#addToPage(index, from, to);
      at = index * PAGE_BITS + to;
    }
  }

  /** Visits the maximal runs, ascending. */
  forEachRun(visit: ClusterRunVisitor): void {
    let start = 0;
    let end = 0;
    const take = (first: number, count: number): void => {
      if (first === end && end !== start) {
        end += count;
        return;
      }
      if (end > start) visit(start, end - start);
      start = first;
      end = first + count;
    };
    for (const index of [...this.#pages.keys()].sort((one, other) => one - other)) {
      const page = this.#pages.get(index)!;
      if (page === FULL) take(index * PAGE_BITS, PAGE_BITS);
      else forEachRunOfPage(page, index * PAGE_BITS, take);
    }
    if (end > start) visit(start, end - start);
  }

  #addToPage(index: number, from: number, to: number): void {
    let page = this.#pages.get(index);
    if (page === FULL) return;
    if (page === undefined) {
      if (to - from === PAGE_BITS) {
        this.#pages.set(index, FULL);
        this.#count += PAGE_BITS;
        return;
      }
      this.#pages.set(index, (page = new Uint32Array(WORDS)));
    }
    for (let bit = from; bit < to; bit++) {
      const mask = 1 << (bit & 31);
      const word = page[bit >>> 5]!;
      if ((word & mask) !== 0) continue;
      page[bit >>> 5] = word | mask;
      this.#count++;
    }
  }
}

function forEachRunOfPage(page: Uint32Array, first: number, visit: ClusterRunVisitor): void {
  const isIn = (bit: number): boolean => ((page[bit >>> 5]! >>> (bit & 31)) & 1) !== 0;
  for (let bit = 0; bit < PAGE_BITS;) {
    if (page[bit >>> 5] === 0) {
      bit = (bit | 31) + 1;
      continue;
    }
    if (!isIn(bit)) {
      bit++;
      continue;
    }
    const start = bit;
    while (bit < PAGE_BITS && isIn(bit)) bit++;
    visit(first + start, bit - start);
  }
}
