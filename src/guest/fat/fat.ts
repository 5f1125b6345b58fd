/** FAT12, FAT16 and FAT32, read-only (Microsoft's FAT specification 1.03). */
import { type BlockDevice, CachedDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type { FileExtent, FileId, FileInfo, FileSystem, Listing, WalkProgress } from '../fileSystem';
import { type DeviceOffset, deviceOffset } from '../units';
import { AllocationTable } from './allocationTable';
import { ChainCache } from './chain';
import { expectWhole, extentsOf, lengthOf, readContents } from './contents';
import { type FatBoot, readFatBoot } from './fatBoot';
import { entryUse, fatFile, type FatFile, fatLabel, listFat, LONGEST_FOLDER } from './fatFolder';
import { doubtsOfTables, forEachFreeInTables } from './fatFree';
import { ENTRY, type FolderPiece, FolderReader } from './folderReader';
import { FreeRuns } from './freeRuns';

/**
 * Times are local times of the guest, whose zone is not on the disk: they are taken as UTC.
 * @throws GuestError where this is not a FAT file system
 */
export function openFat(device: BlockDevice): FileSystem {
  const cached = new CachedDevice(device);
  return new Fat(cached, readFatBoot(cached));
}

/** Files are known by the place of their directory entry on the device; the root directory, which has no entry, by 0. */
const ROOT: FileId = 0;

const KINDS: Record<FatBoot['width'], string> = { 12: 'FAT12', 16: 'FAT16', 28: 'FAT32' };

class Fat implements FileSystem {
  readonly kind: string;
  readonly ignoresCase = true;
  readonly uuid: string | undefined;
  readonly size: number;
  readonly blockSize: number;
  readonly root = ROOT;
  readonly doubts: readonly GuestProblem[];
  readonly #device: BlockDevice;
  readonly #boot: FatBoot;
  readonly #chains: ChainCache;
  readonly #folders: FolderReader;
  #label: string | undefined;

  constructor(device: BlockDevice, boot: FatBoot) {
    const { width, clusters, tables, size, serial } = boot;
    this.kind = KINDS[width];
    this.uuid = serial;
    this.size = size;
    this.blockSize = clusters.clusterSize;
    this.doubts = [...boot.doubts, ...doubtsOfTables(device, boot)];
    this.#device = device;
    this.#boot = boot;
    this.#chains = new ChainCache(new AllocationTable(device, tables[0] ?? 0, width, clusters));
    this.#folders = new FolderReader(device, clusters);
  }

  get label(): string {
    if (this.#label === undefined) {
      try {
        this.#label = fatLabel(this.#pieces(ROOT));
      } catch (error) {
        if (!(error instanceof GuestError)) throw error;
        this.#label = '';
      }
    }
    return this.#label;
  }

  used(progress: WalkProgress): number {
    const { clusters } = this.#boot;
    let free = 0;
    // The first table counts: what others say in addition is a matter of doubt, not of size.
    const first = { ...this.#boot, tables: this.#boot.tables.slice(0, 1) };
    const add = (_: number, count: number): void => {
      free += count;
    };
    forEachFreeInTables(this.#device, first, add, progress);
    return (clusters.count - free) * clusters.clusterSize;
  }

  list(folder: FileId): Listing {
    return listFat(this.#pieces(folder));
  }

  stat(id: FileId): FileInfo {
    const { clusters, fixedRoot } = this.#boot;
    if (id === ROOT && this.#hasFixedRoot) return folderInfo(id, fixedRoot.length, undefined);
    const { isFolder, firstCluster, size, modified } = this.#file(id);
    if (isFolder) return folderInfo(id, this.#folderLength(id, firstCluster), modified);
    const [needed, most] = [Math.ceil(size / clusters.clusterSize), firstCluster === 0 ? 0 : clusters.count];
    const info = {
      id,
      type: 'file',
      size,
      allocated: Math.min(needed, most) * clusters.clusterSize,
      modified,
    } as const;
    if (needed <= most) return info;
    return { ...info, problem: { code: 'fat.short', offset: id, value: info.allocated, limit: size } };
  }

  read(id: FileId, at: number, target: Uint8Array): number {
    const { isFolder, firstCluster, size } = this.#file(id);
    if (isFolder) throw new GuestError('guest.notFile', { value: id });
    const length = Math.max(0, Math.min(target.length, size - at));
    if (length === 0) return 0;
    const contents = { chain: this.#chains.chain(firstCluster, id), size };
    readContents(this.#device, this.#boot.clusters, contents, at, target.subarray(0, length));
    return length;
  }

  extents(id: FileId): Iterable<FileExtent> {
    const { clusters, fixedRoot } = this.#boot;
    if (id === ROOT && this.#hasFixedRoot) {
      const { start, length } = fixedRoot;
      return length === 0 ? [] : [{ at: 0, length, place: deviceOffset(start) }];
    }
    const file = this.#file(id);
    const size = file.isFolder ? this.#folderLength(id, file.firstCluster) : file.size;
    return size === 0 ? [] : extentsOf(clusters, { chain: this.#chains.chain(file.firstCluster, id), size });
  }

  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void {
    const { clusters, rootCluster } = this.#boot;
    // Where the root directory is broken, what the tables say of everything else is not sure either.
    if (!this.#hasFixedRoot) expectWhole(this.#chains.chain(rootCluster, ROOT));
    const runs = new FreeRuns(clusters, visit);
    const add = (first: number, count: number): void => {
      runs.add(first, count);
    };
    forEachFreeInTables(this.#device, this.#boot, add, progress);
    runs.end();
  }

  /** What the entry of a file says. @throws GuestError where there is none */
  #file(id: FileId): FatFile {
    const { width, rootCluster, fixedRoot, size } = this.#boot;
    if (id === ROOT) return { isFolder: true, firstCluster: rootCluster, size: 0, modified: undefined };
    const isPlace =
      Number.isSafeInteger(id) && id >= fixedRoot.start && id + ENTRY <= size && id % ENTRY === 0;
    if (!isPlace) throw noEntry(id);
    const view = new DataView(readBytes(this.#device, id, ENTRY, 'directory entry').buffer);
    if (entryUse(view, 0) !== 'file') throw noEntry(id);
    return fatFile(view, 0, width === 28);
  }

  get #hasFixedRoot(): boolean {
    return this.#boot.width !== 28;
  }

  #folderLength(id: FileId, firstCluster: number): number {
    // A folder without clusters is empty.
    if (firstCluster === 0 && id !== ROOT) return 0;
    return lengthOf(this.#boot.clusters, this.#chains.chain(firstCluster, id), LONGEST_FOLDER);
  }

  /** @throws GuestError `guest.notFolder`, or where the folder does not begin in a cluster */
  #pieces(id: FileId): Iterable<FolderPiece> {
    if (id === ROOT && this.#hasFixedRoot) {
      const { start, length } = this.#boot.fixedRoot;
      return this.#folders.region(start, length);
    }
    const { isFolder, firstCluster } = this.#file(id);
    if (!isFolder) throw new GuestError('guest.notFolder', { value: id });
    if (firstCluster === 0 && id !== ROOT) return [];
    return this.#folders.pieces(id, this.#chains.chain(firstCluster, id), Infinity, LONGEST_FOLDER);
  }
}

function folderInfo(id: FileId, length: number, modified: number | undefined): FileInfo {
  return { id, type: 'folder', size: length, allocated: length, modified };
}

function noEntry(id: FileId): GuestError {
  return new GuestError('guest.noFile', { value: id });
}
