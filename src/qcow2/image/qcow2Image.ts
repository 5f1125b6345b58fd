/**
 * One open qcow2 image: its metadata, checked, and what it has for ranges of guest bytes. The backing file is not
 * its business; an external data file is handed to it already open.
 */
import { hex } from '../../text/hex';
import { EngineError, FormatError, RefusedError, UnsupportedError, type Problem } from '../errors';
import { readBackingName } from '../format/backingName';
import { readBitmapDirectory, type Bitmap } from '../format/bitmapDirectory';
import { checkEncryption, type Encryption } from '../format/encryption';
import { blockingFault, FaultCollector, type Fault, type Purpose } from '../format/faults';
import type { Features } from '../format/features';
import type { Header } from '../format/header';
import { parseExtensions, type HeaderExtensions } from '../format/headerExtensions';
import type { L2Rules } from '../format/l2Kind';
import { readLuksHeader, type LuksHeader } from '../format/luksHeader';
import { parseHeader } from '../format/parseHeader';
import type { Snapshot } from '../format/snapshotTable';
import type { BlockFile } from '../io/blockFile';
import {
  type ByteLength,
  type ClusterCount,
  guestCluster,
  type GuestCluster,
  type GuestOffset,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
} from '../units';
import { AbsentFile } from './absentFile';
import { ActiveTables } from './activeTables';
import { readClusterEntry, type ClusterEntry } from './clusterEntry';
import { type CompressedPlace, readCompressedCluster, streamInFile } from './decompress';
import { type CompressedStream, RunKind, type Layer, type RunVisitor } from './layer';
import { isPreallocated } from './preallocation';
import { Refcounts } from './refcounts';
import { openSnapshotTable, type SnapshotTable } from './snapshotTable';

export interface Qcow2OpenOptions {
  /** The external data file, where the image has one and it may be opened. The image takes it over. */
  readonly dataFile?: BlockFile | undefined;
  /** The same file as it was opened before, or is on disk: what would be read the same is taken over. */
  readonly former?: Qcow2Image | undefined;
}

/** What the header says about the backing file. */
export interface BackingReference {
  /** As it is written. */
  readonly name: string;
  /** As it is written; absent where the image leaves it to be probed. */
  readonly format?: string;
}

/** Everything that is read and checked when an image is opened. */
interface Metadata {
  readonly header: Header;
  readonly extensions: HeaderExtensions;
  readonly encryption: Encryption | undefined;
  readonly backing: BackingReference | undefined;
  readonly snapshotTable: SnapshotTable;
  readonly bitmaps: readonly Bitmap[];
  readonly luksHeader: LuksHeader | undefined;
  readonly faults: readonly Fault[];
}

export class Qcow2Image implements Layer {
  readonly format = 'qcow2';
  readonly header: Header;
  readonly extensions: HeaderExtensions;
  readonly encryption: Encryption | undefined;
  readonly backing: BackingReference | undefined;
  /** Empty when the autoclear bit says that they are stale. */
  readonly bitmaps: readonly Bitmap[];
  /** Absent where the image is not encrypted with LUKS. */
  readonly luksHeader: LuksHeader | undefined;
  /** What cannot be read as it is written, in the order of QEMU's checks. The fields above have what can be read. */
  readonly faults: readonly Fault[];
  readonly dataFile: BlockFile;
  readonly tables: ActiveTables;
  readonly refcounts: Refcounts;
  readonly #snapshotTable: SnapshotTable;
  #isPreallocated: boolean | undefined;
  /** The last compressed cluster of which only a part was wanted: the next part is likely to follow. */
  #lastCluster: { readonly host: HostOffset; readonly content: Uint8Array } | undefined;

  /**
   * Opens the image in `file` and takes the file over. Everything that QEMU checks when it opens an image is
   * checked, in its order (header, extensions, data file, encryption, backing name, snapshots, bitmaps): what is wrong
   * becomes one of `faults`.
   * @throws FormatError, UnsupportedError where magic, version or cluster size cannot be read; FileError; `file` is left
   *   open then
   */
  static open(file: BlockFile, options: Qcow2OpenOptions = {}): Qcow2Image {
    const { dataFile, former } = options;
    const table = former === undefined ? undefined : former.#snapshotTable;
    return new Qcow2Image(file, readMetadata(file, table), dataFile);
  }

