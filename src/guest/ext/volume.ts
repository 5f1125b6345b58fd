/** An ext file system as its parts see it: its device and superblock, its blocks, and its group descriptors. */
import { type BlockDevice, CachedDevice, readBytes } from '../blockDevice';
import { GuestError } from '../errors';
import { deviceOffset, type DeviceOffset } from '../units';
import { crc32c, crc32cOfNumber, crc32cOfZeroes } from '../crc32c';
import { CRC16_START, crc16 } from './crc16';
import { META_BG, SPARSE_SUPER, SPARSE_SUPER2 } from './features';
import { SUPERBLOCK_AT, type Superblock } from './superblock';

const CHECKSUM_AT = 0x1e;
const OLD_SIZE = 32;

/** `bg_flags` */
const BLOCK_UNINIT = 0x2;

/** A group descriptor (kernel documentation, "Block Group Descriptors"). All are block numbers, not checked yet. */
export interface Descriptor {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  /** Clusters. */
  readonly free: number;
  /** The block bitmap is not on the disk: all is free but what the layout puts there. */
  readonly isUninitialized: boolean;
  /** Of the block bitmap: 32 bits, or 16 where the descriptor is short. */
  readonly bitmapChecksum: number;
}

export class Volume {
  /** Keeps what was read last. */
  readonly #device: BlockDevice;
  readonly #uncached: BlockDevice;
  readonly descriptorsPerBlock: number;
  /** The descriptor block read last, by its number. */
  #descriptors: { readonly index: number; readonly view: DataView } | undefined;
  /** Blocks that are both in the file system and on the device. */
  readonly #usableBlocks: number;

  constructor(
    device: BlockDevice,
    readonly superblock: Superblock,
  ) {
    this.#uncached = device;
    this.#device = new CachedDevice(device);
    const { blocks, blockSize, descriptorSize } = superblock;
    this.descriptorsPerBlock = Math.floor(blockSize / descriptorSize);
    this.#usableBlocks = Math.min(blocks, Math.floor(device.size / blockSize));
  }

  get deviceSize(): number {
    return this.#device.size;
  }

  offsetOf(block: number): DeviceOffset {
    return deviceOffset(block * this.superblock.blockSize);
  }

  /** Whether blocks can be those of a file or a table: within the file system and the device, past the first data block. */
  holds(block: number, count: number): boolean {
    return block > this.superblock.firstDataBlock && block + count <= this.#usableBlocks;
  }

  /** @throws GuestError `guest.beyond` */
  expectBlocks(block: number, count: number, what: string, offset: number): void {
    if (!this.holds(block, count))
      throw new GuestError('guest.beyond', {
        what,
        offset,
        value: block + count - 1,
        limit: this.#usableBlocks,
      });
  }

  /** A copy of one block. @throws GuestError `guest.beyond` */
  readBlock(block: number, what: string): Uint8Array {
    const bytes = new Uint8Array(this.superblock.blockSize);
    this.readBlockInto(bytes, block, what);
    return bytes;
  }

  /** @param bytes as long as a block */
  readBlockInto(bytes: Uint8Array, block: number, what: string): void {
    this.expectBlocks(block, 1, what, this.offsetOf(block));
    this.#device.read(bytes, this.offsetOf(block));
  }

  /** Reads blocks that are wanted once, without what is around them. @param target as long as the blocks */
  readBlocksOnce(target: Uint8Array, block: number, what: string): void {
    this.expectBlocks(block, target.length / this.superblock.blockSize, what, this.offsetOf(block));
    this.#uncached.read(target, this.offsetOf(block));
  }

  /** Reads within blocks that `expectBlocks` let through. */
  readAt(target: Uint8Array, offset: number): void {
    this.#device.read(target, deviceOffset(offset));
  }

  /** The block that has the primary superblock. */
  get superblockBlock(): number {
    return Math.floor(SUPERBLOCK_AT / this.superblock.blockSize);
  }

  groupStart(group: number): number {
    return this.superblock.firstDataBlock + group * this.superblock.blocksPerGroup;
  }

  /** Blocks of a group: the last one may have fewer. */
  groupLength(group: number): number {
    return Math.min(this.superblock.blocksPerGroup, this.superblock.blocks - this.groupStart(group));
  }

  get descriptorBlocks(): number {
    return Math.ceil(this.superblock.groups / this.descriptorsPerBlock);
  }

  get hasMetaGroups(): boolean {
    return (this.superblock.incompatible & META_BG) !== 0;
  }

