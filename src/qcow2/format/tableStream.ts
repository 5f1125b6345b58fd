/**
 * Walks over a table of entries of varying length without ever holding all of it: what a header declares costs no
 * memory before the entries turn out to be there.
 */
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, type HostOffset, plus } from '../units';
import { dataView, textOf } from './bytes';

/** Bytes read at a time. */
const WINDOW = 64 * 1024;

export class TableStream {
  #window = new Uint8Array(0);
  #view = dataView(this.#window);
  #windowStart = 0;

  /** @param offset first byte of the table in `file` */
  constructor(
    readonly file: BlockFile,
    public offset: HostOffset,
  ) {}

  /** What `locate` has read; valid until its next call. */
  get view(): DataView {
    return this.#view;
  }

  /**
   * Reads the next `length` bytes, without moving on. Makes no object for them, which a table of 65,536 entries would
   * spend most of its time on.
   * @returns where they are in `view`
   */
  locate(length: ByteLength): number {
    const within = this.offset - this.#windowStart;
    if (within >= 0 && within + length <= this.#window.length) return within;
    this.#window = new Uint8Array(Math.max(WINDOW, length));
    this.#view = dataView(this.#window);
    this.#windowStart = this.offset;
    this.file.read(this.#window, this.offset);
    return 0;
  }

  /** The next `length` bytes, valid until the next call; moves past them. */
  take(length: ByteLength): Uint8Array {
    const at = this.locate(length);
    this.offset = plus(this.offset, length);
    return this.#window.subarray(at, at + length);
  }

  /** The text in the next `length` bytes, up to the first null byte; moves past them. */
  takeText(length: ByteLength): string {
    return length === 0 ? '' : textOf(this.take(length));
  }

  skip(length: ByteLength): void {
    this.offset = plus(this.offset, length);
  }
}
