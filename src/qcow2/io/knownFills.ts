/**
 * Stretches of a file that were read and found to be fills: they need not be read again. A
 * terabyte's tables are read once so, by the check, and are a few hundred kilobytes to remember. Like everything that
 * is read early it may be outdated when it is used: a save compares it with the file before it writes.
 */
import { type ByteLength, type HostOffset, plus } from '../units';
import type { Fill } from './fill';

/** Stretches that are remembered. */
const MOST = 1 << 16;

interface KnownFill {
  /** Bytes from the start of the file. */
  readonly end: HostOffset;
  readonly fill: Fill;
}

export class KnownFills {
  /** By where they begin. */
  readonly #stretches = new Map<number, KnownFill>();
  /** Bytes of the longest and of the shortest one. */
  #longest = 0;
  #shortest = Infinity;

  /**
   * @param offset bytes from the start of the file, a multiple of `length`
   * @param length bytes, within the file; a power of two
   */
  add(offset: HostOffset, length: ByteLength, fill: Fill): void {
    if (this.#stretches.size >= MOST) return;
    this.#stretches.set(offset, { end: plus(offset, length), fill });
    this.#longest = Math.max(this.#longest, length);
    this.#shortest = Math.min(this.#shortest, length);
  }

  /**
   * The fill that some bytes are, if that is known: they lie in a stretch that was added, or in several that continue
   * each other.
   * @param offset a multiple of 8
   */
  at(offset: HostOffset, length: ByteLength): Fill | undefined {
    const end = offset + length;
    const first = this.#around(offset);
    if (first === undefined) return undefined;
    for (let at = first.end; at < end;) {
      const next = this.#stretches.get(at);
      if (next?.fill.agreesWith(first.fill, at) !== true) return undefined;
      at = next.end;
    }
    return first.fill;
  }

  #around(offset: HostOffset): KnownFill | undefined {
    for (let length = this.#longest; length >= this.#shortest; length /= 2) {
      const found = this.#stretches.get(offset - (offset % length));
      if (found !== undefined && found.end > offset) return found;
    }
    return undefined;
  }
}
