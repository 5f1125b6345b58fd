/** Sets of places on the guest's disk, in units of what an L2 entry can tell apart. */
import { BitSet, type RunCursor } from './bitSet';
import { type ByteLength, guestOffset, type GuestOffset } from './units';

/** Told of a range of guest bytes. */
type RangeVisitor = (start: GuestOffset, end: GuestOffset) => void;

class UnitBits extends BitSet<number> {
  constructor() {
    super((unit) => unit);
  }

  without(others: UnitBits): UnitBits {
    const left = new UnitBits();
    this.copyWithout([others], left);
    return left;
  }
}

export class GuestSet {
  #units = new UnitBits();

  constructor(
    /** Bytes of a unit: a subcluster, or a cluster in an image that has none. */
    readonly unit: ByteLength,
    /** Bytes of the disk; its end may lie within a unit. */
    readonly size: ByteLength,
    /** Bytes that the set stands for, where that is not all of its units. */
    readonly countedBytes?: ByteLength,
  ) {}

  /** Bytes of the disk that are in the set. */
  get bytes(): ByteLength {
    if (this.countedBytes !== undefined) return this.countedBytes;
    const beyond = this.size % this.unit;
    const endsInSet = beyond > 0 && this.has(guestOffset(this.size - beyond));
    return this.#units.count * this.unit - (endsInSet ? this.unit - beyond : 0);
  }

  /** Whether the unit that a guest byte lies in is in the set. */
  has(at: GuestOffset): boolean {
    return this.#units.has(Math.floor(at / this.unit));
  }

  /** Puts in the units that a range touches. */
  add(start: GuestOffset, length: ByteLength): void {
    const first = Math.floor(start / this.unit);
    this.#units.add(first, Math.ceil((start + length) / this.unit) - first);
  }

  /** Puts in the units that lie wholly within a range; the last unit of the disk may be a part of one. */
  addWhole(start: GuestOffset, end: GuestOffset): void {
    const first = Math.ceil(start / this.unit);
    const last = end >= this.size ? Math.ceil(this.size / this.unit) : Math.floor(end / this.unit);
    if (last > first) this.#units.add(first, last - first);
  }

  /**
   * What is not in another set of the same disk and unit.
   * @param bytes that it stands for
   */
  without(other: GuestSet, bytes: ByteLength): GuestSet {
    const left = new GuestSet(this.unit, this.size, bytes);
    left.#units = this.#units.without(other.#units);
    return left;
  }

  /** Visits the maximal ranges, ascending. */
  forEachRange(visit: RangeVisitor): void {
    this.#units.forEachRun((first, count) => {
      const end = Math.min(this.size, (first + count) * this.unit);
      visit(guestOffset(first * this.unit), guestOffset(end));
    });
  }

  /** Bytes of the set within a range. @param start of a unit; @param end of a unit, or of the disk */
  bytesWithin(start: GuestOffset, end: GuestOffset): ByteLength {
    let bytes = 0;
    this.#units.forEachRunWithin(start / this.unit, Math.ceil(end / this.unit), (first, count) => {
      bytes += Math.min(this.size, (first + count) * this.unit) - first * this.unit;
    });
    return bytes;
  }

  /** Goes through the ranges of the set, which must not change meanwhile. */
  cursor(): GuestCursor {
    return new GuestCursor(this.#units.cursor(), this.unit);
  }
}

/** Goes forward through the ranges of a set. */
export class GuestCursor {
  readonly #units: RunCursor;
  readonly #unit: ByteLength;

  constructor(units: RunCursor, unit: ByteLength) {
    this.#units = units;
    this.#unit = unit;
  }

  /** Of the range that `seek` has found, or a part of it from its unit on; `Infinity` where there is none. */
  get start(): GuestOffset {
    return guestOffset(this.#units.start * this.#unit);
  }

  /** First byte after it; may lie past the end of the disk. */
  get end(): GuestOffset {
    return guestOffset(this.#units.end * this.#unit);
  }

  /** Finds the first range that ends after a byte. @param at no less than in the call before */
  seek(at: GuestOffset): void {
    this.#units.seek(Math.floor(at / this.#unit));
  }
}
