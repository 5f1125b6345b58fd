/** Damages image files made by QEMU: version 3, one block of 16-bit refcounts, standard entries. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

const OFFSET = (1n << 56n) - 512n;

export class DamagedFile {
  readonly #file: number;
  readonly clusterSize: number;

  private constructor(path: string) {
    this.#file = openSync(path, 'r+');
    this.clusterSize = 2 ** Number(this.#read(20, 4));
  }

  /** Runs `damage` on the file, and closes it. */
  static do<T>(path: string, damage: (file: DamagedFile) => T): T {
    const file = new DamagedFile(path);
    try {
      return damage(file);
    } finally {
      closeSync(file.#file);
    }
  }

  /** Offset of the L2 entry of a guest cluster. */
  entryAt(guestCluster: number): number {
    const perTable = this.clusterSize / 8;
    const l1 = Number(this.#read(40, 8)) + Math.floor(guestCluster / perTable) * 8;
    return Number(this.#read(l1, 8) & OFFSET) + (guestCluster % perTable) * 8;
  }

  entry(guestCluster: number): bigint {
    return this.#read(this.entryAt(guestCluster), 8);
  }

  setEntry(guestCluster: number, entry: bigint): void {
    this.#write(this.entryAt(guestCluster), entry, 8);
  }

  /** Host cluster that holds a guest cluster's data. */
  hostCluster(guestCluster: number): number {
    return Number(this.entry(guestCluster) & OFFSET) / this.clusterSize;
  }

  refcount(cluster: number): number {
    return Number(this.#read(this.#refcountAt(cluster), 2));
  }

  setRefcount(cluster: number, refcount: number): void {
    this.#write(this.#refcountAt(cluster), BigInt(refcount), 2);
  }

  /** Adds clusters at the end that are counted, and that nothing refers to. @returns the first one */
  leak(clusters: number): number {
    const first = Math.ceil(fstatSync(this.#file).size / this.clusterSize);
    ftruncateSync(this.#file, (first + clusters) * this.clusterSize);
    for (let at = first; at < first + clusters; at++) this.setRefcount(at, 1);
    return first;
  }

  /** Gives the first snapshot so many bytes of extra data; its table is the last thing that is read of its cluster. */
  growSnapshotExtra(size: number): void {
    const table = Number(this.#read(64, 8));
    const old = Number(this.#read(table + 36, 4));
    const text = Number(this.#read(table + 12, 2)) + Number(this.#read(table + 14, 2));
    const words = Buffer.alloc(text);
    readSync(this.#file, words, 0, text, table + 40 + old);
    writeSync(this.#file, words, 0, text, table + 40 + size);
    this.#write(table + 36, BigInt(size), 4);
  }

  /** As a program leaves an image that it does not close. */
  markDirty(): void {
    this.#write(79, this.#read(79, 1) | 1n, 1);
  }

  #refcountAt(cluster: number): number {
    return Number(this.#read(Number(this.#read(48, 8)), 8)) + cluster * 2;
  }

  #read(offset: number, length: number): bigint {
    const bytes = Buffer.alloc(length);
    readSync(this.#file, bytes, 0, length, offset);
    return BigInt(`0x${bytes.toString('hex')}`);
  }

  #write(offset: number, value: bigint, length: number): void {
    const bytes = Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
    writeSync(this.#file, bytes, 0, length, offset);
  }
}
