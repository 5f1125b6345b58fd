/**
 * The refcounts that an image has on disk, decoded to a byte each, a page at a time. Most pages are all one or all
 * zero: those are shared, and comparing with them costs nothing.
 */
import { HIGH, LOW } from '../format/bytes';
import { refcountBlockOffset } from '../format/entryBits';
import type { Header } from '../format/header';
import {
  onesOnDisk,
  readRefcount,
  refcountsPerBlock,
  refcountWidth,
  type RefcountWidth,
} from '../format/refcountWidth';
import { readRefcountTable } from '../image/tableEntries';
import type { BlockFile } from '../io/blockFile';
import { Fill } from '../io/fill';
import { type ClusterCount, type HostCluster, hostOffset } from '../units';
import { pageBitsOf, SPILLED, UNREADABLE } from './clusterCounts';

/** Bytes of decoded pages that are kept. */
const BUDGET = 48 << 20;
const MAX_FAR_PAGES = 1 << 16;
/** No file of QEMU's reaches further: reading there is an error, not zero. */
const LONGEST_FILE = 2 ** 63 - 2 ** 30;

export class DiskRefcounts {
  readonly pageBits: number;
  /** Two words an entry. */
  readonly table: Uint32Array;
  readonly entries: number;
  readonly #size: number;
  readonly #perBlock: number;
  readonly #width: RefcountWidth;
  readonly #mask: number;
  /** Pages of the file's clusters. */
  readonly #pages: (Uint8Array | undefined)[];
  /** Pages of clusters beyond the file, which broken entries ask for. */
  readonly #farPages = new Map<number, Uint8Array>();
  #unreadable: Uint8Array | undefined;
  readonly #zeroes: Uint8Array;
  readonly #ones: Uint8Array;
  readonly #allOnes: Buffer;
  readonly #onesFill: Fill;
  /** A page as it is on disk: memory that is new for each would take longer to get than to read. */
  readonly #raw: Buffer;
  #own = 0;

  /**
   * @param clusters of the image file
   * @param isReadable false where the header does not say what a refcount looks like, or where the table is
   */
  constructor(
    readonly file: BlockFile,
    readonly header: Header,
    clusters: ClusterCount,
    readonly isReadable = true,
  ) {
    const { clusterSize, refcountBits } = header;
    this.pageBits = pageBitsOf(clusters);
    this.#size = 1 << this.pageBits;
    this.#mask = this.#size - 1;
    this.#pages = new Array<Uint8Array | undefined>(Math.ceil((clusters + 1) / this.#size)).fill(undefined);
    this.#perBlock = refcountsPerBlock(clusterSize, refcountBits);
    this.#width = refcountWidth(refcountBits);
    this.table = readRefcountTable(file, header);
    this.entries = this.table.length / 2;
    this.#zeroes = new Uint8Array(this.#size);
    this.#ones = new Uint8Array(this.#size).fill(1);
    this.#allOnes = onesOnDisk(Math.min(this.#size, this.#perBlock), refcountBits);
    this.#onesFill = Fill.of(this.#allOnes.readUInt32BE(0), this.#allOnes.readUInt32BE(4));
    this.#raw = Buffer.alloc(this.#allOnes.length);
  }

  /** The refcounts of a page's clusters; `SPILLED` where `of` has to be asked, `UNREADABLE` where it says undefined. */
  page(index: number): Uint8Array {
    const known = index < this.#pages.length ? this.#pages[index] : this.#farPages.get(index);
    return known ?? this.#keep(index, this.#decode(index));
  }

  isAllZero(page: Uint8Array): boolean {
    return page === this.#zeroes;
  }

