/**
 * Refcounts that change (qcow2.txt, "Host cluster management"): blocks are read when first needed, changed in
 * memory, and written back where they changed, when room is needed for others or at the end. Runs go at the speed of
 * comparing and filling memory.
 */
import { FormatError } from '../errors';
import type { Header } from '../format/header';
import { decodeRefcountTableEntry } from '../format/refcount';
import {
  onesOnDisk,
  readRefcount,
  refcountsPerBlock,
  refcountWidth,
  type RefcountWidth,
} from '../format/refcountWidth';
import { refuseBeyondFile } from '../format/beyondFile';
import { Fill } from '../io/fill';
import type { WritableFile } from '../io/writableFile';
import {
  type ClusterCount,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
} from '../units';
import type { ClusterBits } from '../clusterSet';

/** Bytes of blocks in memory: few, since they are gone through in ascending order. */
const BUDGET = 8 * 1024 * 1024;
/** Refcounts from which on a run is worth comparing as a whole. */
const LONG_RUN = 16;

/** Bytes of the table that are read together. */
const WINDOW = 512;

/** Bytes of a block that are looked at together when it is written back. */
const PART = 4096;

interface Block {
  readonly index: number;
  /** Bytes from the start of the file. */
  readonly offset: HostOffset;
  readonly bytes: Buffer;
  /** What changed, in bytes of the block. */
  dirtyFrom: number;
  dirtyTo: number;
  usedAt: number;
}

export class RefcountBlocks {
  /** Refcounts of one block. */
  readonly perBlock: number;
  /** Where the table is now. Bytes. */
  tableOffset: HostOffset;
  /** Clusters. */
  tableClusters: ClusterCount;
  readonly #width: RefcountWidth;
  readonly #blocks = new Map<number, Block>();
  readonly #mostBlocks: number;
  /** A block in which all refcounts are 1, and one in which all are 0. */
  readonly #ones: Buffer;
  readonly #zeroes: Buffer;
  readonly #onesFill: Fill;
  /** What blocks were in that are not in memory any more. */
  readonly #spare: Buffer[] = [];
  #last: Block | undefined;
  /** A part of the table, as it is in the file. */
  readonly #window = Buffer.alloc(WINDOW);
  #windowStart = -1;
  #clock = 0;

  /** @param freed is told of every cluster whose refcount falls to 0 */
  constructor(
    readonly file: WritableFile,
    readonly header: Header,
    readonly freed: ClusterBits,
    budget = BUDGET,
  ) {
    const { clusterSize, refcountBits } = header;
    this.perBlock = refcountsPerBlock(clusterSize, refcountBits);
    this.tableOffset = header.refcountTableOffset;
    this.tableClusters = header.refcountTableClusters;
    this.#width = refcountWidth(refcountBits);
    this.#mostBlocks = Math.max(2, Math.floor(budget / clusterSize));
    this.#zeroes = Buffer.alloc(clusterSize);
    this.#ones = onesOnDisk(this.perBlock, refcountBits);
    this.#onesFill = Fill.of(this.#ones.readUInt32BE(0), this.#ones.readUInt32BE(4));
  }

  /** Entries of the refcount table. */
  get tableEntries(): number {
    return (this.tableClusters * this.header.clusterSize) / 8;
  }

  /** The refcount of a cluster; 0 where no block describes it. */
  get(cluster: HostCluster): number {
    const index = Math.floor(cluster / this.perBlock);
    const block = this.#block(index);
    return block === undefined ? 0 : this.#width.get(block.bytes, cluster - index * this.perBlock);
  }