  /** Whether a group begins with the superblock or a copy of it. */
  hasSuperblock(group: number): boolean {
    const { compatible, readOnlyCompatible, backupGroups } = this.superblock;
    if (group === 0) return true;
    if ((compatible & SPARSE_SUPER2) !== 0) return backupGroups.includes(group);
    if (group === 1 || (readOnlyCompatible & SPARSE_SUPER) === 0) return true;
    return group % 2 === 1 && (isPowerOf(group, 3) || isPowerOf(group, 5) || isPowerOf(group, 7));
  }

  /** @returns the block of the descriptors of groups from `index * descriptorsPerBlock` on */
  #descriptorBlock(index: number): number {
    const { firstMetaGroup } = this.superblock;
    if (!this.hasMetaGroups || index < firstMetaGroup) return this.superblockBlock + 1 + index;
    if (index === 0) return this.superblockBlock + 1;
    const group = index * this.descriptorsPerBlock;
    return this.groupStart(group) + (this.hasSuperblock(group) ? 1 : 0);
  }

  /** @param group less than the number of groups. @throws GuestError `guest.beyond` */
  descriptor(group: number): Descriptor {
    const view = this.#descriptorsOf(group);
    const at = (group % this.descriptorsPerBlock) * this.superblock.descriptorSize;
    const isWide = this.superblock.descriptorSize > OLD_SIZE;
    const isUninitialized = (view.getUint16(at + 0x12, true) & BLOCK_UNINIT) !== 0;
    return {
      blockBitmap: view.getUint32(at, true) + (isWide ? view.getUint32(at + 0x20, true) * 2 ** 32 : 0),
      inodeBitmap: view.getUint32(at + 4, true) + (isWide ? view.getUint32(at + 0x24, true) * 2 ** 32 : 0),
      inodeTable: view.getUint32(at + 8, true) + (isWide ? view.getUint32(at + 0x28, true) * 2 ** 32 : 0),
      free: view.getUint16(at + 0xc, true) + (isWide ? view.getUint16(at + 0x2c, true) * 2 ** 16 : 0),
      isUninitialized: this.superblock.hasGroupChecksums && isUninitialized,
      bitmapChecksum:
        view.getUint16(at + 0x18, true) + (isWide ? view.getUint16(at + 0x38, true) * 2 ** 16 : 0),
    };
  }

  /** Whether the checksum of a descriptor fits, or it has none. @throws GuestError `guest.beyond` */
  isDescriptorRight(group: number): boolean {
    if (!this.superblock.hasGroupChecksums) return true;
    const view = this.#descriptorsOf(group);
    const at = (group % this.descriptorsPerBlock) * this.superblock.descriptorSize;
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, this.superblock.descriptorSize);
    return this.#checksumOf(group, bytes) === view.getUint16(at + CHECKSUM_AT, true);
  }

  /** Where a descriptor is, for people. */
  descriptorOffset(group: number): DeviceOffset {
    const block = this.#descriptorBlock(Math.floor(group / this.descriptorsPerBlock));
    return deviceOffset(
      this.offsetOf(block) + (group % this.descriptorsPerBlock) * this.superblock.descriptorSize,
    );
  }

  /** The block that has the descriptor of a group. */
  #descriptorsOf(group: number): DataView {
    const index = Math.floor(group / this.descriptorsPerBlock);
    if (this.#descriptors?.index !== index) {
      const offset = this.offsetOf(this.#descriptorBlock(index));
      const { buffer } = readBytes(this.#device, offset, this.superblock.blockSize, 'group descriptors');
      this.#descriptors = { index, view: new DataView(buffer) };
    }
    return this.#descriptors.view;
  }

  #checksumOf(group: number, bytes: Uint8Array): number {
    const { seed, hasMetadataChecksums, uuid } = this.superblock;
    if (hasMetadataChecksums) {
      const crc = crc32c(crc32cOfNumber(seed, group), bytes, 0, CHECKSUM_AT);
      return crc32c(crc32cOfZeroes(crc), bytes, CHECKSUM_AT + 2) & 0xffff;
    }
    const number = Uint8Array.from([0, 8, 16, 24], (shift) => group >>> shift);
    const crc = crc16(crc16(crc16(CRC16_START, uuid), number), bytes.subarray(0, CHECKSUM_AT));
    return crc16(crc, bytes.subarray(CHECKSUM_AT + 2));
  }
}

function isPowerOf(value: number, base: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

/** What the checksums of an inode and of its blocks begin with. */
export const inodeSeed = (seed: number, inode: number, generation: number): number =>
  crc32cOfNumber(crc32cOfNumber(seed, inode), generation);
