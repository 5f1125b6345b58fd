/**
 * Where things are: numbers of blocks and inodes consist of the number of an allocation group (high bits) and a number
 * within it. Groups are not padded to a power of two, so that these numbers have gaps.
 */
import { type BlockDevice, expectOnDevice, readBytes } from '../blockDevice';
import { GuestError } from '../errors';
import { type DeviceOffset, deviceOffset } from '../units';
import type { Superblock } from './superblock';

declare const unit: unique symbol;
/** Number of a block of the file system (`xfs_fsblock_t`): group and block within it. */
export type FsBlock = number & { readonly [unit]: 'FsBlock' };
/** Number of a block within its group (`xfs_agblock_t`). */
export type GroupBlock = number & { readonly [unit]: 'GroupBlock' };

export function fsBlock(value: number): FsBlock {
  return value as FsBlock;
}

export function groupBlock(value: number): GroupBlock {
  return value as GroupBlock;
}

export class Volume {
  readonly #perGroup: number;
  readonly #inodesPerBlock: number;

  constructor(
    readonly device: BlockDevice,
    readonly superblock: Superblock,
  ) {
    this.#perGroup = 2 ** superblock.groupBlockBits;
    this.#inodesPerBlock = 2 ** superblock.inodesPerBlockBits;
  }

  /** Blocks of a group, which exists. */
  groupLength(group: number): number {
    const { blocks, groupBlocks } = this.superblock;
    return Math.min(groupBlocks, blocks - group * groupBlocks);
  }

  /** Bytes from the start of the device at which a group begins. */
  groupStart(group: number): DeviceOffset {
    return deviceOffset(group * this.superblock.groupBlocks * this.superblock.blockSize);
  }

  /** The place of `count` blocks, at least one, of one group. @throws GuestError `guest.beyond` */
  place(block: FsBlock, count: number, what: string): DeviceOffset {
    const group = Math.floor(block / this.#perGroup);
    const within = block - group * this.#perGroup;
    const { groups, blockSize, blocks } = this.superblock;
    if (!(group < groups && within + count <= this.groupLength(group)))
      throw new GuestError('guest.beyond', { what, offset: 0, value: block + count, limit: blocks });
    const place = deviceOffset(this.groupStart(group) + within * blockSize);
    expectOnDevice(this.device, place, count * blockSize, what);
    return place;
  }

  /** The place of a block of a group that exists. @throws GuestError `guest.beyond` */
  placeInGroup(group: number, block: GroupBlock, what: string): DeviceOffset {
    const limit = this.groupLength(group);
    const start = this.groupStart(group);
    if (block >= limit) throw new GuestError('guest.beyond', { what, offset: start, value: block, limit });
    return deviceOffset(start + block * this.superblock.blockSize);
  }

  /** @throws GuestError `guest.noFile` where no inode can have this number */
  inodePlace(inode: number): DeviceOffset {
    const { blockSize, inodeSize, groups } = this.superblock;
    const block = Math.floor(inode / this.#inodesPerBlock);
    const index = inode - block * this.#inodesPerBlock;
    const group = Math.floor(block / this.#perGroup);
    const within = block - group * this.#perGroup;
    const isPossible =
      Number.isSafeInteger(inode) && inode > 0 && group < groups && within < this.groupLength(group);
    if (!isPossible) throw new GuestError('guest.noFile', { value: inode });
    return deviceOffset(this.groupStart(group) + within * blockSize + index * inodeSize);
  }

  /** The bytes of one block or directory block. @throws GuestError */
  read(place: DeviceOffset, length: number, what: string): Uint8Array {
    return readBytes(this.device, place, length, what);
  }
}
