/** Devices of any size in memory, of which only some 512-byte blocks are not zero; and the disks kept in test/fixtures. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { type BlockDevice, expectOnDevice } from '../../../src/guest/blockDevice';
import type { DeviceOffset } from '../../../src/guest/units';
import { REPOSITORY } from '../repository';

const BLOCK = 512;

export class SparseDevice implements BlockDevice {
  readonly blocks = new Map<number, Uint8Array>();
  /** Bytes read so far. */
  bytesRead = 0;
  /** Where blocks that nothing was written to hold their own number, in the first eight bytes: `[start, end)`. */
  stamped: readonly [number, number] = [0, 0];

  constructor(
    readonly size: number,
    readonly sectorSize = 512,
  ) {}

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    this.bytesRead += target.length;
    if (this.blocks.size === 0 && this.stamped[1] === 0) {
      target.fill(0);
      return;
    }
    for (let done = 0; done < target.length;) {
      const index = Math.floor((offset + done) / BLOCK);
      const within = offset + done - index * BLOCK;
      const part = target.subarray(done, done + BLOCK - within);
      const block = this.blocks.get(index) ?? this.#stamp(index);
      if (block === undefined) part.fill(0);
      else part.set(block.subarray(within, within + part.length));
      done += part.length;
    }
  }

  write(offset: number, bytes: Uint8Array): this {
    for (let done = 0; done < bytes.length;) {
      const index = Math.floor((offset + done) / BLOCK);
      const within = offset + done - index * BLOCK;
      const block = this.blocks.get(index) ?? new Uint8Array(BLOCK);
      const part = bytes.subarray(done, done + BLOCK - within);
      block.set(part, within);
      this.blocks.set(index, block);
      done += part.length;
    }
    return this;
  }

  #stamp(index: number): Uint8Array | undefined {
    if (index * BLOCK < this.stamped[0] || index * BLOCK >= this.stamped[1]) return undefined;
    const bytes = new Uint8Array(BLOCK);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(index), true);
    return bytes;
  }

  /** All of it, for a small device. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    for (const [index, block] of this.blocks)
      bytes.set(block.subarray(0, this.size - index * BLOCK), index * BLOCK);
    return bytes;
  }

  /** A copy whose changes are its own. */
  copy(size = this.size): SparseDevice {
    const copy = new SparseDevice(size, this.sectorSize);
    for (const [index, block] of this.blocks) copy.blocks.set(index, block.slice());
    copy.stamped = this.stamped;
    return copy;
  }
}

/** The disks of a folder made by its make.mjs, by name. */
export class KeptDisks<Judged> {
  readonly judged: Readonly<Record<string, Judged>>;
  readonly #blocks: Readonly<Record<string, { size: number; blocks: [number, string][] }>>;

  /** @param folder in test/fixtures */
  constructor(folder: string) {
    const at = path.join(REPOSITORY, 'test/fixtures', folder);
    this.judged = JSON.parse(fs.readFileSync(path.join(at, 'judged.json'), 'utf8')) as Record<string, Judged>;
    this.#blocks = JSON.parse(
      brotliDecompressSync(fs.readFileSync(path.join(at, 'blocks.json.br'))).toString(),
    ) as Record<string, { size: number; blocks: [number, string][] }>;
  }

  get names(): string[] {
    return Object.keys(this.#blocks);
  }

  disk(name: string, sectorSize = 512): SparseDevice {
    const { size, blocks } = this.#blocks[name]!;
    const device = new SparseDevice(size, sectorSize);
    for (const [offset, text] of blocks) {
      const block = new Uint8Array(BLOCK);
      block.set(Buffer.from(text, 'base64').subarray(0, BLOCK));
      device.blocks.set(offset / BLOCK, block);
    }
    return device;
  }
}
