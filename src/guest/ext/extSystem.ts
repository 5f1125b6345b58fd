/** ext2, ext3 and ext4, as on the disk: the journal is not replayed. */
import { type BlockDevice, CachedDevice } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type { FileExtent, FileId, FileInfo, FileSystem, Listing, WalkProgress } from '../fileSystem';
import type { DeviceOffset } from '../units';
import { readContents } from './contents';
import { listFolder } from './directory';
import { doubtsOf } from './doubts';
import { JOURNAL_DEVICE, kindOf } from './features';
import { forEachFreeRun } from './freeSpace';
import { MOST_GROUPS } from './groupTable';
import { type Inode, readInode, ROOT_INODE } from './inode';
import { runsOf } from './mapping';
import { findBackup, readSuperblock, type Superblock, SUPERBLOCK_AT } from './superblock';
import { linkTarget } from './link';
import { Volume } from './volume';

/** Groups between two looks at whether to go on. */
const CHECK_EVERY = 4096;

/**
 * Opens a file system of the ext family, whatever state it is in.
 * @throws GuestError where there is no superblock, or it is not valid
 */
export function openExt(device: BlockDevice): FileSystem {
  const whole = device instanceof CachedDevice ? device.device : device;
  return new ExtSystem(new Volume(whole, superblockOf(whole)));
}

function superblockOf(device: BlockDevice): Superblock {
  try {
    return readSuperblock(device);
  } catch (error) {
    const backup = error instanceof GuestError ? findBackup(device) : undefined;
    if (backup === undefined) throw error;
    throw new GuestError('ext.backup', { what: 'superblock', offset: SUPERBLOCK_AT, value: backup });
  }
}

class ExtSystem implements FileSystem {
  readonly kind: string;
  readonly label: string;
  readonly uuid: string | undefined;
  readonly size: number;
  readonly blockSize: number;
  readonly root: FileId = ROOT_INODE;
  readonly doubts: readonly GuestProblem[];
  readonly #volume: Volume;

  constructor(volume: Volume) {
    const { superblock } = volume;
    this.#volume = volume;
    this.kind = kindOf(superblock);
    this.label = superblock.label;
    this.uuid = uuidText(superblock.uuid);
    this.size = superblock.blocks * superblock.blockSize;
    this.blockSize = superblock.blockSize * superblock.clusterRatio;
    this.doubts = doubtsOf(volume);
  }

  used(progress: WalkProgress): number {
    const { blocks, blockSize, freeBlocks, incompatible } = this.#volume.superblock;
    if ((incompatible & JOURNAL_DEVICE) !== 0) return this.size;
    return (blocks - (this.#freeByDescriptors(progress) ?? freeBlocks)) * blockSize;
  }

  /** The superblock's count is written now and then only. @returns blocks, undefined where not all descriptors can be read */
  #freeByDescriptors(progress: WalkProgress): number | undefined {
    const { groups, clusterRatio, blocks } = this.#volume.superblock;
    if (groups > MOST_GROUPS) return undefined;
    try {
      let free = 0;
      for (let group = 0; group < groups; group++) {
        if (group % CHECK_EVERY === 0) progress.checkCancelled();
        free += this.#volume.descriptor(group).free;
      }
      return Math.min(free * clusterRatio, blocks);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      return undefined;
    }
  }

  list(folder: FileId): Listing {
    const inode = readInode(this.#volume, folder);
    if (inode.type !== 'folder') throw new GuestError('guest.notFolder', { value: folder });
    return listFolder(this.#volume, inode);
  }

  stat(file: FileId): FileInfo {
    const inode = readInode(this.#volume, file);
    const { type, size, allocated, modified, mode, owner, group, links } = inode;
    const info = { id: file, type, size, allocated, modified, mode, owner, group, links };
    const problem = problemOf(inode);
    const whole = problem === undefined ? info : { ...info, problem };
    if (type !== 'link' || inode.isEncrypted) return whole;
    try {
      return { ...whole, target: linkTarget(this.#volume, inode) };
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      return { ...whole, problem: problem ?? error.problem };
    }
  }

  read(file: FileId, at: number, target: Uint8Array): number {
    const inode = readInode(this.#volume, file);
    if (inode.type !== 'file') throw new GuestError('guest.notFile', { value: file });
    if (inode.isEncrypted || inode.isCompressed) throw new GuestError(...unreadable(inode));
    return readContents(this.#volume, inode, at, target);
  }

  *extents(file: FileId): Generator<FileExtent> {
    const inode = readInode(this.#volume, file);
    const { type, size } = inode;
    if (size === 0 || (type !== 'file' && type !== 'folder' && type !== 'link')) return;
    if (inode.hasInlineData || inode.isShortLink) {
      yield { at: 0, length: size, place: undefined };
      return;
    }
    const { blockSize } = this.#volume.superblock;
    for (const { at, count, block } of runsOf(this.#volume, inode)) {
      const stretch = { at: at * blockSize, length: count * blockSize };
      if (block === undefined) yield { ...stretch, place: undefined, isHole: true };
      else yield { ...stretch, place: this.#volume.offsetOf(block) };
    }
  }

  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void {
    if ((this.#volume.superblock.incompatible & JOURNAL_DEVICE) !== 0)
      throw new GuestError('ext.journalDevice', { offset: SUPERBLOCK_AT });
    forEachFreeRun(this.#volume, visit, progress);
  }
}

function problemOf(inode: Inode): GuestProblem | undefined {
  if (inode.isEncrypted || inode.isCompressed) return new GuestError(...unreadable(inode)).problem;
  return inode.problem;
}

const WHAT: Partial<Record<Inode['type'], string>> = { folder: 'names', link: 'the target' };

function unreadable({ type, isEncrypted }: Inode): ConstructorParameters<typeof GuestError> {
  if (!isEncrypted) return ['ext.compressed', {}];
  return ['ext.encrypted', { what: WHAT[type] ?? 'the contents' }];
}

/** @returns undefined where there is none: all zeroes */
function uuidText(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  const digits = Buffer.from(bytes).toString('hex');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
