/**
 * What becomes of the refcount table and its blocks when they move. Until the end of a save both the old and the new
 * refcounts must be readable: what takes the place of a table or a block holds both for a while.
 */
import type { Qcow2Image } from '../image/qcow2Image';
import { readRefcountTable } from '../image/tableEntries';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, clusterOf, type HostCluster, type HostOffset, startOf } from '../units';
import { blockOffset, RefcountReader } from './refcountReader';
import { Group } from './role';

export interface TablePlace {
  readonly offset: HostOffset;
  /** Bytes. */
  readonly length: ByteLength;
  /** What the other table has at its indexes; zero past its end. */
  readonly other: Uint8Array;
  /** What is there in the end. */
  readonly final: Uint8Array;
}

/** A new block in the place of another one. */
export interface MovedBlock {
  /** Offset of the other one. */
  readonly former: HostOffset;
  readonly final: Uint8Array;
}

/** A block that a new one takes the place of, in a cluster that is free then. */
export interface FormerBlock {
  /** What the new one has in the end. */
  readonly other: Uint8Array;
  readonly final: Uint8Array;
}

export interface TableMove {
  /** When the header's pointer changes. */
  readonly pointer: typeof Group.extend | typeof Group.drop;
  /** A table that takes the old one's place at once: a larger one. */
  readonly newTable: TablePlace | undefined;
  /** The old table, where the one to come is smaller and something must be added first. */
  readonly formerTable: TablePlace | undefined;
  /** By cluster. */
  readonly blocks: ReadonlyMap<number, MovedBlock>;
  /** By cluster. */
  readonly formerBlocks: ReadonlyMap<number, FormerBlock>;
  /** Whether a cluster belongs to what is told here. */
  ownsCluster(cluster: HostCluster): boolean;
}

export function tableMove(onDisk: Qcow2Image, staged: Qcow2Image): TableMove {
  const { clusterSize } = onDisk.header;
  const before = readRefcountTable(onDisk.file, onDisk.header);
  const after = readRefcountTable(staged.file, staged.header);
  const blocks = movedBlocks(before, after, staged);
  const formerBlocks = formerBlocksOf(blocks, after, staged);
  const isMoved = onDisk.header.refcountTableOffset !== staged.header.refcountTableOffset;
  const isSmaller = after.length < usedWords(before);
  const newTable = isMoved && !isSmaller ? place(staged, onDisk, staged.file) : undefined;
  const needsFormer = isMoved && isSmaller && hasAdditions(before, after);
  const formerTable = needsFormer ? place(onDisk, staged, staged.file) : undefined;
  const owns = (table: TablePlace | undefined, offset: HostOffset): boolean =>
    table !== undefined && offset >= table.offset && offset < table.offset + table.length;
  return {
    pointer: isSmaller ? Group.drop : Group.extend,
    newTable,
    formerTable,
    blocks,
    formerBlocks,
    ownsCluster: (cluster) =>
      blocks.has(cluster) ||
      formerBlocks.has(cluster) ||
      owns(newTable, startOf(cluster, clusterSize)) ||
      owns(formerTable, startOf(cluster, clusterSize)),
  };
}

function movedBlocks(
  before: Uint32Array,
  after: Uint32Array,
  { file, header }: Qcow2Image,
): Map<number, MovedBlock> {
  const moved = new Map<number, MovedBlock>();
  for (let index = 0; index * 2 < Math.min(before.length, after.length); index++) {
    const [former, is] = [blockOffset(before, index), blockOffset(after, index)];
    if (former === 0 || is === 0 || former === is) continue;
    moved.set(is / header.clusterSize, { former, final: bytesAt(file, is, header.clusterSize) });
  }
  return moved;
}

function formerBlocksOf(
  blocks: ReadonlyMap<number, MovedBlock>,
  after: Uint32Array,
  { file, header }: Qcow2Image,
): Map<number, FormerBlock> {
  const refcounts = new RefcountReader(file, header, after);
  const found = new Map<number, FormerBlock>();
  for (const { former, final } of blocks.values()) {
    const cluster = clusterOf(former, header.clusterSize);
    // What becomes something else has that role (S7).
    if (refcounts.of(cluster) !== 0) continue;
    found.set(cluster, { other: final, final: bytesAt(file, former, header.clusterSize) });
  }
  return found;
}

/** Entries with something at all, or something else. */
function hasAdditions(before: Uint32Array, after: Uint32Array): boolean {
  for (let index = 0; index * 2 < after.length; index++) {
    const is = blockOffset(after, index);
    if (is !== 0 && is !== blockOffset(before, index)) return true;
  }
  return false;
}

/** Words up to the last entry that is not zero. */
function usedWords(table: Uint32Array): number {
  let end = table.length;
  while (end > 0 && table[end - 1] === 0) end--;
  return Math.ceil(end / 2) * 2;
}

function place({ header }: Qcow2Image, other: Qcow2Image, staged: BlockFile): TablePlace {
  const offset = header.refcountTableOffset;
  const length = header.refcountTableClusters * header.clusterSize;
  const entries = new Uint8Array(length);
  const theirs = other.header.refcountTableClusters * header.clusterSize;
  other.file.read(entries.subarray(0, Math.min(length, theirs)), other.header.refcountTableOffset);
  return { offset, length, other: entries, final: bytesAt(staged, offset, length) };
}

function bytesAt(file: BlockFile, offset: HostOffset, length: ByteLength): Uint8Array {
  const bytes = new Uint8Array(length);
  file.read(bytes, offset);
  return bytes;
}
