/** XFS, versions 4 and 5: "XFS Algorithms & Data Structures", `fs/xfs/libxfs/xfs_format.h`. */
import { type BlockDevice, CachedDevice } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type { FileExtent, FileId, FileInfo, FileSystem, Listing, WalkProgress } from '../fileSystem';
import type { DeviceOffset } from '../units';
import { readContents, stretchesOf, targetOf } from './contents';
import { listDirectory } from './directory';
import { expectReadable, superblockDoubts } from './features';
import { forEachFreeRun } from './freeSpace';
import { readGroup } from './groups';
import { type Inode, readInode } from './inode';
import { logDoubt } from './log';
import { errorOf, invalid } from './problems';
import { readSuperblock, type Superblock } from './superblock';
import { Volume } from './volume';

/** @throws GuestError where the device does not begin with the superblock of an XFS */
export function openXfs(device: BlockDevice): FileSystem {
  return new XfsFileSystem(device instanceof CachedDevice ? device : new CachedDevice(device));
}

class XfsFileSystem implements FileSystem {
  readonly kind = 'XFS';
  readonly label: string;
  readonly uuid: string;
  readonly size: number;
  readonly blockSize: number;
  readonly root: FileId;
  readonly #superblock: Superblock;
  readonly #volume: Volume;
  #doubts: readonly GuestProblem[] | undefined;
  /** The inode asked for last: callers ask for more than one thing of a file in a row. */
  #last: Inode | undefined;

  constructor(device: BlockDevice) {
    const superblock = readSuperblock(device);
    this.#superblock = superblock;
    this.#volume = new Volume(device, superblock);
    this.label = superblock.label;
    this.uuid = superblock.uuid;
    this.size = superblock.blocks * superblock.blockSize;
    this.blockSize = superblock.blockSize;
    this.root = superblock.rootInode;
  }

  /** Found when they are first asked for: the log is read for them. */
  get doubts(): readonly GuestProblem[] {
    if (this.#doubts === undefined) {
      const log = logDoubt(this.#volume);
      const others = superblockDoubts(this.#superblock, this.#volume.device);
      this.#doubts = log === undefined ? others : [...others, log];
    }
    return this.#doubts;
  }

  used(progress: WalkProgress): number {
    const { blocks, groups, freeBlocks, hasLazyCounters, blockSize } = this.#superblock;
    let free = hasLazyCounters ? 0 : freeBlocks;
    for (let group = 0; hasLazyCounters && group < groups; group++) {
      progress.checkCancelled();
      progress.report(group, groups);
      const header = readGroup(this.#volume, group);
      free += header.freeBlocks + header.listBlocks + header.treeBlocks;
    }
    if (free > blocks) throw invalid('superblock', 144, free, blocks);
    return (blocks - free) * blockSize;
  }

  list(folder: FileId): Listing {
    const inode = this.#inode(folder);
    if (inode.type !== 'folder') throw new GuestError('guest.notFolder', { value: folder });
    return listDirectory(this.#volume, inode);
  }

  stat(file: FileId): FileInfo {
    const inode = this.#inode(file);
    const link = inode.type === 'link' ? this.#target(inode) : {};
    const problem = contentsProblem(inode);
    return {
      id: file,
      type: inode.type,
      size: inode.size,
      allocated: inode.isRealTime ? 0 : inode.blocks * this.blockSize,
      modified: inode.modified,
      mode: inode.mode,
      owner: inode.owner,
      group: inode.group,
      links: inode.links,
      ...(problem === undefined ? {} : { problem }),
      ...link,
    };
  }

  read(file: FileId, at: number, target: Uint8Array): number {
    const inode = this.#inode(file);
    if (inode.type !== 'file') throw new GuestError('guest.notFile', { value: file });
    expectContents(inode);
    return readContents(this.#volume, inode, at, target);
  }

  extents(file: FileId): Iterable<FileExtent> {
    const inode = this.#inode(file);
    expectContents(inode);
    return stretchesOf(this.#volume, inode);
  }

  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void {
    forEachFreeRun(this.#volume, visit, progress);
  }

  #inode(number: FileId): Inode {
    if (this.#last?.number === number) return this.#last;
    expectReadable(this.#superblock);
    this.#last = readInode(this.#volume, number);
    return this.#last;
  }

  #target(inode: Inode): Pick<FileInfo, 'target' | 'problem'> {
    try {
      return { target: targetOf(this.#volume, inode) };
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      return { problem: error.problem };
    }
  }
}

/** Why the contents cannot be read as they are for the guest. */
function contentsProblem(inode: Inode): GuestProblem | undefined {
  return inode.isRealTime ? { code: 'xfs.realtime', value: inode.number } : inode.problem;
}

function expectContents(inode: Inode): void {
  const problem = contentsProblem(inode);
  if (problem !== undefined) throw errorOf(problem);
}
