/**
 * What the host clusters that a save touches are used for, as an image's own tables have it: nobody tells the save.
 * Everything that is not found to be metadata is guest data, or nothing.
 */
import type { Fact } from '../factText';
import { dataView, HIGH, LOW, wordsInPlace } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import { ClusterBytes, type ClusterRanges } from './clusterRanges';

export const Use = {
  data: 0,
  header: 1,
  table: 2,
  block: 3,
  l1: 4,
  l2: 5,
  snapshots: 6,
  bitmap: 7,
} as const;
export type Use = (typeof Use)[keyof typeof Use];

/** The specification's terms, for messages. */
export const USE_NAMES: Readonly<Record<Use, Fact>> = {
  [Use.data]: 'guest data',
  [Use.header]: 'header',
  [Use.table]: 'refcount table',
  [Use.block]: 'refcount block',
  [Use.l1]: 'L1 table',
  [Use.l2]: 'L2 table',
  [Use.snapshots]: 'snapshot table',
  [Use.bitmap]: 'bitmap',
};

/** Bytes of a table read at a time. */
const PIECE = 64 * 1024;

export class ClusterUses {
  readonly #uses = new ClusterBytes();

  /**
   * @param table the refcount table's words
   * @param touched clusters that will be asked for
   * @throws FormatError, FileError
   */
  constructor(
    readonly image: Qcow2Image,
    table: Uint32Array,
    readonly touched: ClusterRanges,
  ) {
    const { header } = image;
    this.#mark(0, header.clusterSize, Use.header);
    this.#mark(header.refcountTableOffset, header.refcountTableClusters * header.clusterSize, Use.table);
    this.#markEntries(table, Use.block);
    this.#markTable(header.l1TableOffset, header.l1Size, Use.l1, Use.l2);
    this.#markSnapshots();
    this.#markBitmaps();
  }

  of(cluster: number): Use {
    return this.#uses.get(cluster) as Use;
  }

  #markSnapshots(): void {
    const { snapshots, header, file } = this.image;
    const last = snapshots.at(-1);
    if (last !== undefined) {
      const end = last.offset + snapshotEntryLength(file, last.offset);
      this.#mark(header.snapshotsOffset, end - header.snapshotsOffset, Use.snapshots);
    }
    // Many snapshots may have one and the same table.
    const seen = new Set<number>();
    for (const { l1TableOffset, l1Size } of snapshots) {
      if (seen.has(l1TableOffset)) continue;
      seen.add(l1TableOffset);
      this.#markTable(l1TableOffset, l1Size, Use.l1, Use.l2);
    }
  }

  #markBitmaps(): void {
    const place = this.image.extensions.bitmaps;
    if (place === undefined) return;
    this.#mark(place.directoryOffset, place.directorySize, Use.bitmap);
    for (const { tableOffset, tableSize } of this.image.bitmaps) {
      this.#markTable(tableOffset, tableSize, Use.bitmap, Use.bitmap);
    }
  }

  /** A table of entries with offsets of clusters, and those clusters. */
  #markTable(offset: number, entries: number, tableUse: Use, entryUse: Use): void {
    const { file } = this.image;
    const end = offset + entries * 8;
    this.#mark(offset, end - offset, tableUse);
    for (let at = offset; at < end && at < file.size; at += PIECE) {
      const length = Math.min(PIECE, end - at);
      const extent = file.extentAt(at);
      if (extent.isHole && extent.end >= at + length) continue;
      const bytes = new Uint8Array(length);
      file.read(bytes, at);
      this.#markEntries(wordsInPlace(bytes), entryUse);
    }
  }

  #markEntries(words: Uint32Array, use: Use): void {
    const { clusterBits } = this.image.header;
    for (let at = 0; at < words.length; at += 2) {
      const offset = offsetOf(words[at + HIGH]!, words[at + LOW]!);
      if (offset === 0) continue;
      const cluster = Math.floor(offset / 2 ** clusterBits);
      if (this.touched.has(cluster)) this.#uses.set(cluster, use);
    }
  }

  #mark(offset: number, length: number, use: Use): void {
    const { clusterSize } = this.image.header;
    const first = Math.floor(offset / clusterSize);
    this.touched.forEachWithin(first, Math.ceil((offset + length) / clusterSize), (cluster) => {
      this.#uses.set(cluster, use);
    });
  }
}

/** Bytes of a snapshot table entry (qcow2.txt, "Snapshots"). */
function snapshotEntryLength(file: BlockFile, offset: number): number {
  const entry = new Uint8Array(40);
  file.read(entry, offset);
  const view = dataView(entry);
  return 40 + view.getUint32(36) + view.getUint16(12) + view.getUint16(14);
}
