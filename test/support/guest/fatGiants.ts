/** FAT32 and exFAT devices of any size, of which only the blocks that are not zero exist. */
import { SparseDevice } from './exfatFixtures';

const SECTOR = 512;

export interface Giant {
  readonly device: SparseDevice;
  /** Bytes: where cluster 2 begins. */
  readonly heap: number;
  /** Writes entries of the file allocation tables from a cluster on. */
  readonly link: (cluster: number, entries: Uint32Array) => void;
}

const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** A FAT32 with one table, whose root directory is cluster 2. */
export function giantFat32(clusters: number, perCluster: number): Giant {
  const tableSectors = Math.ceil(((clusters + 2) * 4) / SECTOR);
  const heap = (32 + tableSectors) * SECTOR;
  const sectors = heap / SECTOR + clusters * perCluster;
  const device = new SparseDevice(sectors * SECTOR);
  const boot = Buffer.alloc(SECTOR);
  boot.writeUInt16LE(SECTOR, 11);
  boot[13] = perCluster;
  boot.writeUInt16LE(32, 14);
  boot[16] = 1;
  boot[21] = 0xf8;
  boot.writeUInt32LE(sectors, 32);
  boot.writeUInt32LE(tableSectors, 36);
  boot.writeUInt32LE(2, 44);
  boot.writeUInt16LE(0xaa55, 510);
  device.write(boot, 0);
  const link = (cluster: number, entries: Uint32Array): void => {
    device.write(bytesOf(entries), 32 * SECTOR + cluster * 4);
  };
  link(0, Uint32Array.of(0x0ffffff8, 0x0fffffff, 0x0fffffff));
  return { device, heap, link };
}

/** A FAT directory entry. @param name 11 characters */
export function fatEntry(name: string, attributes: number, cluster: number, size: number): Buffer {
  const entry = Buffer.alloc(32);
  entry.write(name, 'latin1');
  entry[11] = attributes;
  entry.writeUInt16LE(cluster >>> 16, 20);
  entry.writeUInt16LE(cluster & 0xffff, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

/**
 * An exFAT whose root directory is cluster 2 and whose bitmap follows, without an up-case table.
 * @param clusterShift clusters have `2 ** clusterShift` bytes
 */
export function giantExfat(clusters: number, clusterShift: number): Giant {
  const tableSectors = Math.ceil(((clusters + 2) * 4) / SECTOR);
  const heap = (24 + tableSectors) * SECTOR;
  const size = heap + clusters * 2 ** clusterShift;
  const device = new SparseDevice(size);
  const region = Buffer.alloc(12 * SECTOR);
  region.write('\xeb\x76\x90EXFAT   ', 'latin1');
  region.writeBigUInt64LE(BigInt(size / SECTOR), 72);
  for (const [at, value] of [
    [80, 24],
    [84, tableSectors],
    [88, heap / SECTOR],
    [92, clusters],
    [96, 2],
    [100, 0x12345678],
  ] as const)
    region.writeUInt32LE(value, at);
  region.writeUInt16LE(0x100, 104);
  region.set([9, clusterShift - 9, 1], 108);
  region.writeUInt16LE(0xaa55, 510);
  let sum = 0;
  for (let at = 0; at < 11 * SECTOR; at++)
    if (at !== 106 && at !== 107 && at !== 112) sum = (((sum << 31) | (sum >>> 1)) + region[at]!) >>> 0;
  for (let at = 11 * SECTOR; at < 12 * SECTOR; at += 4) region.writeUInt32LE(sum, at);
  device.write(region, 0);
  const link = (cluster: number, entries: Uint32Array): void => {
    device.write(bytesOf(entries), 24 * SECTOR + cluster * 4);
  };
  const bitmap = Math.ceil(clusters / 8);
  const bitmapClusters = Math.ceil(bitmap / 2 ** clusterShift);
  link(0, Uint32Array.of(0xfffffff8, 0xffffffff, 0xffffffff));
  link(
    3,
    Uint32Array.from({ length: bitmapClusters }, (_, index) =>
      index + 1 < bitmapClusters ? 4 + index : 0xffffffff,
    ),
  );
  device.write(bitsOf(bitmapClusters + 1), heap + 2 ** clusterShift);
  const entry = Buffer.alloc(32);
  entry[0] = 0x81;
  entry.writeUInt32LE(3, 20);
  entry.writeBigUInt64LE(BigInt(bitmap), 24);
  device.write(entry, heap);
  return { device, heap, link };
}

/** So many bits set, in whole bytes. */
function bitsOf(count: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(count / 8)).fill(0xff);
  if (count % 8 !== 0) bytes[bytes.length - 1] = 2 ** (count % 8) - 1;
  return bytes;
}

export interface ExfatSetFacts {
  readonly name: string;
  readonly attributes?: number;
  /** Bit 0: may have clusters; bit 1: contiguous. */
  readonly flags?: number;
  readonly cluster?: number;
  readonly size?: number;
  readonly written?: number;
  /** Day and time, hundredths of a second, zone. */
  readonly modified?: readonly [number, number, number];
}

/** The directory entry set of a file, with its checksum. */
export function exfatSet({
  name,
  attributes = 0x20,
  flags = 3,
  cluster = 0,
  size = 0,
  written = size,
  modified = [0, 0, 0],
}: ExfatSetFacts): Buffer {
  const names = Math.ceil(name.length / 15);
  const set = Buffer.alloc(32 * (2 + names));
  set.set([0x85, 1 + names]);
  set.writeUInt16LE(attributes, 4);
  set.writeUInt32LE(modified[0], 12);
  [set[21], set[23]] = [modified[1], modified[2]];
  set.set([0xc0, flags, 0, name.length], 32);
  set.writeBigUInt64LE(BigInt(written), 40);
  set.writeUInt32LE(cluster, 52);
  set.writeBigUInt64LE(BigInt(size), 56);
  for (let index = 0; index < names; index++) {
    set[64 + index * 32] = 0xc1;
    set.write(name.slice(index * 15, index * 15 + 15), 66 + index * 32, 'utf16le');
  }
  // Of the name in upper case, which the up-case table is not needed for.
  let hash = 0;
  for (const byte of Buffer.from(name.toUpperCase(), 'utf16le'))
    hash = ((((hash & 1) << 15) | (hash >>> 1)) + byte) & 0xffff;
  set.writeUInt16LE(hash, 36);
  let sum = 0;
  for (let at = 0; at < set.length; at++)
    if (at !== 2 && at !== 3) sum = ((((sum & 1) << 15) | (sum >>> 1)) + set[at]!) & 0xffff;
  set.writeUInt16LE(sum, 2);
  return set;
}
