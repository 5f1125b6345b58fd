/** NTFS 3.0 and 3.1: the volume as a file system. Layout: [MS-FSCC] and the structures of NTFS-3G's `layout.h`. */
import { type BlockDevice, CachedDevice } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type { FileExtent, FileId, FileInfo, FileSystem, Listing, WalkProgress } from '../fileSystem';
import { deviceOffset, type DeviceOffset } from '../units';
import { type Geometry, readBootSector } from './bootSector';
import { ClusterBitmap } from './clusterBitmap';
import { INDEX_NAME, readDirectory } from './directoryIndex';
import { FileAttributes } from './fileAttributes';
import { referenceOf } from './fileId';
import { describeFile, isFolder, openContents } from './fileInfo';
import { Mft, RECORD } from './mft';
import { readUtf16 } from './numbers';
import { ATTRIBUTE, COMPRESSED_MASK, residentValue } from './record';
import { placesOf, readStream, type Stream } from './stream';
import { doubtsOf } from './volumeState';

/** Files whose contents stay open, and their runs: files are read piece by piece, a few at a time. */
const KEPT_FILES = 4;
const KEPT_RUNS = 1024 * 1024;

/**
 * Opens the volume that a device holds. Ids of its files: fileId.ts; a number below 2^32 is that of a record.
 * @throws GuestError where the boot sector or the first record of the master file table cannot be read
 */
export function openNtfs(device: BlockDevice): FileSystem {
  const cached = device instanceof CachedDevice ? device : new CachedDevice(device);
  return new NtfsVolume(new Mft(cached, readBootSector(cached)));
}

class NtfsVolume implements FileSystem {
  readonly kind = 'NTFS';
  readonly ignoresCase = true;
  readonly label: string;
  readonly uuid: string;
  readonly size: number;
  readonly blockSize: number;
  readonly root: FileId = RECORD.root;
  readonly #mft: Mft;
  readonly #geometry: Geometry;
  /** By file, the one used last at the end. */
  readonly #contents = new Map<FileId, Stream>();
  /** The file that was asked for last. */
  #last: { readonly id: FileId; readonly file: FileAttributes } | undefined;
  #doubts: readonly GuestProblem[] | undefined;

  constructor(mft: Mft) {
    this.#mft = mft;
    this.#geometry = mft.geometry;
    this.size = mft.geometry.size;
    this.blockSize = mft.geometry.clusterSize;
    this.uuid = mft.geometry.serial;
    this.label = labelOf(mft);
  }

  get doubts(): readonly GuestProblem[] {
    return (this.#doubts ??= doubtsOf(this.#mft));
  }

  used(progress: WalkProgress): number {
    return new ClusterBitmap(this.#mft).countUsed(progress) * this.blockSize;
  }

  list(folder: FileId): Listing {
    const file = this.#file(folder);
    if (!isFolder(this.#mft, file)) throw new GuestError('guest.notFolder', { value: folder });
    return readDirectory(this.#mft, file);
  }

  stat(id: FileId): FileInfo {
    return describeFile(this.#mft, id, this.#file(id));
  }

  read(id: FileId, at: number, target: Uint8Array): number {
    return readStream(this.#mft, this.#opened(id), at, target);
  }

  *extents(id: FileId): Generator<FileExtent> {
    const file = this.#file(id);
    const stream = file.record.isDirectory
      ? file.open(ATTRIBUTE.indexAllocation, INDEX_NAME)
      : file.open(ATTRIBUTE.data);
    if (stream === undefined || stream.size === 0) return;
    if (stream.resident !== undefined) yield { at: 0, length: stream.size, place: undefined };
    // Of a compressed unit, the clusters that are not stored still have contents.
    const isCompressed = (stream.flags & COMPRESSED_MASK) !== 0;
    for (const { at, length, place } of placesOf(this.#mft, stream)) {
      if (place !== undefined) yield { at, length, place: deviceOffset(place) };
      else if (isCompressed) yield { at, length, place };
      else yield { at, length, place, isHole: true };
    }
  }

  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void {
    const { clusterSize } = this.#geometry;
    new ClusterBitmap(this.#mft).forEachFree((start, end) => {
      visit(deviceOffset(start * clusterSize), (end - start) * clusterSize);
    }, progress);
  }

  /** @throws GuestError `guest.noFile` where the record is free, or belongs to another file than the id means */
  #file(id: FileId): FileAttributes {
    if (this.#last?.id === id) return this.#last.file;
    const { record: number, sequence } = referenceOf(id);
    const record = this.#mft.record(number);
    // Records that continue another have a base.
    const isFirst = record.base.record === 0 && record.base.sequence === 0;
    const isMeant = record.isInUse && isFirst && (sequence === 0 || sequence === record.sequence);
    if (!isMeant) throw new GuestError('guest.noFile', { value: number, offset: record.offset });
    const file = new FileAttributes(this.#mft, record);
    this.#last = { id, file };
    return file;
  }

  #opened(id: FileId): Stream {
    const kept = this.#contents.get(id);
    if (kept !== undefined) {
      this.#contents.delete(id);
      this.#contents.set(id, kept);
      return kept;
    }
    const stream = openContents(this.#mft, id, this.#file(id));
    let runs = stream.runs?.count ?? 0;
    for (const { runs: others } of this.#contents.values()) runs += others?.count ?? 0;
    if (runs > KEPT_RUNS) this.#contents.clear();
    if (this.#contents.size >= KEPT_FILES) this.#contents.delete(this.#contents.keys().next().value ?? id);
    this.#contents.set(id, stream);
    return stream;
  }
}

/** Empty where it cannot be read. */
function labelOf(mft: Mft): string {
  try {
    const name = new FileAttributes(mft, mft.record(RECORD.volume)).first(ATTRIBUTE.volumeName);
    const value = name === undefined ? new Uint8Array() : residentValue(name);
    return readUtf16(value, 0, Math.floor(value.length / 2));
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return '';
  }
}