  private constructor(
    readonly file: BlockFile,
    metadata: Metadata,
    dataFile: BlockFile | undefined,
  ) {
    this.header = metadata.header;
    this.extensions = metadata.extensions;
    this.encryption = metadata.encryption;
    this.backing = metadata.backing;
    this.#snapshotTable = metadata.snapshotTable;
    this.bitmaps = metadata.bitmaps;
    this.luksHeader = metadata.luksHeader;
    this.faults = metadata.faults;
    this.dataFile = this.hasDataFile
      ? (dataFile ?? new AbsentFile(file.name, this.extensions.dataFileName))
      : file;
    this.tables = new ActiveTables(file, this.header, this.#rules(), this.faults);
    this.refcounts = new Refcounts(file, this.header, this.tables.cache);
  }

  get snapshots(): readonly Snapshot[] {
    return this.#snapshotTable.snapshots;
  }

  get size(): ByteLength {
    return this.header.size;
  }

  get features(): Features {
    return this.header.features;
  }

  get namesBacking(): boolean {
    return this.backing !== undefined || this.faults.some(({ part }) => part === 'backing file');
  }

  get backingName(): string | undefined {
    return this.backing?.name;
  }

  get isEncrypted(): boolean {
    return this.encryption !== undefined;
  }

  /** Guest data lies in an external data file. */
  get hasDataFile(): boolean {
    return this.header.features.externalDataFile;
  }

  /** The name of the external data file, as the header extension writes it. */
  get dataFileName(): string | undefined {
    return this.hasDataFile ? this.extensions.dataFileName : undefined;
  }

  /** False only for an image with an external data file that was not handed over. */
  get isDataFileOpen(): boolean {
    return !(this.dataFile instanceof AbsentFile);
  }

  get dataEnd(): HostOffset {
    if (!this.isDataFileOpen) return hostOffset(Infinity);
    const { clusterSize } = this.header;
    return hostOffset(Math.ceil(this.dataFile.size / clusterSize) * clusterSize);
  }

  wasInUse(host: HostOffset): boolean {
    // A data file has no refcounts.
    if (this.hasDataFile) return true;
    const cluster = hostCluster(Math.floor(host / this.header.clusterSize));
    try {
      // The refcounts may lie past the end as well.
      return this.refcounts.isCutOff(cluster) || this.refcountOf(cluster) > 0;
    } catch (error) {
      if (error instanceof FormatError) return true;
      throw error;
    }
  }

  /**
   * What about the external data file keeps QEMU from opening the image for anything but `info`: it is needed and has
   * no name, or it is said to be raw and there is none. Reading data is refused then.
   */
  get dataFileProblem(): Problem | undefined {
    return this.#dataFileError()?.problem;
  }

  /** Why the image is not opened for a purpose, where that is because of what the image has in it. */
  faultFor(purpose: Purpose): Problem | undefined {
    return blockingFault(this.faults, purpose)?.problem;
  }

  /** Whether the header says where refcounts are, and what one looks like. */
  get hasReadableRefcounts(): boolean {
    return !this.faults.some(
      ({ part, blocks }) => blocks === 'repair' && (part === 'refcounts' || part === 'refcount table'),
    );
  }

  /** @throws EngineError where the image is not opened for a purpose */
  refuseFaults(purpose: Purpose): void {
    const problem = this.faultFor(purpose);
    if (problem !== undefined) throw new EngineError(problem);
  }

  get granularity(): ByteLength {
    return this.header.subclusterSize;
  }

  get looksForHoles(): boolean {
    return (this.#isPreallocated ??= isPreallocated(this.file, this.header, this.refcounts));
  }

  /** Clusters of the guest's disk; the last one may be incomplete. */
  get clusterCount(): ClusterCount {
    return Math.ceil(this.size / this.header.clusterSize);
  }

  forEachRun(start: GuestOffset, end: GuestOffset, visit: RunVisitor): void {
    this.tables.forEachRun(start, end, visit);
  }

  readRun(target: Uint8Array, guest: GuestOffset, kind: RunKind, host: HostOffset): void {
    switch (kind) {
      case RunKind.zeroPlain:
      case RunKind.zeroAllocated:
        target.fill(0);
        return;
      case RunKind.data:
        this.#readData(target, guest, host);
        return;
      case RunKind.compressed:
        this.#readCompressed(target, guest, host);
        return;
      case RunKind.missing:
        this.tables.l2TableOffset(Math.floor(guest / this.header.l2Span));
        throw new RangeError(`no table is missing at guest offset ${guest}`);
      case RunKind.unallocated:
      case RunKind.unallocatedSubcluster:
        throw new RangeError('unallocated runs are resolved by the caller');
    }
  }

  compressedStream(guest: GuestOffset, length: ByteLength, host: HostOffset): CompressedStream | undefined {
    const { clusterSize } = this.header;
    const isBroken = this.#unreadable() !== undefined || this.#compressionFault() !== undefined;
    if (length !== clusterSize || isBroken) return undefined;
    return streamInFile(this.file, this.#compressedPlace(guest, host), this.header.compressionType);
  }

  /**
   * Everything about the entries of one guest cluster, broken ones too.
   * @param cluster below `clusterCount`
   * @throws FileError
   */
  entryAt(cluster: GuestCluster): ClusterEntry {
    return readClusterEntry(this.tables, cluster);
  }

  /**
   * The refcount of a cluster of the image file.
   * @throws FormatError, FileError
   */
  refcountOf(cluster: HostCluster): number {
    return this.refcounts.of(cluster);
  }

  close(): void {
    this.file.close();
    if (this.dataFile !== this.file) this.dataFile.close();
  }

  #rules(): L2Rules {
    const { version, clusterBits, clusterSize, features } = this.header;
    return {
      file: this.file.name,
      version,
      clusterBits,
      clusterSize,
      extendedL2: features.extendedL2,
      hasDataFile: features.externalDataFile,
    };
  }

  #dataFileError(): EngineError | undefined {
    const { externalDataFile, rawExternalData } = this.features;
    if (!externalDataFile && rawExternalData)
      return new FormatError(this.file.name, 'dataFile.rawWithoutFile');
    const isNamed = this.isDataFileOpen || this.dataFileName !== undefined;
    return isNamed ? undefined : new RefusedError(this.file.name, 'dataFile.required');
  }

  #refuseUnreadable(): void {
    const error = this.#unreadable();
    if (error !== undefined) throw error;
  }

