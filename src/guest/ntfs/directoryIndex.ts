/**
 * Directories: a B+tree of file names ($I30), its root in the record ($INDEX_ROOT), the other nodes in blocks
 * ($INDEX_ALLOCATION, those in use marked in $BITMAP). The tree is walked in its order; where a part of it is damaged, the
 * blocks that were not reached are looked through one by one.
 */
import { GuestError, type GuestProblem } from '../errors';
import type { DirectoryEntry, FileType, Listing } from '../fileSystem';
import { isPowerOfTwo } from './bootSector';
import type { FileAttributes } from './fileAttributes';
import { applyFixups } from './fixups';
import { idOf } from './fileId';
import { readReference, readUtf16, unsigned64, viewOf } from './numbers';
import { ATTRIBUTE } from './record';
import { type Stream, readStream, type StreamVolume } from './stream';

export const INDEX_NAME = '$I30';

const ROOT_HEADER = 0x10;
const BLOCK_HEADER = 0x18;
const ENTRY_HEADER = 0x10;
const HAS_CHILD = 1;
const IS_LAST = 2;
const KEY_HEADER = 0x42;
const DOS_NAMESPACE = 2;

const SYSTEM = 0x4;
const REPARSE = 0x400;
const DIRECTORY = 0x1000_0000;

/** The update sequence array of a larger block would not fit into its first sector. */
const LARGEST_BLOCK = 64 * 1024;
/** Trees of directories with millions of names have four levels. */
const DEEPEST = 24;
/** What one listing may hold: entries, and letters of all names. */
const MOST_ENTRIES = 1_000_000;
const MOST_LETTERS = 48 * 1024 * 1024;
/** Blocks looked through in a damaged directory. */
const MOST_SWEPT = 65_536;

/** @throws GuestError where the directory has no root that can be read */
export function readDirectory(volume: StreamVolume, file: FileAttributes): Listing {
  return new DirectoryReader(volume, file).read();
}

class DirectoryReader {
  readonly #volume: StreamVolume;
  readonly #file: FileAttributes;
  readonly #entries: DirectoryEntry[] = [];
  #letters = 0;
  #problem: GuestProblem | undefined;
  #isFull = false;
  #blocks: Stream | undefined;
  #blockSize = 4096;
  /** Blocks that were read. */
  readonly #seen = new Set<number>();

  constructor(volume: StreamVolume, file: FileAttributes) {
    this.#volume = volume;
    this.#file = file;
  }

