/**
 * Directories: entries in the inode (short form), or in data blocks. Of block, leaf, node and B+tree directories only the
 * data blocks are read: hashes and free space indexes behind them serve to find names quickly.
 */
import { ENTRY_TYPES } from '../entryTypes';
import { GuestError, type GuestProblem } from '../errors';
import type { DirectoryEntry, FileType, Listing } from '../fileSystem';
import { type DeviceOffset, deviceOffset } from '../units';
import { textOf, u64, viewOf } from './bigEndian';
import { localContents } from './contents';
import { extentsOf } from './extents';
import type { Inode } from './inode';
import { errorOf, wrongValue } from './problems';
import { DIRECTORY_SEAL, sealProblem } from './seal';
import type { Volume } from './volume';

/** Bytes from the start of the directory at which hashes begin (`XFS_DIR2_LEAF_OFFSET`). */
const DATA_END = 2 ** 35;
const BLOCK_MAGIC = 0x58443242; // XD2B
const DATA_MAGIC = 0x58443244; // XD2D
const BLOCK_MAGIC_V5 = 0x58444233; // XDB3
const DATA_MAGIC_V5 = 0x58444433; // XDD3
const HEADER = 16;
const HEADER_V5 = 64;
const FREE = 0xffff;
/** What one listing may hold: about 100 bytes each. */
const MOST_ENTRIES = 1_000_000;
/** Blocks that are not read as what they should be, after which the rest is not tried. */
const MOST_BAD_BLOCKS = 64;

const TYPES: readonly (FileType | undefined)[] = [
  ...ENTRY_TYPES,
  // A whiteout of an overlay is a character device.
  'characterDevice',
];

/** Lists what can be read of a directory. @throws GuestError where nothing of it can be */
export function listDirectory(volume: Volume, inode: Inode): Listing {
  const reader = new DirectoryReader(volume, inode);
  if (inode.format === 'local') reader.readShortForm();
  else reader.readBlocks();
  return reader.listing();
}

class DirectoryReader {
  readonly #volume: Volume;
  readonly #inode: Inode;
  readonly #entries: DirectoryEntry[] = [];
  readonly #hasTypes: boolean;
  /** The first one. */
  #problem: GuestProblem | undefined;

  constructor(volume: Volume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    this.#hasTypes = volume.superblock.hasFileTypes;
    this.#problem = inode.problem;
  }

