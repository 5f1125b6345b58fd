/** Serialises header, extensions and table entries of test images (qcow2.txt; names as there). */

export const EXTENSION = {
  end: 0,
  backingFormat: 0xe2792aca,
  featureNameTable: 0x6803f857,
  bitmaps: 0x23852875,
  encryption: 0x0537be77,
  dataFileName: 0x44415441,
} as const;

export const COPIED = 1n << 63n;
export const COMPRESSED = 1n << 62n;
export const ZERO_FLAG = 1n;

export interface HeaderExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

export interface HeaderFields {
  readonly version: 2 | 3;
  readonly backingName: Uint8Array;
  readonly clusterBits: number;
  readonly size: number;
  readonly cryptMethod: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly snapshots: number;
  readonly snapshotsOffset: number;
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;
  readonly refcountOrder: number;
  readonly headerLength: number;
  readonly compressionType: number;
  readonly extensions: readonly HeaderExtension[];
}

/** The header cluster: fields, extensions, backing file name. */
export function headerCluster(header: HeaderFields): Buffer {
  const extensions = Buffer.concat(header.extensions.map(serialiseExtension));
  const endMarker = 8;
  const start = header.version === 2 ? 72 : header.headerLength;
  const nameAt = start + extensions.length + endMarker;
  const clusterSize = 2 ** header.clusterBits;
  if (nameAt + header.backingName.length > clusterSize) {
    throw new Error(`header, extensions and backing name do not fit into ${clusterSize} bytes`);
  }
  const cluster = Buffer.alloc(clusterSize);
  cluster.writeUInt32BE(0x514649fb, 0);
  cluster.writeUInt32BE(header.version, 4);
  if (header.backingName.length > 0) cluster.writeUInt32BE(nameAt, 12);
  cluster.writeUInt32BE(header.backingName.length, 16);
  cluster.writeUInt32BE(header.clusterBits, 20);
  put64(cluster, 24, header.size);
  cluster.writeUInt32BE(header.cryptMethod, 32);
  cluster.writeUInt32BE(header.l1Entries, 36);
  put64(cluster, 40, header.l1Offset);
  put64(cluster, 48, header.refcountTableOffset);
  cluster.writeUInt32BE(header.refcountTableClusters, 56);
  cluster.writeUInt32BE(header.snapshots, 60);
  put64(cluster, 64, header.snapshotsOffset);
  if (header.version === 3) {
    cluster.writeBigUInt64BE(header.incompatible, 72);
    cluster.writeBigUInt64BE(header.compatible, 80);
    cluster.writeBigUInt64BE(header.autoclear, 88);
    cluster.writeUInt32BE(header.refcountOrder, 96);
    cluster.writeUInt32BE(header.headerLength, 100);
    if (header.headerLength > 104) cluster.writeUInt8(header.compressionType, 104);
  }
  cluster.set(extensions, start);
  cluster.set(header.backingName, nameAt);
  return cluster;
}

function serialiseExtension({ type, data }: HeaderExtension): Buffer {
  const bytes = Buffer.alloc(8 + roundUp(data.length, 8));
  bytes.writeUInt32BE(type, 0);
  bytes.writeUInt32BE(data.length, 4);
  bytes.set(data, 8);
  return bytes;
}

/** The feature name table that QEMU writes, as far as this builder can set the bits. */
export function featureNameTable(): HeaderExtension {
  const names: readonly (readonly [type: number, bit: number, name: string])[] = [
    [0, 0, 'dirty bit'],
    [0, 1, 'corrupt bit'],
    [0, 2, 'external data file'],
    [0, 3, 'compression type'],
    [0, 4, 'extended L2 entries'],
    [1, 0, 'lazy refcounts'],
    [2, 0, 'bitmaps'],
    [2, 1, 'raw external data'],
  ];
  const data = Buffer.alloc(48 * names.length);
  names.forEach(([type, bit, name], index) => {
    data.writeUInt8(type, index * 48);
    data.writeUInt8(bit, index * 48 + 1);
    data.write(name, index * 48 + 2, 'latin1');
  });
  return { type: EXTENSION.featureNameTable, data };
}

/**
 * A compressed cluster descriptor: the stream's byte offset and its 512-byte sectors beyond the first.
 * @param length bytes of the stream
 */
export function compressedEntry(offset: number, length: number, clusterBits: number): bigint {
  const offsetBits = BigInt(62 - (clusterBits - 8));
  const extraSectors = Math.floor((offset + length - 1) / 512) - Math.floor(offset / 512);
  if (extraSectors >= 2 ** (clusterBits - 8))
    throw new Error(`compressed stream of ${length} bytes: too long`);
  return COMPRESSED | (BigInt(extraSectors) << offsetBits) | BigInt(offset);
}

/** Extended L2: allocation status in bits 0–31, zero status in bits 32–63, from the 32 letters of a state. */
export function subclusterBitmap(map: string): bigint {
  let bitmap = 0n;
  Array.from(map).forEach((letter, index) => {
    if (letter === 'D') bitmap |= 1n << BigInt(index);
    if (letter === 'Z') bitmap |= 1n << BigInt(index + 32);
  });
  return bitmap;
}

/** A table of 64-bit big-endian entries. */
export function entryTable(entries: readonly bigint[]): Buffer {
  const table = Buffer.alloc(entries.length * 8);
  entries.forEach((entry, index) => table.writeBigUInt64BE(entry, index * 8));
  return table;
}

export function put64(target: Buffer, at: number, value: number): void {
  target.writeBigUInt64BE(BigInt(value), at);
}

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
