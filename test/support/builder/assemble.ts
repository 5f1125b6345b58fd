/**
 * Turns a description of an image into host files: each structure becomes a region, the regions are placed, references to
 * host clusters are counted, and then the bytes are written.
 */
import type { ImageDescription } from './description';
import { GuestTables } from './guestTables';
import { HostFile, placeRegions, type Region, region } from './hostFile';
import { type BitmapOptions, bitmapBits, bitmapBytes, bitmapEntry, snapshotEntry } from './metadata';
import { putRefcount, refcountSize } from './refcounts';
import {
  entryTable,
  EXTENSION,
  featureNameTable,
  headerCluster,
  type HeaderExtension,
  put64,
} from './tables';

/** Where the structures of a built image lie, in bytes, for tests that break them on purpose. */
export interface ImageLayout {
  readonly l1Offset: number;
  readonly l1Entries: number;
  /** L2 tables of the active L1 table, by L1 index. */
  readonly l2Offsets: ReadonlyMap<number, number>;
  readonly l2Entries: number;
  readonly l2EntrySize: number;
  readonly refcountTableOffset: number;
  readonly refcountBlockOffsets: readonly number[];
  readonly snapshotTableOffset: number | undefined;
  readonly snapshotL1Offsets: readonly number[];
  readonly bitmapDirectoryOffset: number | undefined;
  readonly bitmapTableOffsets: readonly number[];
  /** Host offset of each active guest cluster that has one, in its data file; of the stream, if compressed. */
  readonly hostOffsets: ReadonlyMap<number, number>;
}

export interface AssembledImage {
  readonly image: HostFile;
  readonly dataFile: HostFile | undefined;
  readonly layout: ImageLayout;
}

export function assemble(description: ImageDescription): AssembledImage {
  return new Assembly(description).finish();
}

interface BitmapTable {
  readonly region: Region;
  readonly entries: number;
}

interface Bitmaps {
  readonly tables: readonly BitmapTable[];
  readonly directory: Region;
  /** Bytes of the directory. */
  readonly length: number;
}

class Assembly {
  readonly #image: ImageDescription;
  readonly #clusterSize: number;
  readonly #guest: GuestTables;
  /** Regions outside the guest tables, each referred to once. */
  readonly #metadata: Region[] = [];
  readonly #snapshotTable: Region | undefined;
  readonly #bitmaps: Bitmaps | undefined;
  readonly #crypt: Region | undefined;
  readonly #refcountTable: Region;
  readonly #refcountBlocks: readonly Region[];
  readonly #refcounts = new Map<number, number>();