  listing(): Listing {
    const problem = this.#problem;
    return { entries: this.#entries, ...(problem === undefined ? {} : { problem }) };
  }

  /** `struct xfs_dir2_sf_hdr`: counts, the parent, and entries with inode numbers of 4 or 8 bytes. */
  readShortForm(): void {
    const bytes = localContents(this.#inode);
    const view = viewOf(bytes);
    const { place } = this.#inode;
    const numberLength = bytes.length > 1 && view.getUint8(1) > 0 ? 8 : 4;
    let at = 2 + numberLength;
    if (at > bytes.length) throw errorOf(wrongValue('directory', place, bytes.length, `≥ ${at}`));
    for (let left = view.getUint8(0); left > 0; left--) {
      const nameLength = at < bytes.length ? view.getUint8(at) : 0;
      const name = at + 3;
      const type = name + nameLength;
      const number = this.#hasTypes ? type + 1 : type;
      at = number + numberLength;
      if (nameLength === 0 || at > bytes.length) {
        this.#tell(wrongValue('directory', place, at, bytes.length));
        return;
      }
      const id = numberLength === 8 ? u64(view, number) : view.getUint32(number);
      this.#add(bytes.subarray(name, type), id, this.#hasTypes ? view.getUint8(type) : 0, place);
    }
  }

  readBlocks(): void {
    const seen = new Set<DeviceOffset>();
    let bad = 0;
    try {
      for (const { bytes, place } of directoryBlocks(this.#volume, this.#inode)) {
        if (seen.has(place)) throw new GuestError('guest.loop', { what: 'directory', offset: place });
        seen.add(place);
        if (!this.#readBlock(bytes, place) && ++bad >= MOST_BAD_BLOCKS) return;
        if (this.#entries.length > MOST_ENTRIES) throw tooMany(this.#entries.length);
      }
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.#tell(error.problem);
    }
    // Each directory has entries for itself and its parent.
    if (seen.size === 0) this.#tell(wrongValue('directory', this.#inode.place, 0, '≥ 1'));
  }

  /** @returns whether it is a block of entries, and sound */
  #readBlock(bytes: Uint8Array | undefined, place: DeviceOffset): boolean {
    const isWhole = bytes !== undefined && this.#readWholeBlock(bytes, place);
    if (!isWhole) this.#tell(wrongValue('directory block', place, 0, 'entries'));
    return isWhole;
  }

  #readWholeBlock(bytes: Uint8Array, place: DeviceOffset): boolean {
    const view = viewOf(bytes);
    const magic = view.getUint32(0);
    const isV5 = this.#volume.superblock.version === 5;
    const isSingle = magic === (isV5 ? BLOCK_MAGIC_V5 : BLOCK_MAGIC);
    if (!isSingle && magic !== (isV5 ? DATA_MAGIC_V5 : DATA_MAGIC)) return false;
    if (isV5) {
      const where = { what: 'directory block', place, owner: this.#inode.number };
      const problem = sealProblem(bytes, DIRECTORY_SEAL, this.#volume, where);
      if (problem !== undefined) this.#tell(problem);
    }
    // The only block of a directory has the hashes at its end: 8 bytes for each entry, and their number.
    const hashes = isSingle ? 8 + view.getUint32(bytes.length - 8) * 8 : 0;
    let at = isV5 ? HEADER_V5 : HEADER;
    for (const end = bytes.length - hashes; at < end;) {
      const length = view.getUint16(at) === FREE ? view.getUint16(at + 2) : this.#entryLength(view, at);
      const isInside = length >= 8 && length % 8 === 0 && at + length <= end;
      // Entries, used or free, end in their own offset.
      if (!isInside || view.getUint16(at + length - 2) !== at) return false;
      if (view.getUint16(at) !== FREE) this.#addEntry(bytes, view, at, place);
      at += length;
    }
    return at === bytes.length - hashes;
  }

  #entryLength(view: DataView, at: number): number {
    if (at + 9 > view.byteLength) return 0;
    const used = 8 + 1 + view.getUint8(at + 8) + (this.#hasTypes ? 1 : 0) + 2;
    return Math.ceil(used / 8) * 8;
  }

  #addEntry(bytes: Uint8Array, view: DataView, at: number, place: DeviceOffset): void {
    const name = at + 9;
    const type = name + view.getUint8(at + 8);
    this.#add(bytes.subarray(name, type), u64(view, at), this.#hasTypes ? view.getUint8(type) : 0, place);
  }

  #add(bytes: Uint8Array, id: number, type: number, place: DeviceOffset): void {
    const name = textOf(bytes);
    if (name === '.' || name === '..') return;
    if (name !== '' && Number.isSafeInteger(id)) this.#entries.push({ name, id, type: TYPES[type] });
    else this.#tell(wrongValue('directory entry', place, id, Number.MAX_SAFE_INTEGER));
  }

  #tell(problem: GuestProblem): void {
    this.#problem ??= problem;
  }
}

function tooMany(count: number): GuestError {
  return new GuestError('guest.tooMany', { what: 'directory entries', value: count, limit: MOST_ENTRIES });
}

interface DirectoryBlock {
  readonly place: DeviceOffset;
  /** Overwritten by those of the next block; undefined where a part of the block is absent. */
  readonly bytes: Uint8Array | undefined;
}

/** The blocks of entries, each put together of the blocks of the file system that it consists of. */
function* directoryBlocks(volume: Volume, inode: Inode): Generator<DirectoryBlock, void> {
  const { blockSize, directoryBlockLog } = volume.superblock;
  const perBlock = 2 ** directoryBlockLog;
  const bytes = new Uint8Array(perBlock * blockSize);
  let present = 0;
  let place = inode.place;
  /** The block of the directory that follows. */
  let next = 0;
  for (const extent of extentsOf(volume, inode)) {
    for (let done = 0; done < extent.count;) {
      const at = extent.at + done;
      if (at * blockSize >= DATA_END) break;
      if (present > 0 && at !== next) {
        yield { place, bytes: undefined };
        present = 0;
      }
      const within = at % perBlock;
      const count = Math.min(perBlock - within, extent.count - done);
      const start = deviceOffset(extent.place + done * blockSize);
      if (present === 0) place = start;
      volume.device.read(bytes.subarray(within * blockSize, (within + count) * blockSize), start);
      present += count;
      next = at + count;
      done += count;
      if (next % perBlock !== 0) continue;
      yield { place, bytes: present === perBlock ? bytes : undefined };
      present = 0;
    }
    if (extent.at * blockSize >= DATA_END) break;
  }
  if (present > 0) yield { place, bytes: undefined };
}
