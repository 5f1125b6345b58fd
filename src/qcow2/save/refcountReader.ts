/** Refcounts of host clusters asked for in ascending order: each page of a block is read once. */
import { HIGH, LOW } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import type { Header } from '../format/header';
import { refcountAt } from '../format/refcount';
import { refcountsPerBlock } from '../format/refcountWidth';
import type { BlockFile } from '../io/blockFile';
import { type HostCluster, hostOffset, type HostOffset, plus } from '../units';

/** Bytes of a block read at a time; blocks may be smaller. */
const PAGE = 4096;

/** Offset of a refcount block in bytes; 0 where there is none. */
export const blockOffset = (table: Uint32Array, index: number): HostOffset =>
  index * 2 >= table.length ? hostOffset(0) : offsetOf(table[index * 2 + HIGH]!, table[index * 2 + LOW]!);

export class RefcountReader {
  readonly #perBlock: number;
  readonly #page: Uint8Array;
  #pageOffset = -1;

  constructor(
    readonly file: BlockFile,
    readonly header: Header,
    readonly table: Uint32Array,
  ) {
    this.#perBlock = refcountsPerBlock(header.clusterSize, header.refcountBits);
    this.#page = new Uint8Array(Math.min(PAGE, header.clusterSize));
  }

  /**
   * The refcount of a cluster; 0 for what no block describes.
   * @throws FormatError for one beyond 2^53, FileError
   */
  of(cluster: HostCluster): number {
    const index = Math.floor(cluster / this.#perBlock);
    const block = blockOffset(this.table, index);
    if (block === 0) return 0;
    const { refcountBits } = this.header;
    const perPage = (this.#page.length * 8) / refcountBits;
    const within = cluster - index * this.#perBlock;
    const offset = plus(block, Math.floor(within / perPage) * this.#page.length);
    if (offset !== this.#pageOffset) {
      this.file.read(this.#page, offset);
      this.#pageOffset = offset;
    }
    return refcountAt({ file: this.file.name, offset }, this.#page, within % perPage, refcountBits);
  }
}
