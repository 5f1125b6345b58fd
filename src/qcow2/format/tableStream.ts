/**
 * Walks over a table of entries of varying length without ever holding all of it: what a header declares costs no
 * memory before the entries turn out to be there.
 */
import type { BlockFile } from '../io/blockFile';

/** Bytes read at a time. */
const WINDOW = 64 * 1024;

export class TableStream {
  #window = new Uint8Array(0);
  #windowStart = 0;

  /** @param offset first byte of the table in `file` */
  constructor(
    readonly file: BlockFile,
    public offset: number,
  ) {}

  /** The next `length` bytes, without moving on; valid until the next call. */
  peek(length: number): Uint8Array {
    const within = this.offset - this.#windowStart;
    if (within < 0 || within + length > this.#window.length) {
      this.#window = new Uint8Array(Math.max(WINDOW, length));
      this.#windowStart = this.offset;
      this.file.read(this.#window, this.offset);
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(within, within + length);
  }

  /** The next `length` bytes; moves past them. */
  take(length: number): Uint8Array {
    const bytes = this.peek(length);
    this.offset += length;
    return bytes;
  }

  skip(length: number): void {
    this.offset += length;
  }
}
