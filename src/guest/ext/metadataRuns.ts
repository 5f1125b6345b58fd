/** Runs of blocks that the layout of the file system takes: superblocks, descriptors, bitmaps and inode tables. */

const FIRST_ROOM = 64;

/** Collects runs; those that follow each other become one. */
export class RunList {
  #starts = new Float64Array(FIRST_ROOM);
  #ends = new Float64Array(FIRST_ROOM);
  #count = 0;
  #isSorted = true;

  get count(): number {
    return this.#count;
  }

  startOf(index: number): number {
    return this.#starts[index]!;
  }

  endOf(index: number): number {
    return this.#ends[index]!;
  }

  /** @param end behind the last block */
  add(start: number, end: number): void {
    const last = this.#count - 1;
    if (last >= 0 && this.#ends[last] === start) {
      this.#ends[last] = end;
      return;
    }
    if (last >= 0 && start < this.#ends[last]!) this.#isSorted = false;
    if (this.#count === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#ends = grown(this.#ends);
    }
    this.#starts[this.#count] = start;
    this.#ends[this.#count++] = end;
  }

  sort(): void {
    if (this.#isSorted) return;
    const starts = this.#starts.slice(0, this.#count);
    const ends = this.#ends.slice(0, this.#count);
    const order = Uint32Array.from(starts, (_, index) => index).sort((a, b) => starts[a]! - starts[b]!);
    order.forEach((from, to) => {
      this.#starts[to] = starts[from]!;
      this.#ends[to] = ends[from]!;
    });
    this.#isSorted = true;
  }
}

function grown(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Several lists as one. Both questions are asked with ascending blocks only: each continues where it was. */
export class MetadataRuns {
  /** The first block that two runs claim; undefined where there is none, as there should be. */
  readonly overlap: number | undefined;
  readonly #inGroups: Cursor;
  readonly #inFree: Cursor;

  /** @param lists sorted from here on */
  constructor(lists: readonly RunList[]) {
    for (const list of lists) list.sort();
    this.overlap = firstOverlap(new Cursor(lists));
    this.#inGroups = new Cursor(lists);
    this.#inFree = new Cursor(lists);
  }

  /** Tells the parts of runs that are between two blocks, ascending. */
  forEachWithin(first: number, end: number, visit: (start: number, end: number) => void): void {
    const cursor = this.#inGroups;
    cursor.skipBefore(first);
    while (cursor.start < end) {
      visit(Math.max(first, cursor.start), Math.min(end, cursor.end));
      // The rest is in the next group.
      if (cursor.end > end) return;
      cursor.advance();
    }
  }

  /** @returns the first block of a run from `first` to before `end` */
  firstWithin(first: number, end: number): number | undefined {
    const cursor = this.#inFree;
    cursor.skipBefore(first);
    return cursor.start < end ? Math.max(first, cursor.start) : undefined;
  }
}

/** Merges sorted lists: `start` and `end` are those of the current run, infinite behind the last one. */
class Cursor {
  start = Infinity;
  end = Infinity;
  readonly #lists: readonly RunList[];
  readonly #next: number[];
  #list = 0;

  constructor(lists: readonly RunList[]) {
    this.#lists = lists;
    this.#next = lists.map(() => 0);
    this.#choose();
  }

  advance(): void {
    this.#next[this.#list]!++;
    this.#choose();
  }

  /** Skips runs that end at or before a block. */
  skipBefore(block: number): void {
    while (this.end <= block) this.advance();
  }

  #choose(): void {
    this.start = Infinity;
    this.end = Infinity;
    for (let index = 0; index < this.#lists.length; index++) {
      const list = this.#lists[index]!;
      const next = this.#next[index]!;
      if (next >= list.count || list.startOf(next) >= this.start) continue;
      this.start = list.startOf(next);
      this.end = list.endOf(next);
      this.#list = index;
    }
  }
}

function firstOverlap(cursor: Cursor): number | undefined {
  for (let reached = 0; cursor.start < Infinity;) {
    if (cursor.start < reached) return cursor.start;
    reached = cursor.end;
    cursor.advance();
  }
  return undefined;
}
