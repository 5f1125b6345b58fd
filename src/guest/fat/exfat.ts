/** exFAT, read-only (Microsoft's exFAT specification 1.00). The up-case table is not needed: names are not looked up. */
import { type BlockDevice, CachedDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type {
  DirectoryEntry,
  FileExtent,
  FileId,
  FileInfo,
  FileSystem,
  Listing,
  WalkProgress,
} from '../fileSystem';
import type { DeviceOffset } from '../units';
import { AllocationTable } from './allocationTable';
import { type Chain, ChainCache, ContiguousChain, type Run } from './chain';
import { type Clusters, FIRST, isCluster, placeOf } from './clusters';
import { type Contents, extentsOf, lengthOf, readContents } from './contents';
import { type ExfatBoot, readExfatBoot } from './exfatBoot';
import { exfatFile, type ExfatFile, type ExfatSet, ExfatSets } from './exfatEntries';
import { forEachFreeInBitmap, InUse } from './exfatFree';
import { type ExfatVolume, readExfatVolume } from './exfatVolume';
import { ENTRY, type FolderPiece, FolderReader } from './folderReader';
import { FreeRuns } from './freeRuns';

/**
 * Times that do not say how far from UTC they are are taken as UTC.
 * @throws GuestError where this is not an exFAT file system
 */
export function openExfat(device: BlockDevice): FileSystem {
  const cached = new CachedDevice(device);
  return new Exfat(cached, readExfatBoot(cached));
}

/**
 * Files are known by the place of their first directory entry on the device, plus 1 where the folder that it is in has no
 * chain: its second entry may be in the folder's next cluster, which has to be found then. The root directory is 0.
 */
const ROOT: FileId = 0;
const IN_CONTIGUOUS = 1;

const LONGEST_FOLDER = 256 * 1024 * 1024;
/** Files of one folder that are listed: bounded by memory, not by the specification. */
const MOST_LISTED = 1_000_000;

class Exfat implements FileSystem {
  readonly kind = 'exFAT';
  readonly ignoresCase = true;
  readonly uuid: string;
  readonly size: number;
  readonly blockSize: number;
  readonly root = ROOT;
  readonly doubts: readonly GuestProblem[];
  readonly #device: BlockDevice;
  readonly #boot: ExfatBoot;
  readonly #table: AllocationTable;
  readonly #chains: ChainCache;
  readonly #folders: FolderReader;
  #found: ExfatVolume | undefined;

  constructor(device: BlockDevice, boot: ExfatBoot) {
    this.uuid = boot.serial;
    this.size = boot.size;
    this.blockSize = boot.clusters.clusterSize;
    this.doubts = boot.doubts;
    this.#device = device;
    this.#boot = boot;
    this.#table = new AllocationTable(device, boot.table, 32, boot.clusters);
    this.#chains = new ChainCache(this.#table);
    this.#folders = new FolderReader(device, boot.clusters);
  }

  get label(): string {
    try {
      return this.#volume().label;
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      return '';
    }
  }

  used(progress: WalkProgress): number {
    const { clusters } = this.#boot;
    let free = 0;
    const add = (_: number, count: number): void => {
      free += count;
    };
    forEachFreeInBitmap(this.#device, clusters, this.#bitmap(), add, progress);
    return (clusters.count - free) * clusters.clusterSize;
  }

  list(folder: FileId): Listing {
    const file = this.#file(folder);
    const entries: DirectoryEntry[] = [];
    let problem: GuestProblem | undefined;
    const mark = file.isContiguous ? IN_CONTIGUOUS : 0;
    const add = ({ name, place, isFolder }: ExfatSet): void => {
      if (entries.length >= MOST_LISTED)
        throw new GuestError('guest.tooMany', { what: 'entries', value: entries.length, limit: MOST_LISTED });
      if (name !== '.' && name !== '..')
        entries.push({ name, id: place + mark, type: isFolder ? 'folder' : 'file' });
    };
    const sets = new ExfatSets(add, (found) => {
      problem ??= found;
    });
    const pieces = this.#pieces(folder, file);
    try {
      let mayBeMore = true;
      for (const piece of pieces) if (!(mayBeMore = sets.take(piece))) break;
      if (mayBeMore) sets.end();
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      problem ??= error.problem;
    }
    return problem === undefined ? { entries } : { entries, problem };
  }

  stat(id: FileId): FileInfo {
    const { clusterSize, count } = this.#boot.clusters;
    const { isFolder, modified, firstCluster, size } = this.#file(id);
    if (id === ROOT) {
      const length = lengthOf(this.#boot.clusters, this.#chains.chain(firstCluster, id), LONGEST_FOLDER);
      return { id, type: 'folder', size: length, allocated: length, modified };
    }
    const [needed, most] = [Math.ceil(size / clusterSize), firstCluster === 0 ? 0 : count];
    const allocated = Math.min(needed, most) * clusterSize;
    const info = { id, type: isFolder ? 'folder' : 'file', size, allocated, modified } as const;
    if (needed <= most) return info;
    return { ...info, problem: { code: 'fat.short', offset: placeOfId(id), value: allocated, limit: size } };
  }

  read(id: FileId, at: number, target: Uint8Array): number {
    const file = this.#file(id);
    if (file.isFolder) throw new GuestError('guest.notFile', { value: id });
    const length = Math.max(0, Math.min(target.length, file.size - at));
    const written = Math.max(0, Math.min(length, file.written - at));
    if (written > 0) {
      const contents = { chain: this.#chain(id, file), size: file.size };
      readContents(this.#device, this.#boot.clusters, contents, at, target.subarray(0, written));
    }
    target.fill(0, written, length);
    return length;
  }

  extents(id: FileId): Iterable<FileExtent> {
    const file = this.#file(id);
    const size = id === ROOT ? this.stat(id).size : file.size;
    return size === 0 ? [] : extentsOf(this.#boot.clusters, { chain: this.#chain(id, file), size });
  }

  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void {
    const { clusters, rootCluster } = this.#boot;
    const bitmap = this.#bitmap();
    const { upcase } = this.#volume();
    const root = this.#chains.chain(rootCluster, ROOT);
    const inUse = [...runsOf(clusters, bitmap.chain, bitmap.size), ...runsOf(clusters, root, LONGEST_FOLDER)];
    if (upcase !== undefined) {
      const chain = this.#chains.chain(upcase.firstCluster, upcase.place);
      inUse.push(...runsOf(clusters, chain, upcase.size));
    }
    const surely = new InUse(clusters, inUse);
    const runs = new FreeRuns(clusters, visit);
    const add = (first: number, count: number): void => {
      surely.expectNot(first, count);
      runs.add(first, count);
    };
    forEachFreeInBitmap(this.#device, clusters, bitmap, add, progress);
    runs.end();
  }

  /** What the entries of a file say. @throws GuestError where there are none */
  #file(id: FileId): ExfatFile {
    if (id === ROOT) {
      const root = { isFolder: true, modified: undefined, isContiguous: false };
      return { ...root, firstCluster: this.#boot.rootCluster, size: Infinity, written: Infinity };
    }
    const { clusters } = this.#boot;
    const place = placeOfId(id);
    const cluster = FIRST + Math.floor((place - clusters.start) / clusters.clusterSize);
    const isPlace = Number.isSafeInteger(id) && id - place <= IN_CONTIGUOUS && place >= clusters.start;
    if (!isPlace || cluster >= FIRST + clusters.count) throw new GuestError('guest.noFile', { value: id });
    const isLast = place + ENTRY === placeOf(clusters, cluster) + clusters.clusterSize;
    if (!isLast) {
      const { buffer } = readBytes(this.#device, place, 2 * ENTRY, 'directory entry set');
      return exfatFile(new DataView(buffer), new DataView(buffer, ENTRY), place);
    }
    const next = id === place ? this.#table.next(cluster) : cluster + 1;
    if (!isCluster(clusters, next))
      throw new GuestError('fat.short', { offset: place, value: ENTRY, limit: 2 * ENTRY });
    const [file, stream] = [place, placeOf(clusters, next)].map(
      (at) => new DataView(readBytes(this.#device, at, ENTRY, 'directory entry set').buffer),
    );
    if (file === undefined || stream === undefined) throw new GuestError('guest.noFile', { value: id });
    return exfatFile(file, stream, place);
  }

  /** @throws GuestError where the file does not begin in a cluster, or is not wholly on the volume */
  #chain(id: FileId, { firstCluster, size, isContiguous }: ExfatFile): Chain {
    const { clusters } = this.#boot;
    if (!isContiguous) return this.#chains.chain(firstCluster, placeOfId(id));
    return new ContiguousChain(clusters, firstCluster, Math.ceil(size / clusters.clusterSize), placeOfId(id));
  }

  /** @throws GuestError `guest.notFolder`, or where the folder does not begin in a cluster */
  #pieces(id: FileId, file: ExfatFile): Iterable<FolderPiece> {
    if (!file.isFolder) throw new GuestError('guest.notFolder', { value: id });
    if (file.size === 0) return [];
    return this.#folders.pieces(id, this.#chain(id, file), file.size, LONGEST_FOLDER);
  }

  /** @throws GuestError where the root directory does not begin in a cluster */
  #volume(): ExfatVolume {
    const { active } = this.#boot;
    return (this.#found ??= readExfatVolume(this.#pieces(ROOT, this.#file(ROOT)), active));
  }

  /** The allocation bitmap, which always has a chain. @throws GuestError */
  #bitmap(): Contents {
    const { bitmap } = this.#volume();
    const needed = Math.ceil(this.#boot.clusters.count / 8);
    if (bitmap === undefined)
      throw new GuestError('guest.notRead', { what: 'exFAT', value: 'allocation bitmap' });
    const { firstCluster, size, place } = bitmap;
    if (size < needed)
      throw new GuestError('guest.value', {
        what: 'bitmap length',
        offset: place,
        value: size,
        limit: needed,
      });
    return { chain: this.#chains.chain(firstCluster, place), size };
  }
}

const placeOfId = (id: FileId): number => id - (id % ENTRY);

/**
 * All of a chain.
 * @param longest bytes beyond which it is not followed
 * @throws GuestError where it is broken or longer
 */
function runsOf(clusters: Clusters, chain: Chain, longest: number): Run[] {
  const runs: Run[] = [];
  const most = Math.ceil(longest / clusters.clusterSize);
  for (let index = 0; ;) {
    const run = chain.run(index, Infinity);
    if (run === undefined) return runs;
    runs.push(run);
    index += run.count;
    if (index > most) throw new GuestError('guest.tooMany', { what: 'clusters', value: index, limit: most });
  }
}