  isOne(cluster: HostCluster): boolean {
    // Hot, where clusters are in random order.
    if (cluster < 2 ** 31) {
      const page = this.#pages[cluster >>> this.pageBits];
      if (page !== undefined) return page[cluster & this.#mask] === 1;
    }
    const index = Math.floor(cluster / this.#size);
    return this.page(index)[cluster - index * this.#size] === 1;
  }

  /** How many clusters of a stretch have a refcount of exactly one, and how many have one that cannot be read. */
  countOnes(first: number, count: number): { readonly ones: number; readonly unreadable: number } {
    let ones = 0;
    let unreadable = 0;
    for (let done = 0; done < count;) {
      const index = Math.floor((first + done) / this.#size);
      const start = first + done - index * this.#size;
      const step = Math.min(count - done, this.#size - start);
      const page = this.page(index);
      if (page === this.#ones) ones += step;
      else if (page !== this.#zeroes) {
        for (let at = start; at < start + step; at++) {
          if (page[at] === 1) ones++;
          else if (page[at] === UNREADABLE) unreadable++;
        }
      }
      done += step;
    }
    return { ones, unreadable };
  }

  /** The refcount; undefined where it cannot be read. Beyond 2^53 it is not exact. */
  of(cluster: HostCluster): number | undefined {
    const index = Math.floor(cluster / this.#size);
    const byte = this.page(index)[cluster - index * this.#size]!;
    if (byte === UNREADABLE) return undefined;
    if (byte !== SPILLED) return byte;
    const block = this.blockOffset(Math.floor(cluster / this.#perBlock));
    return readRefcount(this.file, block, cluster % this.#perBlock, this.#width);
  }

  /** Bits 9 to 63 of a refcount table entry, in bytes: exact to 2^53, and 0 past the table. */
  blockOffset(index: number): number {
    if (index >= this.entries) return 0;
    return refcountBlockOffset(this.table[index * 2 + HIGH]!, this.table[index * 2 + LOW]!);
  }

  #keep(index: number, page: Uint8Array): Uint8Array {
    if (page !== this.#zeroes && page !== this.#ones) this.#own += page.length;
    if (this.#own > BUDGET || this.#farPages.size >= MAX_FAR_PAGES) {
      this.#pages.fill(undefined);
      this.#farPages.clear();
      this.#own = page.length;
    }
    if (index < this.#pages.length) this.#pages[index] = page;
    else this.#farPages.set(index, page);
    return page;
  }

  #decode(index: number): Uint8Array {
    const size = this.#size;
    if (!this.isReadable) return (this.#unreadable ??= new Uint8Array(size).fill(UNREADABLE));
    const first = index * size;
    if (size <= this.#perBlock) {
      const block = this.blockOffset(Math.floor(first / this.#perBlock));
      return this.#piece(block, first % this.#perBlock, size);
    }
    const page = new Uint8Array(size);
    let isZero = true;
    let isOne = true;
    for (let done = 0; done < size; done += this.#perBlock) {
      const piece = this.#piece(this.blockOffset((first + done) / this.#perBlock), 0, this.#perBlock);
      isZero &&= piece === this.#zeroes;
      isOne &&= piece === this.#ones;
      if (piece !== this.#zeroes) page.set(piece.subarray(0, this.#perBlock), done);
    }
    if (isZero) return this.#zeroes;
    return isOne ? this.#ones : page;
  }

  /** Refcounts of a block from one on; where they are all zero or one, the shared pages. */
  #piece(block: number, from: number, count: number): Uint8Array {
    const { clusterSize, refcountBits } = this.header;
    if (block === 0) return this.#zeroes;
    if (block % clusterSize !== 0 || block > LONGEST_FILE - clusterSize) {
      return new Uint8Array(count).fill(UNREADABLE);
    }
    const offset = hostOffset(block + (from * refcountBits) / 8);
    const extent = block >= this.file.size ? { isHole: true, end: Infinity } : this.file.extentAt(offset);
    const length = Math.ceil((count * refcountBits) / 8);
    if (extent.isHole && extent.end >= offset + length) return this.#zeroes;
    const bytes = this.#raw.subarray(0, length);
    this.file.read(bytes, offset);
    if (bytes.equals(this.#allOnes)) {
      this.file.knownFills?.add(offset, length, this.#onesFill);
      return this.#ones;
    }
    const page = new Uint8Array(count);
    this.#width.toBytes(bytes, page, SPILLED);
    return page;
  }
}
