/**
 * Images with the metadata of a very large disk and without data: sparse files, written in large pieces within seconds. For
 * benchmarks and samples.
 */
import * as fs from 'node:fs';
import { refcountSize } from './builder/refcounts';
import { headerCluster } from './builder/tables';

const CLUSTER_BITS = 16;
const CLUSTER = 2 ** CLUSTER_BITS;
const L2_ENTRIES = CLUSTER / 8;
/** 16-bit refcounts. */
const BLOCK_ENTRIES = CLUSTER / 2;
/** Bytes gathered before they are written. */
const PIECE = 4 * 1024 * 1024;

export interface GiantOptions {
  /** Guest bytes, a multiple of 64 KiB; at most 64 TiB. */
  readonly size: number;
  /**
   * - `contiguous`: every cluster is allocated, host clusters ascend
   * - `random`: every cluster is allocated, host clusters in random order
   * - `alternating`: every other cluster is allocated, so that each cluster is an extent of its own
   * - `compressed`: every cluster is compressed to a quarter of its size; the content cannot be decompressed
   */
  readonly pattern: 'contiguous' | 'random' | 'alternating' | 'compressed';
}

/**
 * Writes an image of 64 KiB clusters whose refcounts are right (`qemu-img check` finds it clean). Data reads as
 * zeroes: its clusters are holes of the file.
 */
