/**
 * How often each host cluster is referred to: one byte a cluster, in pages that are made when something refers into
 * them, so that a sparse file's length costs nothing. Counts that a byte cannot hold are in a map.
 *
 * Most pages are referred to from their start to their end, once: as long as that is so, a page is two numbers.
 */
import { UnsupportedError } from '../errors';
import { type ClusterCount, hostCluster, type HostCluster } from '../units';

/** Bytes that say something else than a number. */
export const SPILLED = 253;
export const UNREADABLE = 254;
const LARGEST = SPILLED - 1;

/** Clusters of one page, as a power of two, in files that are not gigantic: where all clusters count, and where few do. */
const PAGE_BITS = 15;
const SPARSE_PAGE_BITS = 10;
/** Pages of a file, at most. */
const MAX_PAGES_BITS = 16;
/** Bytes of pages. An image that is no fake needs one for each cluster: this is 64 TiB of clusters of 64 KiB. */
const MAX_BYTES = 1 << 30;

/**
 * Clusters of a page in a file of so many clusters, as a power of two.
 * @param isSparse only a few of them count, far apart
 */
export const pageBitsOf = (clusters: ClusterCount, isSparse = false): number =>
  Math.max(
    isSparse ? SPARSE_PAGE_BITS : PAGE_BITS,
    Math.ceil(Math.log2(Math.max(1, clusters))) - MAX_PAGES_BITS,
  );

/** Told of a cluster whose count would exceed the largest, and by how much. */
export type Overflow = (cluster: HostCluster, excess: number) => void;

export class ClusterCounts {
  readonly pageBits: number;
  readonly #pages: (Uint8Array | undefined)[];
  /** Of pages that are not made: the clusters from one to before the other are referred to once, the others are not. */
  readonly #onceFrom: Uint32Array;
  readonly #onceTo: Uint32Array;
  /** What is seen of a page of which all are. */
  #allOnce: Uint8Array | undefined;
  readonly #mask: number;
  /** Counts of `SPILLED` clusters. */
  readonly #spilled = new Map<number, number>();
  /** A byte below this can be counted up in place. */
  readonly #plain: number;
  #bytes = 0;

  /**
   * @param file for messages
   * @param clusters what is counted lies below, but for a few
   * @param largest counts stop there, as those of the image do
   * @param isSparse only a few of the clusters count, far apart
   */
  constructor(
    readonly file: string,
    readonly clusters: ClusterCount,
    readonly largest: number,
    readonly overflow: Overflow = () => undefined,
    isSparse = false,
  ) {
    this.pageBits = pageBitsOf(clusters, isSparse);
    this.#mask = (1 << this.pageBits) - 1;
    this.#plain = Math.min(LARGEST, largest);
    const pages = Math.ceil(clusters / (1 << this.pageBits));
    this.#pages = new Array<Uint8Array | undefined>(pages).fill(undefined);
    this.#onceFrom = new Uint32Array(pages);
    this.#onceTo = new Uint32Array(pages);
  }

