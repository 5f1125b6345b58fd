/**
 * Bytes in blocks, fetched when they become visible, one request at a time, the newest first. A limited number of
 * blocks is kept for scrolling back.
 */
import type { MaybeProblem, HostResult } from '../host/answers';
import { Latest } from '../host/latest';

export const BLOCK_BYTES = 16384;
const BLOCKS_KEPT = 32;

export type Block =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly problem: MaybeProblem };

export class ByteBlocks {
  /** By block index, the least recently fetched first. */
  readonly #blocks = new Map<number, Block>();
  /** Of these, those that are shown until they are fetched again. */
  readonly #outdated = new Set<number>();
  readonly #fetcher: Latest<readonly number[], undefined>;
  #generation = 0;

  readonly #read: (offset: number, length: number) => Promise<HostResult<Uint8Array>>;
  readonly #changed: () => void;

  /** @param changed called when a block has arrived */
  constructor(
    read: (offset: number, length: number) => Promise<HostResult<Uint8Array>>,
    changed: () => void,
  ) {
    this.#read = read;
    this.#changed = changed;
    this.#fetcher = new Latest(
      (wanted) => this.#fetch(wanted),
      () => undefined,
    );
  }

  /** Drops all blocks. Call it when the image is read again. */
  clear(): void {
    this.#blocks.clear();
    this.#outdated.clear();
    this.#generation++;
  }

  /** All blocks may have changed; each is shown as it was until it is fetched again. */
  outdate(): void {
    for (const block of this.#blocks.keys()) this.#outdated.add(block);
    this.#generation++;
  }

  /** The block that contains a byte, if it is loaded. */
  at(offset: number): Block | undefined {
    return this.#blocks.get(Math.floor(offset / BLOCK_BYTES));
  }

  /** Sets the visible bytes, `start` to `end`. */
  want(start: number, end: number): void {
    const missing: number[] = [];
    for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      if (this.#isMissing(block)) missing.push(block);
    }
    if (missing.length > 0) this.#fetcher.want(missing);
  }

  async #fetch(wanted: readonly number[]): Promise<undefined> {
    for (const block of wanted) {
      if (!this.#isMissing(block)) continue;
      const generation = this.#generation;
      const answer = await this.#readBlock(block);
      if (generation !== this.#generation) return undefined;
      this.#blocks.delete(block);
      this.#blocks.set(block, answer);
      this.#outdated.delete(block);
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size <= BLOCKS_KEPT) break;
        this.#blocks.delete(oldest);
        this.#outdated.delete(oldest);
      }
      this.#changed();
    }
    return undefined;
  }

  #isMissing(block: number): boolean {
    return !this.#blocks.has(block) || this.#outdated.has(block);
  }

  async #readBlock(block: number): Promise<Block> {
    const answer = await this.#read(block * BLOCK_BYTES, BLOCK_BYTES);
    return answer.ok ? { ok: true, bytes: answer.value } : { ok: false, problem: answer.problem };
  }
}
