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
/** Pages that go to the scratch file together. */
const SPILLED_TOGETHER = 256;

/** One page of bytes; only `PageStore` looks inside. */
export class Page {
  /** Absent once it is in the scratch file. */
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

export class PageStore {
  readonly #scratchPath: string;
  #scratch: number | undefined;
  #scratchEnd = 0;
  /** Pages in memory, oldest first; those before `#next` are in the scratch file already. */
  #resident: Page[] = [];
  readonly #residentLimit: number;

  /**
   * @param scratchPath where the scratch file is made when it is needed, for its owner alone. Its name is taken away at
   *   once where the system allows that, so that nothing is left however this program ends.
   * @param budget bytes of pages kept in memory
   */
  constructor(scratchPath: string, budget = DEFAULT_BUDGET) {
    this.#scratchPath = scratchPath;
    this.#residentLimit = Math.max(SPILLED_TOGETHER, Math.floor(budget / PAGE_SIZE));
  }

  /**
   * A page that takes over `bytes`, `PAGE_SIZE` of them.
   * @throws FileError when the scratch file cannot be written
   */
  add(bytes: Uint8Array, owner: object): Page {
    const page = new Page(bytes, owner);
    this.#resident.push(page);
    if (this.#resident.length >= this.#residentLimit + SPILLED_TOGETHER) this.#spill();
    return page;
  }

  /** Fills `target` with the page's bytes from `within` on. */
  read(page: Page, target: Uint8Array, within: number): void {
    if (page.bytes !== undefined) {
      target.set(page.bytes.subarray(within, within + target.length));
      return;
    }
    try {
      for (let done = 0; done < target.length;) {
        const got = readSync(this.#open(), target, done, target.length - done, page.at + within + done);
        if (got === 0) throw new Error('it is shorter than what was written to it');
        done += got;
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Bytes in the scratch file. */
  get scratchBytes(): number {
    return this.#scratchEnd;
  }

  /** Forgets all pages; the scratch file goes. */
  close(): void {
    this.#resident = [];
    if (this.#scratch === undefined) return;
    closeSync(this.#scratch);
    this.#scratch = undefined;
    rmSync(this.#scratchPath, { force: true });
  }

  /** Moves the oldest pages to the scratch file, in one write. */
  #spill(): void {
    const pages = this.#resident.slice(0, SPILLED_TOGETHER);
    const bytes = Buffer.concat(pages.map((page) => page.bytes!));
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#open(), bytes, done, bytes.length - done, this.#scratchEnd + done);
      }
    } catch (error) {
      throw this.#failure(error);
    }
    for (const page of pages) {
      page.at = this.#scratchEnd;
      page.bytes = undefined;
      this.#scratchEnd += PAGE_SIZE;
    }
    this.#resident = this.#resident.slice(SPILLED_TOGETHER);
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
