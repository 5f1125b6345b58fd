/**
 * Files that live in memory: whole (`MemoryFile`) or as pages in a sea of zeroes (`SparseMemoryFile`, for files
 * that are huge and mostly empty). For content that has no local file, and for tests.
 */
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import type { BlockFile, FileExtent } from './blockFile';

export class MemoryFile implements BlockFile {
  readonly knowsHoles = false;

  /** `bytes` is used as it is, not copied. */
  constructor(
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {}

  get size(): ByteLength {
    return this.bytes.length;
  }

  get allocatedBytes(): ByteLength {
    return this.bytes.length;
  }

  read(target: Uint8Array, offset: HostOffset): void {
    const part = this.bytes.subarray(offset, offset + target.length);
    target.set(part);
    target.fill(0, part.length);
  }

  extentAt(offset: HostOffset): FileExtent {
    return offset >= this.size
      ? { isHole: true, end: hostOffset(Infinity) }
      : { isHole: false, end: hostOffset(this.size) };
  }

  close(): void {
    // Nothing is held.
  }
}

/** Bytes of one page of a `SparseMemoryFile`. */
const PAGE = 4096;

export class SparseMemoryFile implements BlockFile {
  readonly knowsHoles = true;
  readonly #pages = new Map<number, Uint8Array>();

  /** A file of `size` bytes, all of them a hole. */
  constructor(
    readonly name: string,
    readonly size: ByteLength,
  ) {}

  get allocatedBytes(): ByteLength {
    return this.#pages.size * PAGE;
  }

  /** Puts `bytes` at `offset`; what lies past `size` is dropped. */
  put(offset: HostOffset, bytes: Uint8Array): void {
    const length = Math.min(bytes.length, this.size - offset);
    for (let done = 0; done < length;) {
      const index = Math.floor((offset + done) / PAGE);
      const within = offset + done - index * PAGE;
      const step = Math.min(PAGE - within, length - done);
      this.#touch(index).set(bytes.subarray(done, done + step), within);
      done += step;
    }
  }

  read(target: Uint8Array, offset: HostOffset): void {
    for (let done = 0; done < target.length;) {
      const index = Math.floor((offset + done) / PAGE);
      const within = offset + done - index * PAGE;
      const step = Math.min(PAGE - within, target.length - done);
      const page = this.#pages.get(index);
      if (page === undefined) target.fill(0, done, done + step);
      else target.set(page.subarray(within, within + step), done);
      done += step;
    }
  }

  extentAt(offset: HostOffset): FileExtent {
    if (offset >= this.size) return { isHole: true, end: hostOffset(Infinity) };
    const page = Math.floor(offset / PAGE);
    if (this.#pages.has(page)) {
      let next = page + 1;
      while (this.#pages.has(next)) next++;
      return { isHole: false, end: hostOffset(Math.min(next * PAGE, this.size)) };
    }
    let next = Infinity;
    for (const index of this.#pages.keys()) if (index > page && index < next) next = index;
    return { isHole: true, end: hostOffset(next * PAGE) };
  }

  close(): void {
    // Nothing is held.
  }

  #touch(index: number): Uint8Array {
    let page = this.#pages.get(index);
    if (page === undefined) this.#pages.set(index, (page = new Uint8Array(PAGE)));
    return page;
  }
}
