/** Sets of numbers from 0 on: a bit each, in pages that exist where there is something. */
import { bitCount, trailingZeroes } from './bits';

/** Told of a run of numbers. */
type RunVisitor<N extends number> = (first: N, count: number) => void;

const PAGE_BITS = 1 << 15;
/** Words of bits in a page; the word behind them counts those that are set. */
const WORDS = PAGE_BITS / 32;
/** A page of which everything is in the set. */
const FULL = new Uint32Array(0);

/** @typeParam N what the numbers are, for the compiler */
export class BitSet<N extends number> {
  readonly #pages = new Map<number, Uint32Array>();
  /** Gives a number its type. */
  readonly #typed: (plain: number) => N;
  #count = 0;

  constructor(typed: (plain: number) => N) {
    this.#typed = typed;
  }

  /** How many are in the set. */
  get count(): number {
    return this.#count;
  }

  has(number: N): boolean {
    const index = Math.floor(number / PAGE_BITS);
    const page = this.#pages.get(index);
    if (page === undefined || page === FULL) return page === FULL;
    const bit = number - index * PAGE_BITS;
    return ((page[bit >>> 5]! >>> (bit & 31)) & 1) !== 0;
  }

  /**
   * Puts a run in.
   * @param wasIn is told of those that were in already
   */
  add(first: N, count = 1, wasIn?: (number: N) => void): void {
    const end = first + count;
    for (let at: number = first; at < end;) {
      const index = Math.floor(at / PAGE_BITS);
      const from = at - index * PAGE_BITS;
      const to = Math.min(PAGE_BITS, end - index * PAGE_BITS);
      this.#addToPage(index, from, to, wasIn);
      at = index * PAGE_BITS + to;
    }
  }

  /** Visits the maximal runs, ascending. */
  forEachRun(visit: RunVisitor<N>): void {
    this.#visit([...this.#pages.keys()], visit);
  }

  /** Visits the runs from `first` to before `end`, ascending; at both ends a longer run is cut off. */
  forEachRunWithin(first: N, end: N, visit: RunVisitor<N>): void {
    const last = Math.ceil(end / PAGE_BITS);
    const pages: number[] = [];
    for (let index = Math.floor(first / PAGE_BITS); index < last; index++) {
      if (this.#pages.has(index)) pages.push(index);
    }
    this.#visit(pages, (from, count) => {
      const start = Math.max(first, from);
      const stop = Math.min(end, from + count);
      if (start < stop) visit(this.#typed(start), stop - start);
    });
  }

