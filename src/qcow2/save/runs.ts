/** Stretches of sectors of one role, merged where they touch. The length of a plan depends on how scattered the changes are. */
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import { CHUNK, SECTOR, type Role } from './role';

export type RunVisitor = (offset: HostOffset, length: ByteLength, role: Role) => void;

export class Runs {
  readonly #offsets: HostOffset[] = [];
  readonly #ends: number[] = [];
  readonly #roles: Role[] = [];
  /** Bytes of all runs. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.#offsets.length === 0;
  }

  /** Adds whole sectors, in bytes. Runs do not overlap. */
  add(offset: HostOffset, length: ByteLength, role: Role): void {
    if (length <= 0) return;
    this.bytes += length;
    const last = this.#offsets.length - 1;
    if (last >= 0 && this.#ends[last] === offset && this.#roles[last] === role) {
      this.#ends[last] = offset + length;
      return;
    }
    this.#offsets.push(offset);
    this.#ends.push(offset + length);
    this.#roles.push(role);
  }

  forEach(visit: RunVisitor): void {
    for (let index = 0; index < this.#offsets.length; index++) {
      const offset = this.#offsets[index]!;
      visit(offset, this.#ends[index]! - offset, this.#roles[index]!);
    }
  }

  /** Visits them in pieces of at most `CHUNK` bytes that do not cross its multiples, nor those of `boundary`. */
  forEachChunk(boundary: number, visit: RunVisitor): void {
    const step = Math.min(CHUNK, boundary);
    this.forEach((offset, length, role) => {
      const end = offset + length;
      for (let at = offset; at < end;) {
        const next = hostOffset(Math.min(end, (Math.floor(at / step) + 1) * step));
        visit(at, next - at, role);
        at = next;
      }
    });
  }
}

/** Visits the stretches of sectors in which two contents differ, as byte ranges within them. */
export function forEachDifference(
  one: Uint8Array,
  other: Uint8Array,
  visit: (start: number, end: number) => void,
): void {
  if (Buffer.compare(one, other) === 0) return;
  let start = -1;
  for (let at = 0; at < one.length; at += SECTOR) {
    const end = Math.min(one.length, at + SECTOR);
    // Most sectors that differ do so in their first entry.
    const differs =
      one[at + 7] !== other[at + 7] ||
      one[at] !== other[at] ||
      Buffer.compare(one.subarray(at, end), other.subarray(at, end)) !== 0;
    if (differs) {
      if (start < 0) start = at;
    } else if (start >= 0) {
      visit(start, at);
      start = -1;
    }
  }
  if (start >= 0) visit(start, one.length);
}