  read(): Listing {
    const root = this.#file.open(ATTRIBUTE.indexRoot, INDEX_NAME);
    const bytes = root?.resident;
    const offset = this.#file.record.offset;
    if (bytes === undefined || bytes.length < ROOT_HEADER + 16)
      throw new GuestError('guest.value', {
        what: 'index root',
        offset,
        value: bytes?.length ?? 0,
        limit: 'a root',
      });
    this.#blockSize = viewOf(bytes).getUint32(8, true);
    try {
      if (!isPowerOfTwo(this.#blockSize, 512, LARGEST_BLOCK))
        throw new GuestError('guest.value', {
          what: 'size of index blocks',
          offset,
          value: this.#blockSize,
          limit: LARGEST_BLOCK,
        });
      this.#blocks = this.#file.open(ATTRIBUTE.indexAllocation, INDEX_NAME);
    } catch (error) {
      this.#note(error);
    }
    this.#node(bytes, ROOT_HEADER, offset, 0);
    if (this.#problem !== undefined && !this.#isFull) this.#sweep();
    const problem = this.#problem ?? this.#file.problem;
    return { entries: this.#entries, ...(problem === undefined ? {} : { problem }) };
  }

  /** The first problem is told. */
  #note(error: unknown): void {
    if (!(error instanceof GuestError)) throw error;
    this.#problem ??= error.problem;
  }

  /**
   * All entries of a node and of those below it.
   * @param header bytes from the start of `bytes` to the node's header
   */
  #node(bytes: Uint8Array, header: number, offset: number, depth: number): void {
    const view = viewOf(bytes);
    const end = Math.min(bytes.length, header + view.getUint32(header + 4, true));
    for (let at = header + view.getUint32(header, true); !this.#isFull;) {
      const length = at + ENTRY_HEADER <= end ? view.getUint16(at + 8, true) : 0;
      const flags = length === 0 ? 0 : view.getUint16(at + 12, true);
      const hasChild = (flags & HAS_CHILD) !== 0;
      if (length < ENTRY_HEADER + (hasChild ? 8 : 0) || at + length > end) {
        this.#note(wrong('index entry', offset + at, length, end - at));
        return;
      }
      if (hasChild) this.#child(view, at + length - 8, offset, depth);
      if ((flags & IS_LAST) !== 0) return;
      this.#entry(bytes, view, at, length - (hasChild ? 8 : 0), offset);
      at += length;
    }
  }

  #child(view: DataView, at: number, offset: number, depth: number): void {
    try {
      const vcn = unsigned64(view, at, 'index block', offset);
      if (this.#seen.has(vcn))
        throw new GuestError('guest.loop', { what: 'index block', offset: offset + at });
      if (depth >= DEEPEST)
        throw new GuestError('guest.tooMany', {
          what: 'levels of a directory',
          value: depth + 1,
          limit: DEEPEST,
        });
      const bytes = this.#block(vcn);
      this.#node(bytes, BLOCK_HEADER, this.#offsetOf(vcn), depth + 1);
    } catch (error) {
      this.#note(error);
    }
  }

  /** Blocks are counted in clusters, or in 512 bytes where a cluster is larger than a block. */
  get #vcnSize(): number {
    const { clusterSize } = this.#volume.geometry;
    return clusterSize <= this.#blockSize ? clusterSize : 512;
  }

  /** @throws GuestError where it is not a block of this number */
  #block(vcn: number): Uint8Array {
    const at = vcn * this.#vcnSize;
    const stream = this.#blocks;
    if (stream === undefined || at % this.#blockSize !== 0 || at + this.#blockSize > stream.size) {
      const offset = this.#file.record.offset;
      throw new GuestError('guest.beyond', {
        what: 'index block',
        offset,
        value: at + this.#blockSize,
        limit: stream?.size ?? 0,
      });
    }
    const bytes = new Uint8Array(this.#blockSize);
    readStream(this.#volume, stream, at, bytes);
    const offset = this.#offsetOf(vcn);
    applyFixups(bytes, 'INDX', 'index block', offset);
    const own = unsigned64(viewOf(bytes), 0x10, 'index block', offset);
    if (own !== vcn) throw wrong('number of an index block', offset + 0x10, own, vcn);
    this.#seen.add(vcn);
    return bytes;
  }

  #offsetOf(vcn: number): number {
    const { clusterSize } = this.#volume.geometry;
    const runs = this.#blocks?.runs;
    const at = vcn * this.#vcnSize;
    const cluster = Math.floor(at / clusterSize);
    if (runs === undefined || cluster >= runs.end) return 0;
    const { vcn: first, lcn = 0 } = runs.run(runs.indexAt(cluster));
    return (lcn - first) * clusterSize + at;
  }

  #entry(bytes: Uint8Array, view: DataView, at: number, length: number, offset: number): void {
    const key = at + ENTRY_HEADER;
    const units = length >= ENTRY_HEADER + KEY_HEADER ? view.getUint8(key + 0x40) : 0;
    if (units === 0 || ENTRY_HEADER + KEY_HEADER + 2 * units > length) {
      this.#note(wrong('name in a directory', offset + at, units, length));
      return;
    }
    if (view.getUint8(key + 0x41) === DOS_NAMESPACE) return;
    const reference = readReference(view, at);
    const name = readUtf16(bytes, key + KEY_HEADER, units);
    // The root is an entry of itself.
    if (name === '.' || name === '..') return;
    const id = idOf(reference);
    if (id === undefined) {
      this.#note(wrong('file reference', offset + at, reference.record, 2 ** 32 - 1));
      return;
    }
    this.#letters += units;
    if (this.#entries.length >= MOST_ENTRIES || this.#letters > MOST_LETTERS) {
      this.#isFull = true;
      this.#problem = {
        code: 'guest.tooMany',
        what: 'names in a directory',
        value: this.#entries.length + 1,
        limit: MOST_ENTRIES,
      };
      return;
    }
    this.#entries.push({ name, id, type: typeOf(view.getUint32(key + 0x38, true)) });
  }

  /** Entries of the blocks in use that the tree does not lead to. */
  #sweep(): void {
    const stream = this.#blocks;
    if (stream === undefined) return;
    const bits = this.#blocksInUse();
    const blocks = Math.min(Math.floor(stream.size / this.#blockSize), bits.length * 8);
    for (let index = 0; index < blocks && !this.#isFull; index++) {
      const vcn = (index * this.#blockSize) / this.#vcnSize;
      if (((bits[index >>> 3] ?? 0) & (1 << (index & 7))) === 0 || this.#seen.has(vcn)) continue;
      try {
        const bytes = this.#block(vcn);
        this.#node(bytes, BLOCK_HEADER, this.#offsetOf(vcn), 0);
      } catch (error) {
        this.#note(error);
      }
    }
  }

  #blocksInUse(): Uint8Array {
    try {
      const stream = this.#file.open(ATTRIBUTE.bitmap, INDEX_NAME);
      if (stream === undefined) return new Uint8Array();
      const bits = new Uint8Array(Math.min(stream.size, MOST_SWEPT / 8));
      readStream(this.#volume, stream, 0, bits);
      return bits;
    } catch (error) {
      this.#note(error);
      return new Uint8Array();
    }
  }
}

/** Links and special files are told from files by their record only. */
function typeOf(attributes: number): FileType | undefined {
  if ((attributes & REPARSE) !== 0) return undefined;
  if ((attributes & DIRECTORY) !== 0) return 'folder';
  return (attributes & SYSTEM) !== 0 ? undefined : 'file';
}

const wrong = (what: string, offset: number, value: number, limit: number): GuestError =>
  new GuestError('guest.value', { what, offset, value, limit });
