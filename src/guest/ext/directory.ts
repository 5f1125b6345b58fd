/**
 * Folders ("Directory Entries"), read block by block in the order of the blocks. Blocks of the hash tree look like empty
 * ones to a linear reader: they hide behind an entry that is not in use, or behind `..`.
 */
import { GuestError, type GuestProblem } from '../errors';
import type { DirectoryEntry, Listing } from '../fileSystem';
import { crc32c } from '../crc32c';
import { DIRDATA, FILETYPE } from './features';
import { inlineParts } from './inlineData';
import { ENTRY_TYPES } from '../entryTypes';
import type { Inode } from './inode';
import { runsOf } from './mapping';
import type { Volume } from './volume';

const HEADER = 8;
const SHORTEST = 12;
/** The checksum at the end of a leaf hides in an entry of 12 bytes that is not in use. */
const TAIL = 12;
const TAIL_MARK = 0xde00_000c;
/** Inline folders begin with the number of their parent. */
const INLINE_PARENT = 4;
/** Blocks that make no sense after which a folder is left alone. */
const MOST_BROKEN = 256;

/** @param inode of a folder. @throws GuestError where nothing of it can be read */
export function listFolder(volume: Volume, inode: Inode): Listing {
  const reader = new Reader(volume, inode);
  if (inode.hasInlineData) reader.readInline();
  else reader.readBlocks();
  return reader.listing();
}

class Reader {
  readonly #volume: Volume;
  readonly #inode: Inode;
  readonly #hasTypes: boolean;
  readonly #typeMask: number;
  readonly #entries: DirectoryEntry[] = [];
  #problem: GuestProblem | undefined;
  #broken = 0;

  constructor(volume: Volume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    const { incompatible } = volume.superblock;
    this.#hasTypes = (incompatible & FILETYPE) !== 0;
    this.#typeMask = (incompatible & DIRDATA) === 0 ? 0xff : 0xf;
    this.#problem = inode.problem;
  }

  listing(): Listing {
    const entries = this.#entries;
    return this.#problem === undefined ? { entries } : { entries, problem: this.#problem };
  }

  readInline(): void {
    const [first, second] = inlineParts(this.#inode);
    if (first !== undefined) {
      const entries = first.bytes.subarray(INLINE_PARENT);
      this.#readEntries(Buffer.from(entries), entries.length, first.offset + INLINE_PARENT);
    }
    if (second !== undefined)
      this.#readEntries(Buffer.from(second.bytes), second.bytes.length, second.offset);
  }

  readBlocks(): void {
    const seen = new Set<number>();
    const bytes = Buffer.alloc(this.#volume.superblock.blockSize);
    try {
      for (const { at, count, block } of runsOf(this.#volume, this.#inode, 0, this.#tell)) {
        if (block === undefined) {
          const facts = { what: 'folder', offset: this.#inode.blockOffset, value: at, limit: 'no holes' };
          this.#tell(new GuestError('guest.value', facts));
          continue;
        }
        for (let index = 0; index < count; index++) {
          if (seen.has(block + index)) {
            const offset = this.#volume.offsetOf(block + index);
            throw new GuestError('guest.loop', { what: 'folder', offset });
          }
          seen.add(block + index);
          this.#readBlock(bytes, block + index, at + index === 0);
        }
      }
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      // Nothing at all is another matter than not everything.
      if (seen.size === 0) throw error;
      this.#tell(error);
    }
  }

  #readBlock(bytes: Buffer, block: number, isFirst: boolean): void {
    this.#volume.readBlockInto(bytes, block, 'folder');
    const offset = this.#volume.offsetOf(block);
    const end = this.#leafEnd(bytes, offset, isFirst);
    if (this.#readEntries(bytes, end, offset)) return;
    if (++this.#broken > MOST_BROKEN) {
      const facts = { what: 'broken blocks of a folder', value: this.#broken, limit: MOST_BROKEN };
      throw new GuestError('guest.tooMany', facts);
    }
  }

  /** Checks the checksum of a leaf. @returns where its entries end */
  #leafEnd(bytes: Buffer, offset: number, isFirst: boolean): number {
    if (!this.#volume.superblock.hasMetadataChecksums) return bytes.length;
    // What a leaf had at its end may still be there when it has become part of the hash tree.
    if (this.#inode.isIndexed && (isFirst || this.#isTreeNode(bytes))) return bytes.length;
    const tail = bytes.length - TAIL;
    const hasChecksum = bytes.readUInt32LE(tail) === 0 && bytes.readUInt32LE(tail + 4) === TAIL_MARK;
    if (!hasChecksum || crc32c(this.#inode.seed, bytes, 0, tail) !== bytes.readUInt32LE(tail + 8))
      this.#tell(new GuestError('guest.checksum', { what: 'folder', offset }));
    return hasChecksum ? tail : bytes.length;
  }

  /** Nodes below the root of the hash tree begin with an entry that is not in use and takes the whole block. */
  #isTreeNode(bytes: Buffer): boolean {
    return bytes.readUInt32LE(0) === 0 && this.#entryLength(bytes.readUInt16LE(4)) === bytes.length;
  }

  /** @returns whether all entries up to `end` make sense */
  #readEntries(bytes: Buffer, end: number, offset: number): boolean {
    let at = 0;
    while (at + HEADER <= end) {
      const length = this.#entryLength(bytes.readUInt16LE(at + 4));
      const id = bytes.readUInt32LE(at);
      const nameLength = this.#hasTypes ? bytes[at + 6]! : bytes.readUInt16LE(at + 6);
      const isRight = length >= SHORTEST && length % 4 === 0 && at + length <= end;
      if (!isRight || (id !== 0 && HEADER + nameLength > length)) {
        const limit = `${SHORTEST}–${end - at}`;
        this.#tell(
          new GuestError('guest.value', { what: 'rec_len', offset: offset + at, value: length, limit }),
        );
        return false;
      }
      if (id !== 0) this.#addEntry(bytes, at, id, nameLength);
      at += length;
    }
    return true;
  }

  /** Blocks of 64 KiB are longer than 16 bits can tell. */
  #entryLength(stored: number): number {
    const { blockSize } = this.#volume.superblock;
    if (blockSize < 0x1_0000) return stored;
    if (stored === 0xffff || stored === 0) return blockSize;
    return (stored & 0xfffc) | ((stored & 3) << 16);
  }

  #addEntry(bytes: Buffer, at: number, id: number, nameLength: number): void {
    const start = at + HEADER;
    const end = start + nameLength;
    // `.` and `..`
    if (bytes[start] === 0x2e && (nameLength === 1 || (nameLength === 2 && bytes[start + 1] === 0x2e)))
      return;
    if (nameLength === 0) return;
    const name = this.#inode.isEncrypted
      ? encryptedName(bytes, start, end)
      : bytes.toString('utf8', start, end);
    const type = this.#hasTypes ? ENTRY_TYPES[bytes[at + 7]! & this.#typeMask] : undefined;
    this.#entries.push({ name, id, type });
  }

  /** Keeps the first problem. */
  readonly #tell = (error: GuestError): void => {
    this.#problem ??= error.problem;
  };
}

/** What stands for a name that only the guest can decrypt: different names stay different. */
const encryptedName = (bytes: Buffer, start: number, end: number): string =>
  `[encrypted] ${bytes.toString('base64url', start, end)}`;
