/** Extents of files on a disk, millions of them if need be: 28 bytes each, in typed arrays. Extents may overlap. */

/** Extents that one question looks at: on a damaged disk, a giant one may hide millions. */
const MOST_LOOKED_AT = 65_536;

export class ExtentList {
  #starts = new Float64Array(1024);
  #ends = new Float64Array(1024);
  #owners = new Uint32Array(1024);
  /** Of each extent and all before it, the greatest end; empty until they are sorted. */
  #reach = new Float64Array();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param owner a number of the caller's */
  add(start: number, end: number, owner: number): void {
    if (end <= start) return;
    const last = this.#count - 1;
    if (last >= 0 && this.#ends[last] === start && this.#owners[last] === owner) {
      this.#ends[last] = end;
      return;
    }
    if (this.#count === this.#starts.length) this.#resize(this.#count * 2);
    this.#starts[this.#count] = start;
    this.#ends[this.#count] = end;
    this.#owners[this.#count++] = owner;
  }

  /** Puts them in the order of their starts: to be called once, before the first question and after the last extent. */
  sort(): void {
    const starts = this.#starts.subarray(0, this.#count);
    const order = Uint32Array.from(starts, (_, index) => index).sort(
      (one, other) => (starts[one] ?? 0) - (starts[other] ?? 0),
    );
    this.#starts = Float64Array.from(order, (index) => this.#starts[index] ?? 0);
    this.#ends = Float64Array.from(order, (index) => this.#ends[index] ?? 0);
    this.#owners = Uint32Array.from(order, (index) => this.#owners[index] ?? 0);
    let reach = 0;
    this.#reach = this.#ends.map((end) => (reach = Math.max(reach, end)));
  }

  /** Tells the extents that have bytes of a range. */
  forEachIn(start: number, end: number, visit: (start: number, end: number, owner: number) => void): void {
    let index = this.#firstFrom(end);
    for (let left = MOST_LOOKED_AT; index-- > 0 && left > 0 && (this.#reach[index] ?? 0) > start; left--) {
      const extentEnd = this.#ends[index] ?? 0;
      if (extentEnd > start) visit(this.#starts[index] ?? 0, extentEnd, this.#owners[index] ?? 0);
    }
  }

  /** The first extent that starts at a place or after it. */
  #firstFrom(place: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? Infinity) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #resize(length: number): void {
    const [starts, ends, owners] = [this.#starts, this.#ends, this.#owners];
    this.#starts = new Float64Array(length);
    this.#starts.set(starts);
    this.#ends = new Float64Array(length);
    this.#ends.set(ends);
    this.#owners = new Uint32Array(length);
    this.#owners.set(owners);
  }
}