  /** Why no data can be read. */
  #unreadable(): EngineError | undefined {
    const dataFileError = this.#dataFileError();
    if (dataFileError !== undefined || this.encryption === undefined) return dataFileError;
    return new UnsupportedError(this.file.name, 'encrypted.read', { value: this.encryption.toUpperCase() });
  }

  #readData(target: Uint8Array, guest: GuestOffset, host: HostOffset): void {
    this.#refuseUnreadable();
    const { dataFile, dataEnd } = this;
    if (host + target.length > dataEnd) {
      const first = Math.max(host, dataEnd);
      throw new FormatError(dataFile.name, 'cluster.beyondFile', {
        offset: first,
        value: hex(guest + first - host),
        limit: dataFile.size,
      });
    }
    dataFile.read(target, host);
  }

  #readCompressed(target: Uint8Array, guest: GuestOffset, host: HostOffset): void {
    this.#refuseUnreadable();
    const { clusterSize } = this.header;
    const within = guest % clusterSize;
    if (target.length === clusterSize) {
      this.#decompress(target, guest, host);
      return;
    }
    if (this.#lastCluster?.host !== host) {
      const content = new Uint8Array(clusterSize);
      this.#decompress(content, plus(guest, -within), host);
      this.#lastCluster = { host, content };
    }
    target.set(this.#lastCluster.content.subarray(within, within + target.length));
  }

  #decompress(target: Uint8Array, guest: GuestOffset, host: HostOffset): void {
    const fault = this.#compressionFault();
    if (fault !== undefined) throw new EngineError(fault.problem);
    const place = this.#compressedPlace(guest, host);
    readCompressedCluster(this.file, place, this.header.compressionType, target);
  }

  #compressionFault(): Fault | undefined {
    return this.faults.find(({ part }) => part === 'compression type');
  }

  #compressedPlace(guest: GuestOffset, host: HostOffset): CompressedPlace {
    const { meaning } = this.entryAt(guestCluster(guest / this.header.clusterSize));
    if (meaning.kind !== 'compressed' || (meaning.host as number) !== host) {
      throw new RangeError(`no compressed cluster at guest offset ${guest}`);
    }
    return { guest, host, length: meaning.length };
  }
}

function readMetadata(file: BlockFile, former: SnapshotTable | undefined): Metadata {
  const collector = new FaultCollector();
  const header = parseHeader(file, collector);
  const extensions = parseExtensions(file, header, collector);
  const encryption = collector.attempt<Encryption | undefined>(
    'encryption',
    'repair',
    () => checkEncryption(file, header, extensions),
    'luks',
  );
  const readLuks = (): LuksHeader | undefined => {
    const place = encryption === 'luks' ? extensions.encryptionHeader : undefined;
    return place === undefined ? undefined : readLuksHeader(file, place);
  };
  const luksHeader = collector.attempt('encryption', 'repair', readLuks, undefined);
  const name = collector.attempt('backing file', 'repair', () => readBackingName(file, header), undefined);
  const format = extensions.backingFormat;
  const snapshotTable = openSnapshotTable(file, header, former);
  for (const fault of snapshotTable.faults) collector.add(fault);
  const readBitmaps = (): Bitmap[] =>
    extensions.bitmaps ? readBitmapDirectory(file, header, extensions.bitmaps) : [];
  return {
    header,
    extensions,
    encryption,
    backing: name === undefined ? undefined : { name, ...(format === undefined ? {} : { format }) },
    snapshotTable,
    bitmaps: collector.attempt('bitmaps', 'repair', readBitmaps, []),
    luksHeader,
    faults: collector.faults,
  };
}