  /** The same, where no other refcount of the block is likely to be asked for: it is not read for that. */
  peek(cluster: HostCluster): number {
    const index = Math.floor(cluster / this.perBlock);
    const offset = this.#blocks.has(index) ? 0 : this.#offsetOf(index);
    if (offset === 0) return this.get(cluster);
    return readRefcount(this.file, offset, cluster - index * this.perBlock, this.#width);
  }

  /** Whether there is a block for the refcount of `cluster`. */
  hasBlock(cluster: HostCluster): boolean {
    return this.#block(Math.floor(cluster / this.perBlock)) !== undefined;
  }

  /** First cluster from `cluster` on, and before `end`, whose refcount is 0; `end` where there is none. */
  nextUnused(cluster: HostCluster, end: HostCluster): HostCluster {
    for (let at = cluster; at < end;) {
      const index = Math.floor(at / this.perBlock);
      const block = this.#block(index);
      if (block === undefined) return at;
      const first = index * this.perBlock;
      const stop = Math.min(this.perBlock, end - first);
      const found = this.#unusedInBlock(block.bytes, at - first, stop);
      if (found < stop) return hostCluster(first + found);
      at = hostCluster(first + this.perBlock);
    }
    return end;
  }

  /**
   * Changes the refcounts of a run by one up or down.
   * @throws FormatError where a refcount would fall below 0 or rise beyond its width
   */
  adjust(first: HostCluster, count: ClusterCount, delta: 1 | -1): void {
    for (let at = first; at < first + count;) {
      const index = Math.floor(at / this.perBlock);
      const from = at - index * this.perBlock;
      const to = Math.min(this.perBlock, first + count - index * this.perBlock);
      at = hostCluster(index * this.perBlock + to);
      if (to - from === this.perBlock && this.#adjustUnread(index, delta)) continue;
      const block = this.#block(index);
      if (block === undefined) throw this.#outOfRange(hostCluster(index * this.perBlock + from), delta, 0);
      this.#adjustInBlock(block, from, to, delta);
    }
  }

  /**
   * Moves the refcount of `from` to `to`; `from` has none afterwards.
   * @throws FormatError where `to` has one
   */
  transfer(from: HostCluster, to: HostCluster): void {
    const refcount = this.get(from);
    const had = this.get(to);
    if (had !== 0) throw this.#outOfRange(to, 1, had);
    this.#set(to, refcount);
    this.#set(from, 0);
    this.freed.add(from);
  }

  /**
   * Takes a new block, all zero, into the table, which must have an entry for it.
   * @param offset of the block, in bytes from the start of the file
   */
  addBlock(index: number, offset: HostOffset): void {
    this.file.fill(offset, this.header.clusterSize);
    this.file.write(entryBytes(offset), plus(this.tableOffset, index * 8));
    this.#windowStart = -1;
    this.#blocks.delete(index);
    if (this.#last?.index === index) this.#last = undefined;
  }

  /** Writes back everything that changed. */
  flush(): void {
    for (const block of this.#blocks.values()) this.#writeBack(block);
  }

  #set(cluster: HostCluster, refcount: number): void {
    const index = Math.floor(cluster / this.perBlock);
    const block = this.#block(index);
    if (block === undefined) throw this.#outOfRange(cluster, 1, 0);
    const at = cluster - index * this.perBlock;
    this.#width.set(block.bytes, at, refcount);
    block.dirtyFrom = Math.min(block.dirtyFrom, Math.floor((at * this.#width.bits) / 8));
    block.dirtyTo = Math.max(block.dirtyTo, Math.ceil(((at + 1) * this.#width.bits) / 8));
  }

  #block(index: number): Block | undefined {
    if (this.#last?.index === index) return this.#last;
    const block = this.#blocks.get(index) ?? this.#load(index);
    if (block === undefined) return undefined;
    block.usedAt = ++this.#clock;
    this.#last = block;
    return block;
  }

  /** Where a block is, in bytes; 0 where there is none. */
  #offsetOf(index: number): HostOffset {
    const { file, header } = this;
    if (index >= this.tableEntries) return hostOffset(0);
    const entryOffset = plus(this.tableOffset, index * 8);
    const at = this.#inWindow(entryOffset);
    const [high, low] = [this.#window.readUInt32BE(at), this.#window.readUInt32BE(at + 4)];
    const offset = hostOffset(
      decodeRefcountTableEntry(file.name, high, low, header.clusterSize, entryOffset),
    );
    if (offset !== 0) refuseBeyondFile(file, 'refcount block', offset, header.clusterSize);
    return offset;
  }

  /** Where in the window an entry of the table is, from its place in the file. */
  #inWindow(entryOffset: HostOffset): number {
    const start = plus(entryOffset, -(entryOffset % WINDOW));
    if (start !== this.#windowStart) {
      this.file.read(this.#window, start);
      this.#windowStart = start;
    }
    return entryOffset - start;
  }

  #load(index: number): Block | undefined {
    const { file, header } = this;
    const offset = this.#offsetOf(index);
    if (offset === 0) return undefined;
    if (this.#blocks.size >= this.#mostBlocks) this.#makeRoom();
    const bytes = this.#spare.pop() ?? Buffer.allocUnsafe(header.clusterSize);
    file.read(bytes, offset);
    const block = { index, offset, bytes, dirtyFrom: Infinity, dirtyTo: 0, usedAt: 0 };
    this.#blocks.set(index, block);
    return block;
  }

  /** Lets go of the quarter of the blocks that was not used for longest. */
  #makeRoom(): void {
    const oldest = [...this.#blocks.values()].sort((one, other) => one.usedAt - other.usedAt);
    for (const block of oldest.slice(0, Math.ceil(oldest.length / 4))) {
      this.#writeBack(block);
      this.#blocks.delete(block.index);
      this.#spare.push(block.bytes);
      if (this.#last === block) this.#last = undefined;
    }
  }

  #writeBack(block: Block): void {
    const { bytes, offset, dirtyFrom, dirtyTo } = block;
    if (dirtyFrom >= dirtyTo) return;
    if (bytes.equals(this.#zeroes)) this.file.fill(offset, bytes.length);
    else this.#writeParts(block);
    block.dirtyFrom = Infinity;
    block.dirtyTo = 0;
  }

  /** Writes what changed of a block; where that is nothing but zeroes for long, as a fill, which costs nothing. */
  #writeParts({ bytes, offset, dirtyFrom, dirtyTo }: Block): void {
    let from = dirtyFrom;
    const write = (to: number): void => {
      if (from < to) this.file.write(bytes.subarray(from, to), plus(offset, from));
      from = to;
    };
    for (let at = Math.ceil(dirtyFrom / PART) * PART; at + PART <= dirtyTo; at += PART) {
      if (bytes.compare(this.#zeroes, at, at + PART, at, at + PART) !== 0) continue;
      write(at);
      this.file.fill(plus(offset, at), PART);
      from = at + PART;
    }
    write(dirtyTo);
  }

  #unusedInBlock(bytes: Buffer, from: number, to: number): number {
    if (from === 0 && to === this.perBlock && bytes.equals(this.#ones)) return to;
    let at = from;
    while (at < to && this.#width.get(bytes, at) !== 0) at++;
    return at;
  }

  /** Changes all refcounts of a block that was not read yet, where it is known what they are. */
  #adjustUnread(index: number, delta: 1 | -1): boolean {
    if (this.#blocks.has(index)) return false;
    const { clusterSize } = this.header;
    const [before, after] = delta === 1 ? [Fill.zero, this.#onesFill] : [this.#onesFill, Fill.zero];
    const offset = this.#offsetOf(index);
    const known = offset === 0 ? undefined : this.file.fillAt(offset, clusterSize);
    if (known?.agreesWith(before, offset) !== true) return false;
    this.file.fill(offset, clusterSize, after.high, after.low);
    if (delta === -1) this.freed.add(hostCluster(index * this.perBlock), this.perBlock);
    return true;
  }

  #adjustInBlock(block: Block, from: number, to: number, delta: 1 | -1): void {
    const { bits } = this.#width;
    block.dirtyFrom = Math.min(block.dirtyFrom, Math.floor((from * bits) / 8));
    block.dirtyTo = Math.max(block.dirtyTo, Math.ceil((to * bits) / 8));
    if (to - from < LONG_RUN) {
      this.#adjustEach(block, from, to, delta);
      return;
    }
    // Whole bytes in the middle are compared and filled at once.
    const perByte = Math.max(1, 8 / bits);
    const middle = Math.ceil(from / perByte) * perByte;
    const end = Math.floor(to / perByte) * perByte;
    this.#adjustEach(block, from, middle, delta);
    this.#adjustMiddle(block, middle, end, delta);
    this.#adjustEach(block, end, to, delta);
  }

  #adjustMiddle(block: Block, from: number, to: number, delta: 1 | -1): void {
    const [before, after] = delta === 1 ? [this.#zeroes, this.#ones] : [this.#ones, this.#zeroes];
    const [start, end] = [(from * this.#width.bits) / 8, (to * this.#width.bits) / 8];
    if (block.bytes.compare(before, start, end, start, end) !== 0) {
      this.#adjustEach(block, from, to, delta);
      return;
    }
    after.copy(block.bytes, start, start, end);
    if (delta === -1) this.freed.add(hostCluster(block.index * this.perBlock + from), to - from);
  }

  #adjustEach(block: Block, from: number, to: number, delta: 1 | -1): void {
    const first = block.index * this.perBlock;
    for (let index = from; index < to; index++) {
      const refcount = this.#width.get(block.bytes, index);
      const changed = refcount + delta;
      if (changed < 0 || refcount >= this.#width.max + (delta === 1 ? 0 : 1)) {
        throw this.#outOfRange(hostCluster(first + index), delta, refcount);
      }
      this.#width.set(block.bytes, index, changed);
      if (changed === 0) this.freed.add(hostCluster(first + index));
    }
  }

  #outOfRange(cluster: HostCluster, delta: 1 | -1, refcount: number): FormatError {
    const offset = cluster * this.header.clusterSize;
    if (delta === -1 && refcount === 0) return new FormatError(this.file.name, 'refcount.tooLow', { offset });
    return new FormatError(this.file.name, 'refcount.tooHigh', {
      offset,
      value: refcount,
      limit: this.#width.max,
    });
  }
}

/** An entry that is nothing but an offset. */
export function entryBytes(offset: HostOffset): Buffer {
  const entry = Buffer.alloc(8);
  entry.writeBigUInt64BE(BigInt(offset));
  return entry;
}