  /** Goes through the runs of the set, which must not change meanwhile. */
  cursor(): RunCursor {
    return new RunCursor([...this.#pages].sort(([one], [other]) => one - other));
  }

  /** How many of the set are from `first` to before `end`. */
  countWithin(first: N, end: N): number {
    let found = 0;
    this.forEachRunWithin(first, end, (_from, count) => {
      found += count;
    });
    return found;
  }

  /** Puts into an empty set what is in none of others. */
  protected copyWithout(others: readonly BitSet<N>[], left: BitSet<N>): void {
    for (const [index, page] of this.#pages) {
      const words = page === FULL ? new Uint32Array(WORDS + 1).fill(0xffffffff) : page.slice();
      for (const other of others) {
        const theirs = other.#pages.get(index);
        if (theirs === FULL) words.fill(0);
        else if (theirs !== undefined) for (let at = 0; at < WORDS; at++) words[at]! &= ~theirs[at]!;
      }
      let count = 0;
      for (let at = 0; at < WORDS; at++) count += bitCount(words[at]!);
      if (count === 0) continue;
      words[WORDS] = count;
      left.#pages.set(index, count === PAGE_BITS ? FULL : words);
      left.#count += count;
    }
  }

  #visit(pages: number[], visit: RunVisitor<N>): void {
    let start = 0;
    let end = 0;
    const take = (first: number, count: number): void => {
      if (first === end && end !== start) {
        end += count;
        return;
      }
      if (end > start) visit(this.#typed(start), end - start);
      start = first;
      end = first + count;
    };
    for (const index of pages.sort((one, other) => one - other)) {
      const page = this.#pages.get(index)!;
      if (page === FULL) take(index * PAGE_BITS, PAGE_BITS);
      else forEachRunOfPage(page, index * PAGE_BITS, take);
    }
    if (end > start) visit(this.#typed(start), end - start);
  }

  #addToPage(index: number, from: number, to: number, wasIn?: (number: N) => void): void {
    const page = this.#pages.get(index) ?? this.#newPage(index, to - from);
    if (page === undefined) return;
    let added = 0;
    for (let bit = from; bit < to;) {
      const start = bit & 31;
      const count = Math.min(32 - start, to - bit);
      const mask = count === 32 ? -1 : ((1 << count) - 1) << start;
      const word = bit >>> 5;
      const were = page === FULL ? mask : page[word]! & mask;
      if (page !== FULL) page[word]! |= mask;
      added += bitCount(mask & ~were);
      if (were !== 0 && wasIn !== undefined)
        forEachBit(were, index * PAGE_BITS + bit - start, (number) => {
          wasIn(this.#typed(number));
        });
      bit += count;
    }
    if (added === 0) return;
    this.#count += added;
    page[WORDS]! += added;
    if (page[WORDS] === PAGE_BITS) this.#pages.set(index, FULL);
  }

  /** A page to put `count` numbers in; none where they are all it has room for. */
  #newPage(index: number, count: number): Uint32Array | undefined {
    const isFull = count === PAGE_BITS;
    const page = isFull ? FULL : new Uint32Array(WORDS + 1);
    this.#pages.set(index, page);
    if (!isFull) return page;
    this.#count += PAGE_BITS;
    return undefined;
  }
}

/** Goes forward through the runs of a set: for walks that ask for one place after the other. */
export class RunCursor {
  /** Of the run that `seek` has found, from the place that was asked for on; `Infinity` where there is none. */
  start = 0;
  /** First number after it. */
  end = 0;
  readonly #pages: readonly (readonly [index: number, page: Uint32Array])[];
  #at = 0;

  /** @param pages ascending */
  constructor(pages: readonly (readonly [index: number, page: Uint32Array])[]) {
    this.#pages = pages;
  }

  /** Finds the first run that ends after a number. @param from no less than in the call before */
  seek(from: number): void {
    if (from < this.end) return;
    this.start = this.#nextIn(from);
    this.end = this.start === Infinity ? Infinity : this.#endFrom(this.start);
  }

  #nextIn(from: number): number {
    for (; this.#at < this.#pages.length; this.#at++) {
      const [index, page] = this.#pages[this.#at]!;
      const first = index * PAGE_BITS;
      if (first + PAGE_BITS <= from) continue;
      const bit = Math.max(0, from - first);
      const start = page === FULL ? bit : startOfRun(page, bit);
      if (start < PAGE_BITS) return first + start;
    }
    return Infinity;
  }

  /** @param start in the page that the cursor is at */
  #endFrom(start: number): number {
    let end = start;
    for (; this.#at < this.#pages.length; this.#at++) {
      const [index, page] = this.#pages[this.#at]!;
      const first = index * PAGE_BITS;
      if (first > end) break;
      end = first + (page === FULL ? PAGE_BITS : endOfRun(page, end - first));
      if (end < first + PAGE_BITS) break;
    }
    return end;
  }
}

function forEachRunOfPage(page: Uint32Array, first: number, visit: RunVisitor<number>): void {
  for (let bit = startOfRun(page, 0); bit < PAGE_BITS;) {
    const end = endOfRun(page, bit);
    visit(first + bit, end - bit);
    bit = startOfRun(page, end);
  }
}

/** The first bit from `start` on that is set; `PAGE_BITS` where there is none. */
function startOfRun(page: Uint32Array, start: number): number {
  for (let bit = start; bit < PAGE_BITS; bit = (bit | 31) + 1) {
    const set = page[bit >>> 5]! >>> (bit & 31);
    if (set !== 0) return bit + trailingZeroes(set);
  }
  return PAGE_BITS;
}

/** The first bit from `start` on that is not set; `PAGE_BITS` where there is none. */
function endOfRun(page: Uint32Array, start: number): number {
  for (let bit = start; bit < PAGE_BITS; bit = (bit | 31) + 1) {
    const clear = ~page[bit >>> 5]! >>> (bit & 31);
    if (clear !== 0) return bit + trailingZeroes(clear);
  }
  return PAGE_BITS;
}

function forEachBit(word: number, first: number, visit: (number: number) => void): void {
  for (let rest = word; rest !== 0; rest &= rest - 1) visit(first + trailingZeroes(rest));
}
