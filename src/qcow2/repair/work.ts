/** What all steps of a repair work on. */
import type { FindingKind } from '../findingText';
import { dataView } from '../format/bytes';
import { FaultCollector } from '../format/faults';
import type { Header } from '../format/header';
import { parseHeader } from '../format/parseHeader';
import { headerField, type HeaderFieldName } from '../format/headerFields';
import { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import type { WritableFile } from '../io/writableFile';
import type { Progress } from '../progress';
import { type ByteLength, type GuestOffset, hostCluster, hostOffset, type HostOffset } from '../units';
import { FreshClusters } from './freshClusters';
import { RepairLog } from './reportBuilder';

/** Everything is read and written through `file`; where a repair fails half-way, the caller puts back what it was. */
export interface RepairContext {
  readonly file: WritableFile;
  /** The same file as it is before the repair, and stays. */
  readonly original: BlockFile;
  /** The external data file, where the image has one that is open; it is not read. */
  readonly dataFile: BlockFile | undefined;
  /** Bytes of the image file on disk, which may be more than are staged. */
  readonly diskSize: ByteLength;
  readonly progress: Progress;
}

export class RepairWork {
  readonly log = new RepairLog();
  readonly fresh: FreshClusters;
  readonly clusterSize: ByteLength;
  /** End of the image file as it was before the repair, in bytes: a multiple of 512, as QEMU measures files. */
  readonly fileEnd: HostOffset;
  readonly namesBacking: boolean;
  /** Parts of the image cannot be read as they are written. */
  readonly hasFaults: boolean;
  /** Data can be put somewhere else: LUKS ties what is encrypted to its host offset. */
  readonly canMoveData: boolean;
  /** As it was opened last. */
  #opened: Qcow2Image;

  /**
   * @param image opened on the file as it is
   * @param known clusters that the image knows, one beyond the file perhaps
   */
  constructor(
    readonly context: RepairContext,
    image: Qcow2Image,
    known: number,
  ) {
    const { file, original, diskSize } = context;
    this.clusterSize = image.header.clusterSize;
    this.fileEnd = hostOffset(Math.ceil(file.size / 512) * 512);
    this.#opened = image;
    this.namesBacking = image.namesBacking;
    this.hasFaults = image.faults.length > 0;
    this.canMoveData = image.encryption !== 'luks';
    const first = hostCluster(Math.max(known, Math.ceil(diskSize / this.clusterSize)));
    this.fresh = new FreshClusters(file, original, this.clusterSize, first);
  }

  get file(): WritableFile {
    return this.context.file;
  }

  get progress(): Progress {
    return this.context.progress;
  }

  /** The header as it is now: far cheaper than `open`, which reads all snapshots. */
  header(): Header {
    return parseHeader(this.file, new FaultCollector());
  }

  /** The image as it is now. */
  open(): Qcow2Image {
    const { file, dataFile } = this.context;
    this.#opened = Qcow2Image.open(file, { dataFile, former: this.#opened });
    return this.#opened;
  }

  /** @param value a safe integer */
  setWide(offset: HostOffset, value: number): void {
    const bytes = new Uint8Array(8);
    dataView(bytes).setBigUint64(0, BigInt(value));
    this.file.write(bytes, offset);
  }

  setEntry(offset: HostOffset, high: number, low: number): void {
    const bytes = new Uint8Array(8);
    const view = dataView(bytes);
    view.setUint32(0, high);
    view.setUint32(4, low);
    this.file.write(bytes, offset);
  }

  changeByte(offset: HostOffset, change: (byte: number) => number): void {
    const byte = new Uint8Array(1);
    this.file.read(byte, offset);
    this.file.write(byte.map(change), offset);
  }

  setHeader(name: HeaderFieldName, value: number): void {
    const { offset, length } = headerField(name);
    if (length === 8) {
      this.setWide(offset, value);
      return;
    }
    const bytes = new Uint8Array(4);
    dataView(bytes).setUint32(0, value);
    this.file.write(bytes, offset);
  }

  /** Guest bytes of a layer that could not be read, or cannot any more; what lies past the disk does not count. */
  lost(
    guest: GuestOffset,
    length: ByteLength,
    size: ByteLength,
    why: FindingKind,
    reads: 'zeroes' | 'backing',
    snapshot: number | undefined,
  ): void {
    const end = Math.min(size, guest + length);
    if (end <= guest) return;
    const place = { guest, length: end - guest, ...(snapshot === undefined ? {} : { snapshot }) };
    this.log.lost({ ...place, why, wasReadable: false, reads });
  }
}