export function writeGiantImage(path: string, { size, pattern }: GiantOptions): void {
  const guestClusters = size / CLUSTER;
  const l2Tables = Math.ceil(guestClusters / L2_ENTRIES);
  const l1Clusters = Math.ceil((l2Tables * 8) / CLUSTER);
  const share = pattern === 'alternating' ? 2 : pattern === 'compressed' ? COMPRESSED_SHARE : 1;
  const dataClusters = Math.ceil(guestClusters / share);
  const refcounts = refcountSize(1 + l1Clusters + l2Tables + dataClusters, BLOCK_ENTRIES, CLUSTER);
  // Header, refcount table, refcount blocks, L1 table, L2 tables, data.
  const blocksAt = 1 + refcounts.tableClusters;
  const l1At = blocksAt + refcounts.blocks;
  const l2At = l1At + l1Clusters;
  const dataAt = l2At + l2Tables;
  const end = dataAt + dataClusters;
  const order = pattern === 'random' ? permutation(dataClusters) : (index: number): number => index;

  const descriptor = fs.openSync(path, 'w');
  try {
    fs.ftruncateSync(descriptor, end * CLUSTER);
    const header = headerCluster({
      version: 3,
      backingName: new Uint8Array(0),
      clusterBits: CLUSTER_BITS,
      size,
      cryptMethod: 0,
      l1Entries: l2Tables,
      l1Offset: l1At * CLUSTER,
      refcountTableOffset: CLUSTER,
      refcountTableClusters: refcounts.tableClusters,
      snapshots: 0,
      snapshotsOffset: 0,
      incompatible: 0n,
      compatible: 0n,
      autoclear: 0n,
      refcountOrder: 4,
      headerLength: 112,
      compressionType: 0,
      extensions: [],
    });
    fs.writeSync(descriptor, header, 0, header.length, 0);
    writeEntries(descriptor, CLUSTER, refcounts.blocks, (index) => blocksAt + index, 0);
    writeRefcounts(descriptor, blocksAt * CLUSTER, dataAt, 1);
    const references = pattern === 'compressed' ? COMPRESSED_SHARE : 1;
    writeRefcounts(descriptor, blocksAt * CLUSTER + dataAt * 2, end - dataAt, references);
    writeEntries(descriptor, l1At * CLUSTER, l2Tables, (index) => l2At + index, COPIED_WORD);
    if (pattern === 'compressed') {
      writeCompressed(descriptor, l2At * CLUSTER, guestClusters, dataAt * CLUSTER);
      return;
    }
    writeEntries(
      descriptor,
      l2At * CLUSTER,
      guestClusters,
      pattern === 'alternating'
        ? (index) => (index % 2 === 0 ? dataAt + index / 2 : 0)
        : (index) => dataAt + order(index),
      COPIED_WORD,
    );
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * Writes an image of 1 TiB with clusters of 16 KiB and extended L2: every L1 entry names the same L2 table. Of the 512-byte
 * subclusters of a cluster, the first has data, in a hole of the file.
 */
export function writeGiantSubclusters(path: string): void {
  const clusterSize = 2 ** 14;
  const [l1Entries, l2Entries] = [2 ** 16, 2 ** 10];
  // Header, refcount table and block, L1 table, L2 table, data.
  const [l1At, l2At] = [3, 3 + (l1Entries * 8) / clusterSize];
  const dataAt = l2At + 1;
  const file = Buffer.alloc(dataAt * clusterSize);
  headerCluster({
    version: 3,
    backingName: new Uint8Array(0),
    clusterBits: 14,
    size: 2 ** 40,
    cryptMethod: 0,
    l1Entries,
    l1Offset: l1At * clusterSize,
    refcountTableOffset: clusterSize,
    refcountTableClusters: 1,
    snapshots: 0,
    snapshotsOffset: 0,
    incompatible: 16n,
    compatible: 0n,
    autoclear: 0n,
    // 32 bits.
    refcountOrder: 5,
    headerLength: 112,
    compressionType: 0,
    extensions: [],
  }).copy(file);
  file.writeBigUInt64BE(BigInt(2 * clusterSize), clusterSize);
  for (let cluster = 0; cluster < dataAt + l2Entries; cluster++)
    file.writeUInt32BE(cluster < l2At ? 1 : l1Entries, 2 * clusterSize + cluster * 4);
  for (let index = 0; index < l1Entries; index++)
    file.writeBigUInt64BE(BigInt(l2At * clusterSize), l1At * clusterSize + index * 8);
  for (let index = 0; index < l2Entries; index++) {
    const at = l2At * clusterSize + index * 16;
    file.writeBigUInt64BE(BigInt((dataAt + index) * clusterSize), at);
    file.writeBigUInt64BE(1n, at + 8);
  }
  fs.writeFileSync(path, file);
  fs.truncateSync(path, (dataAt + l2Entries) * clusterSize);
}

/** Compressed clusters in one host cluster. */
const COMPRESSED_SHARE = 4;

/** Descriptors of compressed clusters one behind the other (qcow2.txt, "Compressed Clusters Descriptor"). */
function writeCompressed(descriptor: number, offset: number, count: number, dataAt: number): void {
  const size = CLUSTER / COMPRESSED_SHARE;
  const additionalSectors = size / 512 - 1;
  const high = 0x40000000 + additionalSectors * 2 ** (62 - (CLUSTER_BITS - 8) - 32);
  for (let done = 0; done < count;) {
    const entries = Math.min(count - done, PIECE / 8);
    const piece = Buffer.alloc(entries * 8);
    for (let index = 0; index < entries; index++) {
      const host = dataAt + (done + index) * size;
      piece.writeUInt32BE(high + Math.floor(host / 2 ** 32), index * 8);
      piece.writeUInt32BE(host % 2 ** 32, index * 8 + 4);
    }
    fs.writeSync(descriptor, piece, 0, piece.length, offset + done * 8);
    done += entries;
  }
}

/** COPIED in the high 32-bit word of an entry. */
const COPIED_WORD = 0x80000000;

/** Writes big-endian entries that point at clusters; cluster 0 stands for an entry of zero. */
function writeEntries(
  descriptor: number,
  offset: number,
  count: number,
  clusterOf: (index: number) => number,
  highBits: number,
): void {
  const words = new Uint32Array(PIECE / 4);
  const bytes = Buffer.from(words.buffer);
  for (let done = 0; done < count;) {
    const entries = Math.min(count - done, PIECE / 8);
    for (let index = 0; index < entries; index++) {
      const cluster = clusterOf(done + index);
      words[index * 2] =
        cluster === 0 ? 0 : (Math.floor(cluster / 2 ** (32 - CLUSTER_BITS)) | highBits) >>> 0;
      words[index * 2 + 1] = (cluster << CLUSTER_BITS) >>> 0;
    }
    const piece = bytes.subarray(0, entries * 8).swap32();
    fs.writeSync(descriptor, piece, 0, piece.length, offset + done * 8);
    done += entries;
  }
}

/** Writes the 16-bit refcount of `clusters` clusters whose refcounts begin at `offset`. */
function writeRefcounts(descriptor: number, offset: number, clusters: number, refcount: number): void {
  const piece = Buffer.alloc(PIECE);
  for (let at = 1; at < PIECE; at += 2) piece[at] = refcount;
  for (let done = 0; done < clusters * 2; done += PIECE) {
    fs.writeSync(descriptor, piece, 0, Math.min(PIECE, clusters * 2 - done), offset + done);
  }
}

/** A permutation of 0 … `count − 1` that needs no memory: a mixing bijection on the next power of two, walked. */
function permutation(count: number): (index: number) => number {
  const bits = Math.max(2, Math.ceil(Math.log2(count)));
  const mask = 2 ** bits - 1;
  const shift = bits >> 1;
  const mix = (value: number): number => {
    let mixed = Math.imul(value, 0x9e3779b1) & mask;
    mixed ^= mixed >>> shift;
    mixed = Math.imul(mixed, 0x85ebca6b) & mask;
    return mixed ^ (mixed >>> shift);
  };
  return (index) => {
    let mixed = mix(index);
    while (mixed >= count) mixed = mix(mixed);
    return mixed;
  };
}
