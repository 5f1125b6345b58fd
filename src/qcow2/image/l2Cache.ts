/**
 * A small cache of table words, keyed by host offset. Walks over long ranges read whole tables past it; it serves
 * those who look at a few entries at a time: the inspector, and chains whose layers alternate.
 */
import type { BlockFile } from '../io/blockFile';
import { wordsInPlace } from '../format/bytes';
import { hostOffset, type HostOffset } from '../units';

/** Bytes of one page: 512 standard entries. */
export const TABLE_PAGE = 4096;
/** Pages kept for one image: 256 KiB. */
const BUDGET = 64;

export class L2Cache {
  /** In the order of last use. */
  readonly #pages = new Map<number, Uint32Array>();
  #last: { readonly offset: HostOffset; readonly words: Uint32Array } = {
    offset: hostOffset(-1),
    words: new Uint32Array(0),
  };

  constructor(readonly file: BlockFile) {}

  /**
   * The words of the page that begins at `offset`, a multiple of `TABLE_PAGE`. They are never written again: a
   * caller may keep them for as long as it likes.
   */
  page(offset: HostOffset): Uint32Array {
    // Walks ask for the same page again and again.
    if (offset === this.#last.offset) return this.#last.words;
    let words = this.#pages.get(offset);
    if (words === undefined) {
      words = this.#load(offset);
    } else {
      this.#pages.delete(offset);
    }
    this.#pages.set(offset, words);
    this.#last = { offset, words };
    return words;
  }

  #load(offset: HostOffset): Uint32Array {
    const bytes = new Uint8Array(TABLE_PAGE);
    this.file.read(bytes, offset);
    if (this.#pages.size >= BUDGET) {
      const [oldest] = this.#pages.keys();
      if (oldest !== undefined) this.#pages.delete(oldest);
    }
    return wordsInPlace(bytes);
  }
}
