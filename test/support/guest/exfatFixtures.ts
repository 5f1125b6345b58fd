/** The exFAT images of test/fixtures/guest/fat, made by its make.mjs, and what was seen of them. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { type BlockDevice, expectOnDevice } from '../../../src/guest/blockDevice';
import type { DeviceOffset } from '../../../src/guest/units';
import { REPOSITORY } from '../repository';

const FOLDER = path.join(REPOSITORY, 'test/fixtures/guest/fat');
const BLOCK = 4096;

export const EXFAT_FIXTURES = [
  'exfat-512',
  'exfat-2k',
  'exfat-4k-sectors',
  'exfat-32k',
  'exfat-128k',
  'exfat-1m',
  'exfat-32m',
] as const;

export type ExfatFixture = (typeof EXFAT_FIXTURES)[number];

/** What a mount, dump.exfat and a decoding of the bitmap in make.mjs say. */
export interface ExfatFacts {
  readonly label: string;
  /** Hex. */
  readonly serial: string;
  readonly clusterSize: number;
  readonly clusters: number;
  readonly freeClusters: number;
  /** `[start, end)` in bytes. */
  readonly freeRuns: [number, number][];
  /** Folders: path. Files: path, size, first 16 hex digits of SHA-256, milliseconds of the last change. */
  readonly list: ([string] | [string, number, string, number])[];
}

/** A device of which only the blocks that are not zero are kept. */
export class SparseDevice implements BlockDevice {
  readonly sectorSize = 512;
  readonly blocks = new Map<number, Uint8Array>();

  constructor(readonly size: number) {}

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    target.fill(0);
    for (let done = 0; done < target.length;) {
      const at = offset + done;
      const number = Math.floor(at / BLOCK);
      const within = at - number * BLOCK;
      const length = Math.min(BLOCK - within, target.length - done);
      const block = this.blocks.get(number);
      if (block !== undefined) target.set(block.subarray(within, within + length), done);
      done += length;
    }
  }

  write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length;) {
      const number = Math.floor((offset + done) / BLOCK);
      const within = offset + done - number * BLOCK;
      const part = bytes.subarray(done, done + BLOCK - within);
      const block = this.blocks.get(number) ?? new Uint8Array(BLOCK);
      this.blocks.set(number, block);
      block.set(part, within);
      done += part.length;
    }
  }

  /** All bytes. */
  whole(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    for (const [number, block] of this.blocks)
      bytes.set(block.subarray(0, Math.min(BLOCK, this.size - number * BLOCK)), number * BLOCK);
    return bytes;
  }
}

export function exfatFixture(name: ExfatFixture): SparseDevice {
  const packed = brotliDecompressSync(fs.readFileSync(path.join(FOLDER, `${name}.br`)));
  const device = new SparseDevice(Number(packed.readBigUInt64LE(0)));
  for (let at = 8; at < packed.length; at += 4 + BLOCK)
    device.blocks.set(packed.readUInt32LE(at), packed.subarray(at + 4, at + 4 + BLOCK));
  return device;
}

export function exfatFacts(name: ExfatFixture): ExfatFacts {
  const packed = fs.readFileSync(path.join(FOLDER, `${name}.json.br`));
  return JSON.parse(brotliDecompressSync(packed).toString()) as ExfatFacts;
}
