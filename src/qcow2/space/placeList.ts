/** Places of table entries: how many in a row, from which byte of the file on. They may be millions. */
import { hostOffset, type HostOffset } from '../units';

/** Of a new list. */
const FIRST = 16;

export class PlaceList {
  /** Offset and number of entries in turns. */
  #pairs = new Float64Array(FIRST);
  #length = 0;

  /** @param stride bytes from an entry to the next one */
  constructor(readonly stride: number) {}

  /** Bytes of memory. */
  get bytes(): number {
    return this.#pairs.byteLength;
  }

  /** Adds `count` entries in a row, the first one at `offset`. */
  add(offset: HostOffset, count: number): void {
    const last = this.#length - 2;
    if (last >= 0 && this.#offset(last) + this.#count(last) * this.stride === offset) {
      this.#pairs[last + 1] = this.#count(last) + count;
      return;
    }
    if (this.#length === this.#pairs.length) {
      const pairs = new Float64Array(this.#length * 2);
      pairs.set(this.#pairs);
      this.#pairs = pairs;
    }
    this.#pairs[this.#length] = offset;
    this.#pairs[this.#length + 1] = count;
    this.#length += 2;
  }

  /** In the order in which they were added. */
  forEach(visit: (offset: HostOffset, count: number) => void): void {
    for (let at = 0; at < this.#length; at += 2) visit(hostOffset(this.#offset(at)), this.#count(at));
  }

  #offset(at: number): number {
    return this.#pairs[at] ?? 0;
  }

  #count(at: number): number {
    return this.#pairs[at + 1] ?? 0;
  }
}