  /** Counts of a page's clusters, to be read only; undefined where nothing refers. */
  page(index: number): Uint8Array | undefined {
    const page = this.#pages[index];
    if (page !== undefined || (this.#onceTo[index] ?? 0) === 0) return page;
    const size = this.#mask + 1;
    const isWhole = this.#onceFrom[index] === 0 && this.#onceTo[index] === size;
    return isWhole ? (this.#allOnce ??= new Uint8Array(size).fill(1)) : this.#touch(index);
  }

  get pageCount(): number {
    return this.#pages.length;
  }

  of(cluster: HostCluster): number {
    const index = cluster >>> this.pageBits;
    const at = cluster & this.#mask;
    const page = this.#pages[index];
    if (page === undefined) {
      return at >= (this.#onceFrom[index] ?? 0) && at < (this.#onceTo[index] ?? 0) ? 1 : 0;
    }
    const byte = page[at]!;
    return byte === SPILLED ? (this.#spilled.get(cluster) ?? SPILLED) : byte;
  }

  /** The clusters whose counts a byte cannot hold. */
  spilled(): IterableIterator<number> {
    return this.#spilled.keys();
  }

  /** One more reference to one cluster. */
  addOne(cluster: HostCluster): void {
    const index = cluster >>> this.pageBits;
    const page = this.#pages[index] ?? this.#touch(index);
    const at = cluster & this.#mask;
    const now = page[at]!;
    if (now < this.#plain) page[at] = now + 1;
    else this.#addSlowly(cluster, 1);
  }

  /** `times` more references to each cluster of a stretch. */
  add(first: number, count: number, times: number): void {
    const size = this.#mask + 1;
    for (let done = 0; done < count;) {
      const cluster = first + done;
      const step = Math.min(count - done, size - (cluster & this.#mask));
      this.#addInPage(cluster, step, times);
      done += step;
    }
  }

  /** Nothing refers to the clusters of a stretch any more. */
  forget(first: number, count: number): void {
    for (let cluster = first; cluster < first + count; cluster++) {
      const index = cluster >>> this.pageBits;
      const page = this.#pages[index] ?? this.#touch(index);
      page[cluster & this.#mask] = 0;
      this.#spilled.delete(cluster);
    }
  }

  /** Visits the clusters whose count is not below `least`. */
  forEachCounted(least: 1 | 2, visit: (cluster: HostCluster, count: number) => void): void {
    const mask = least === 1 ? 0xffffffff : 0xfefefefe;
    this.#pages.forEach((made, index) => {
      const page = least === 1 ? this.page(index) : made;
      if (page === undefined) return;
      const words = new Int32Array(page.buffer);
      for (let word = 0; word < words.length; word++) {
        if ((words[word]! & mask) === 0) continue;
        for (let at = word * 4; at < word * 4 + 4; at++) {
          const cluster = hostCluster(index * page.length + at);
          if (page[at]! >= least) visit(cluster, this.of(cluster));
        }
      }
    });
  }

  /** Forgets all counts. */
  clear(): void {
    this.#pages.fill(undefined);
    this.#onceTo.fill(0);
    this.#spilled.clear();
    this.#bytes = 0;
  }

  #addInPage(first: number, count: number, times: number): void {
    const index = first >>> this.pageBits;
    const base = first - (first & this.#mask);
    const start = first - base;
    const end = start + count;
    if (times === 1 && this.#continues(index, start, end)) return;
    const page = this.#pages[index] ?? this.#touch(index);
    const aligned = Math.min(end, (start + 3) & ~3);
    const words = new Int32Array(page.buffer, 0, page.length / 4);
    for (let at = start; at < aligned; at++) this.#addSlowly(hostCluster(base + at), times);
    let word = aligned >>> 2;
    // Four at a time, where none of them can carry into its neighbour or come to what a byte cannot say.
    const four = Math.imul(times, 0x01010101);
    const fits = times <= this.#plain;
    const adds = this.#plain === LARGEST && times <= LARGEST - 127;
    for (; word < end >>> 2; word++) {
      const now = words[word]!;
      if (now === 0 && fits) words[word] = four;
      else if (adds && (now & 0x80808080) === 0) words[word] = now + four;
      else for (let at = word * 4; at < word * 4 + 4; at++) this.#addSlowly(hostCluster(base + at), times);
    }
    for (let at = Math.max(aligned, word * 4); at < end; at++) this.#addSlowly(hostCluster(base + at), times);
  }

  #addSlowly(cluster: HostCluster, times: number): void {
    const index = cluster >>> this.pageBits;
    const page = this.#pages[index] ?? this.#touch(index);
    const at = cluster & this.#mask;
    const plain = page[at]! + times;
    if (plain <= this.#plain) {
      page[at] = plain;
      return;
    }
    const wanted = this.of(cluster) + times;
    const count = Math.min(wanted, this.largest);
    if (count > LARGEST) this.#spilled.set(cluster, count);
    page[at] = count > LARGEST ? SPILLED : count;
    if (wanted > count) this.overflow(cluster, wanted - count);
  }

  /** Whether one more reference to a stretch of a page can be told without making the page; it is told then. */
  #continues(index: number, start: number, end: number): boolean {
    if (this.#pages[index] !== undefined) return false;
    const to = this.#onceTo[index];
    if (to === undefined) return false;
    if (to === 0) this.#onceFrom[index] = start;
    else if (to !== start) return false;
    this.#onceTo[index] = end;
    return true;
  }

  #touch(index: number): Uint8Array {
    const size = this.#mask + 1;
    this.#bytes += size;
    if (this.#bytes > MAX_BYTES) throw new UnsupportedError(this.file, 'check.memory', { limit: MAX_BYTES });
    const page = new Uint8Array(size);
    const to = this.#onceTo[index] ?? 0;
    if (to > 0) {
      page.fill(1, this.#onceFrom[index], to);
      this.#onceTo[index] = 0;
    }
    return (this.#pages[index] = page);
  }
}
