/**
 * Holds the bytes of staged pages: in memory up to a budget, in a scratch file beyond it. Pages are never changed
 * once a state of the file refers to them; what no state refers to any more leaves its bytes in the scratch file
 * until that is closed.
 */
import { closeSync, constants, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import * as path from 'node:path';
import { FileError } from '../errors';
import { systemMessage } from './systemError';

/** Bytes of one page. */
export const PAGE_SIZE = 4096;

/** Bytes of pages kept in memory. */
const DEFAULT_BUDGET = 32 * 1024 * 1024;
/** Pages that are allocated together, and go to the scratch file together. */
const PAGES_OF_SLAB = 256;

/** Bytes read from the scratch file at a time; a slab is several of them. */
const WINDOW = 64 * 1024;

/** One page of bytes; only `PageStore` looks inside. */
export class Page {
  /** A part of a slab; absent once it is in the scratch file. */
  bytes: Uint8Array | undefined;
  /** Bytes from the start of the scratch file. */
  at = -1;

  /** @param owner who may still change the page in place */
  constructor(
    bytes: Uint8Array,
    readonly owner: object,
  ) {
    this.bytes = bytes;
  }
}

interface Slab {
  readonly bytes: Uint8Array;
  readonly pages: Page[];
}

export class PageStore {
  readonly #scratchPath: string;
  #scratch: number | undefined;
  #scratchEnd = 0;
  /** In memory, oldest first; pages are added to the last one. */
  #slabs: Slab[] = [];
  readonly #slabLimit: number;
  /** A piece of the scratch file, which never changes: slabs are whole windows, written once. */
  readonly #window = new Uint8Array(WINDOW);
  #windowStart = -1;

  /**
   * @param scratchPath where the scratch file is made when it is needed, for its owner alone. Its name is taken away at
   *   once where the system allows that, so that nothing is left however this program ends.
   * @param budget bytes of pages kept in memory
   */
  constructor(scratchPath: string, budget = DEFAULT_BUDGET) {
    this.#scratchPath = scratchPath;
    this.#slabLimit = Math.max(1, Math.floor(budget / (PAGES_OF_SLAB * PAGE_SIZE)));
  }

  /**
   * A page for the caller to fill at once, wholly: it holds anything.
   * @throws FileError when the scratch file cannot be written
   */
  add(owner: object): Page & { readonly bytes: Uint8Array } {
    let slab = this.#slabs.at(-1);
    if (slab === undefined || slab.pages.length === PAGES_OF_SLAB) {
      if (this.#slabs.length >= this.#slabLimit) this.#spill();
      // Not filled with zeroes first; one of its own, so that it goes as a whole.
      slab = { bytes: Buffer.allocUnsafeSlow(PAGES_OF_SLAB * PAGE_SIZE), pages: [] };
      this.#slabs.push(slab);
    }
    const start = slab.pages.length * PAGE_SIZE;
    const bytes = slab.bytes.subarray(start, start + PAGE_SIZE);
    const page = new Page(bytes, owner);
    slab.pages.push(page);
    return page as Page & { readonly bytes: Uint8Array };
  }

  /** Fills `target` with the page's bytes from `within` on. */
  read(page: Page, target: Uint8Array, within: number): void {
    if (page.bytes !== undefined) {
      target.set(page.bytes.subarray(within, within + target.length));
      return;
    }
    const start = Math.floor(page.at / WINDOW) * WINDOW;
    if (start !== this.#windowStart) this.#loadWindow(start);
    const at = page.at - start + within;
    target.set(this.#window.subarray(at, at + target.length));
  }

  /** Pages that were staged in a row are read in a row: one read has the next ones, too. */
  #loadWindow(start: number): void {
    const length = Math.min(WINDOW, this.#scratchEnd - start);
    this.#windowStart = -1;
    try {
      for (let done = 0; done < length;) {
        const got = readSync(this.#open(), this.#window, done, length - done, start + done);
        if (got === 0) throw new Error('it is shorter than what was written to it');
        done += got;
      }
    } catch (error) {
      throw this.#failure(error);
    }
    this.#windowStart = start;
  }

  /** Bytes in the scratch file. */
  get scratchBytes(): number {
    return this.#scratchEnd;
  }

  /** Forgets all pages; the scratch file goes. */
  close(): void {
    this.#slabs = [];
    if (this.#scratch === undefined) return;
    closeSync(this.#scratch);
    this.#scratch = undefined;
    rmSync(this.#scratchPath, { force: true });
  }

  /** Moves the oldest slab to the scratch file, in one write. */
  #spill(): void {
    const [slab] = this.#slabs;
    if (slab === undefined) return;
    const length = slab.pages.length * PAGE_SIZE;
    try {
      for (let done = 0; done < length;) {
        done += writeSync(this.#open(), slab.bytes, done, length - done, this.#scratchEnd + done);
      }
    } catch (error) {
      throw this.#failure(error);
    }
    for (const page of slab.pages) {
      page.at = this.#scratchEnd;
      page.bytes = undefined;
      this.#scratchEnd += PAGE_SIZE;
    }
    this.#slabs.shift();
  }

  #open(): number {
    if (this.#scratch !== undefined) return this.#scratch;
    mkdirSync(path.dirname(this.#scratchPath), { recursive: true });
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    this.#scratch = openSync(this.#scratchPath, flags, 0o600);
    if (process.platform !== 'win32') rmSync(this.#scratchPath);
    return this.#scratch;
  }

  #failure(error: unknown): FileError {
    return new FileError(this.#scratchPath, 'file.scratch', { value: systemMessage(error) });
  }
}