  constructor(image: ImageDescription) {
    this.#image = image;
    this.#clusterSize = 2 ** image.clusterBits;
    this.#guest = new GuestTables(image);
    this.#snapshotTable = this.#declareSnapshotTable();
    this.#bitmaps = this.#declareBitmaps();
    if (image.crypt === 'luks') this.#crypt = this.#declare(1, () => Buffer.from('LUKS\xba\xbe', 'latin1'));
    const gaps = this.#gaps();
    const others = [...this.#guest.regions, ...this.#metadata, ...gaps];
    const clusters = others.reduce((sum, declared) => sum + declared.clusters, 1);
    const size = refcountSize(clusters, this.#blockEntries(), this.#clusterSize);
    this.#refcountBlocks = Array.from({ length: size.blocks }, (_, index) =>
      this.#declare(1, () => this.#refcountBlock(index)),
    );
    this.#refcountTable = this.#declare(size.tableClusters, () =>
      entryTable(this.#refcountBlocks.map((block) => BigInt(this.#offset(block)))),
    );
    this.#metadata.push(...gaps);
  }

  finish(): AssembledImage {
    const regions = [...this.#metadata, ...this.#guest.regions];
    const end = placeRegions(regions, 1, this.#image.order);
    const dataFile = this.#dataFile();
    this.#countReferences();
    const chunks = regions
      .filter((declared) => declared.clusters > 0)
      .map((declared) => ({ offset: this.#offset(declared), bytes: declared.bytes() }));
    chunks.unshift({ offset: 0, bytes: this.#header() });
    return { image: new HostFile(chunks, end * this.#clusterSize), dataFile, layout: this.#layout() };
  }

  #declare(clusters: number, bytes: () => Uint8Array): Region {
    const declared = region(clusters, bytes);
    this.#metadata.push(declared);
    return declared;
  }

  /** In a shuffled file an eighth of the regions are free clusters. */
  #gaps(): Region[] {
    if (this.#image.order === 'sequential') return [];
    const count = Math.ceil((this.#guest.regions.length + this.#metadata.length) / 8);
    return Array.from({ length: count }, () => ({ ...region(1, () => new Uint8Array(0)), isFree: true }));
  }

  #offset(declared: Region): number {
    return declared.first * this.#clusterSize;
  }

  #blockEntries(): number {
    return (this.#clusterSize * 8) / 2 ** this.#image.refcountOrder;
  }

  #refcountBlock(index: number): Buffer {
    const block = Buffer.alloc(this.#clusterSize);
    const entries = this.#blockEntries();
    for (const [cluster, refcount] of this.#refcounts) {
      const entry = cluster - index * entries;
      if (entry >= 0 && entry < entries) putRefcount(block, this.#image.refcountOrder, entry, refcount);
    }
    return block;
  }

  #countReferences(): void {
    const own = this.#metadata
      .filter((declared) => !declared.isFree)
      .map(({ first, clusters }) => ({ first, clusters, references: 1 }));
    const header = { first: 0, clusters: 1, references: 1 };
    for (const { first, clusters, references } of [header, ...own, ...this.#guest.references()]) {
      for (let cluster = first; cluster < first + clusters; cluster++) {
        this.#refcounts.set(cluster, (this.#refcounts.get(cluster) ?? 0) + references);
      }
    }
  }

  #declareSnapshotTable(): Region | undefined {
    const { snapshots, size, version } = this.#image;
    if (snapshots.length === 0) return undefined;
    const entry = (snapshot: (typeof snapshots)[number], index: number): Buffer =>
      snapshotEntry({
        ...snapshot,
        id: snapshot.id ?? String(index + 1),
        extraSize: snapshot.extraSize ?? (version === 2 ? 0 : 24),
        l1Offset: Math.max(0, this.#offset(this.#guest.l1Tables[index + 1]!)),
        l1Entries: this.#guest.l1Entries,
        virtualSize: size,
      });
    const table = (): Buffer => Buffer.concat(snapshots.map(entry));
    return this.#declare(Math.ceil(table().length / this.#clusterSize), table);
  }

  #declareBitmaps(): Bitmaps | undefined {
    const { bitmaps } = this.#image;
    if (bitmaps.length === 0) return undefined;
    const tables = bitmaps.map((bitmap) => this.#declareBitmap(bitmap));
    const entry = (bitmap: (typeof bitmaps)[number], index: number): Buffer =>
      bitmapEntry({
        ...bitmap,
        granularityBits: bitmap.granularityBits ?? 16,
        tableOffset: Math.max(0, this.#offset(tables[index]!.region)),
        tableEntries: tables[index]!.entries,
      });
    const directory = (): Buffer => Buffer.concat(bitmaps.map(entry));
    const length = directory().length;
    return { tables, length, directory: this.#declare(Math.ceil(length / this.#clusterSize), directory) };
  }

  #declareBitmap(bitmap: BitmapOptions): BitmapTable {
    const { size } = this.#image;
    const granularityBits = bitmap.granularityBits ?? 16;
    const entries = Math.ceil(bitmapBytes(size, granularityBits) / this.#clusterSize);
    const dirty = bitmap.dirty === 'all' ? [] : (bitmap.dirty ?? []);
    const bits = bitmapBits(size, granularityBits, dirty);
    const stored = Array.from({ length: entries }, (_, index) => {
      const part = bits.subarray(index * this.#clusterSize, (index + 1) * this.#clusterSize);
      return part.some((byte) => byte !== 0) ? this.#declare(1, () => part) : undefined;
    });
    // An entry without storage says in bit 0 what all its bits are.
    const bare = bitmap.dirty === 'all' ? 1n : 0n;
    const table = (): Buffer =>
      entryTable(stored.map((part) => (part === undefined ? bare : BigInt(this.#offset(part)))));
    return { entries, region: this.#declare(Math.ceil((entries * 8) / this.#clusterSize), table) };
  }

  #header(): Buffer {
    const image = this.#image;
    const usesDataFile = image.dataFile !== undefined ? 4n : 0n;
    const usesZstd = image.compression === 'zstd' ? 8n : 0n;
    const usesExtendedL2 = image.extendedL2 ? 16n : 0n;
    const hasBitmaps = this.#bitmaps !== undefined ? 1n : 0n;
    const hasRawDataFile = image.dataFile?.raw === true ? 2n : 0n;
    return headerCluster({
      ...image,
      backingName: Buffer.from(image.backing?.name ?? ''),
      cryptMethod: { none: 0, aes: 1, luks: 2 }[image.crypt],
      l1Entries: this.#guest.l1Entries,
      l1Offset: this.#offset(this.#guest.l1Tables[0]!),
      refcountTableOffset: this.#offset(this.#refcountTable),
      refcountTableClusters: this.#refcountTable.clusters,
      snapshots: image.snapshots.length,
      snapshotsOffset: this.#snapshotTable === undefined ? 0 : this.#offset(this.#snapshotTable),
      incompatible: image.incompatible | usesDataFile | usesZstd | usesExtendedL2,
      autoclear: image.autoclear | hasBitmaps | hasRawDataFile,
      compressionType: image.compression === 'zstd' ? 1 : 0,
      extensions: this.#extensions(),
    });
  }

  #extensions(): HeaderExtension[] {
    const { backing, dataFile, featureNames, extensions } = this.#image;
    const own: HeaderExtension[] = [];
    if (backing?.format !== undefined) {
      own.push({ type: EXTENSION.backingFormat, data: Buffer.from(backing.format) });
    }
    if (dataFile !== undefined) {
      own.push({ type: EXTENSION.dataFileName, data: Buffer.from(dataFile.name) });
    }
    if (this.#crypt !== undefined) {
      const data = Buffer.alloc(16);
      put64(data, 0, this.#offset(this.#crypt));
      put64(data, 8, 592); // the length of a LUKS1 header without key material
      own.push({ type: EXTENSION.encryption, data });
    }
    if (featureNames) own.push(featureNameTable());
    if (this.#bitmaps !== undefined) {
      const data = Buffer.alloc(24);
      data.writeUInt32BE(this.#image.bitmaps.length, 0);
      put64(data, 8, this.#bitmaps.length);
      put64(data, 16, this.#offset(this.#bitmaps.directory));
      own.push({ type: EXTENSION.bitmaps, data });
    }
    return [...own, ...extensions];
  }

  #dataFile(): HostFile | undefined {
    const { dataFile, size, order } = this.#image;
    if (dataFile === undefined) return undefined;
    const regions = this.#guest.dataFileRegions;
    const length = dataFile.scattered ? placeRegions(regions, 0, order) * this.#clusterSize : size;
    const chunks = regions.map((declared) => {
      const offset = this.#offset(declared);
      return { offset, bytes: declared.bytes().subarray(0, length - offset) };
    });
    return new HostFile(chunks, length);
  }

  #layout(): ImageLayout {
    const [l1, ...snapshotL1] = this.#guest.l1Tables;
    const bitmaps = this.#bitmaps;
    return {
      l1Offset: this.#offset(l1!),
      l1Entries: this.#guest.l1Entries,
      l2Offsets: this.#guest.l2Offsets(),
      l2Entries: this.#guest.l2Entries,
      l2EntrySize: this.#guest.l2EntrySize,
      refcountTableOffset: this.#offset(this.#refcountTable),
      refcountBlockOffsets: this.#refcountBlocks.map((block) => this.#offset(block)),
      snapshotTableOffset: this.#snapshotTable && this.#offset(this.#snapshotTable),
      snapshotL1Offsets: snapshotL1.map((table) => this.#offset(table)),
      bitmapDirectoryOffset: bitmaps && this.#offset(bitmaps.directory),
      bitmapTableOffsets: bitmaps?.tables.map((table) => this.#offset(table.region)) ?? [],
      hostOffsets: this.#guest.hostOffsets(),
    };
  }
}
