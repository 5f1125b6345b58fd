/** Raw entries and refcounts of a small image with 16-bit refcounts, read by the specification and not by the engine. */
import * as fs from 'node:fs';

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const OFFSET = 0x00ff_ffff_ffff_fe00n;

export interface RawCluster {
  readonly entry: bigint;
  /** Extended L2 only. */
  readonly bitmap: bigint | undefined;
  readonly isCopied: boolean;
  readonly isCompressed: boolean;
  readonly hasZeroFlag: boolean;
  /** Bytes; of the first one, if compressed. */
  readonly host: number;
}

export class RawView {
  readonly #file: Buffer;
  readonly clusterSize: number;
  readonly #isExtended: boolean;

  constructor(path: string) {
    this.#file = fs.readFileSync(path);
    this.clusterSize = 2 ** this.#file.readUInt32BE(20);
    this.#isExtended = this.#file.readUInt32BE(4) === 3 && (this.#file.readUInt8(79) & 16) !== 0;
  }

  get autoclear(): bigint {
    return this.#file.readBigUInt64BE(88);
  }

  l1Entry(index: number): bigint {
    return this.#file.readBigUInt64BE(Number(this.#file.readBigUInt64BE(40)) + index * 8);
  }

  cluster(index: number): RawCluster {
    const size = this.#isExtended ? 16 : 8;
    const perTable = this.clusterSize / size;
    const table = Number(this.l1Entry(Math.floor(index / perTable)) & OFFSET);
    const at = table + (index % perTable) * size;
    const entry = table === 0 ? 0n : this.#file.readBigUInt64BE(at);
    const bitmap = table === 0 ? 0n : this.#file.readBigUInt64BE(this.#isExtended ? at + 8 : at);
    const isCompressed = (entry & COMPRESSED) !== 0n;
    const offsetBits = BigInt(62 - (Math.log2(this.clusterSize) - 8));
    return {
      entry,
      bitmap: this.#isExtended ? bitmap : undefined,
      isCopied: (entry & COPIED) !== 0n,
      isCompressed,
      hasZeroFlag: !isCompressed && (entry & 1n) !== 0n,
      host: Number(isCompressed ? entry & ((1n << offsetBits) - 1n) : entry & OFFSET),
    };
  }

  /** Of the cluster that the byte at `offset` is in. */
  refcountAt(offset: number): number {
    const cluster = Math.floor(offset / this.clusterSize);
    const perBlock = this.clusterSize / 2;
    const table = Number(this.#file.readBigUInt64BE(48));
    const block = Number(this.#file.readBigUInt64BE(table + Math.floor(cluster / perBlock) * 8));
    const at = block + (cluster % perBlock) * 2;
    return block === 0 || at + 2 > this.#file.length ? 0 : this.#file.readUInt16BE(at);
  }
}
