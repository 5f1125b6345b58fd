/**
 * Images that a kernel has written, kept small: what is not zero, and what the kernel and xfs_db said of it, in one file
 * compressed with Brotli. make.mjs beside them makes them.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { type BlockDevice, expectOnDevice } from '../../../../src/guest/blockDevice';
import type { DeviceOffset } from '../../../../src/guest/units';
import { REPOSITORY } from '../../repository';
import type { KnownTree } from './known';

export const FIXTURES = path.join(REPOSITORY, 'test/fixtures/guest/xfs');

export interface Fixture {
  readonly device: SparseDevice;
  readonly known: Known;
}

export interface Known {
  readonly tree: KnownTree;
  /** `[start, end)` in bytes. */
  readonly free: readonly (readonly [number, number])[];
}

interface Head {
  readonly size: number;
  readonly known: Known;
  /** `[offset, length]` in bytes: their contents follow the head. */
  readonly runs: readonly (readonly [number, number])[];
}

const SECTOR = 512;
const PAGE = 4096;

export function fixtureNames(): string[] {
  return fs
    .readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.br'))
    .map((name) => name.slice(0, -3))
    .sort();
}

export function readFixture(name: string): Fixture {
  const packed = zlib.brotliDecompressSync(fs.readFileSync(path.join(FIXTURES, `${name}.br`)));
  const headEnd = packed.indexOf('\n');
  const { size, known, runs } = JSON.parse(packed.toString('utf8', 0, headEnd)) as Head;
  const device = new SparseDevice(size);
  let at = headEnd + 1;
  for (const [offset, length] of runs) {
    device.write(packed.subarray(at, at + length), offset);
    at += length;
  }
  return { device, known };
}

/** Has what is not zero only. */
export class SparseDevice implements BlockDevice {
  readonly sectorSize = SECTOR;
  /** Of 4 KiB, by number. */
  readonly #pages = new Map<number, Uint8Array>();

  constructor(readonly size: number) {}

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    for (const [page, within, at, length] of pagesOf(offset, target.length)) {
      const part = target.subarray(at, at + length);
      const bytes = this.#pages.get(page);
      if (bytes === undefined) part.fill(0);
      else part.set(bytes.subarray(within, within + length));
    }
  }

  write(bytes: Uint8Array, offset: number): void {
    for (const [page, within, at, length] of pagesOf(offset, bytes.length)) {
      const kept = this.#pages.get(page) ?? new Uint8Array(PAGE);
      kept.set(bytes.subarray(at, at + length), within);
      this.#pages.set(page, kept);
    }
  }
}

/** `[page, offset within it, offset within the range, length]` of each page of a range. */
function* pagesOf(offset: number, length: number): Generator<[number, number, number, number]> {
  for (let done = 0; done < length;) {
    const page = Math.floor((offset + done) / PAGE);
    const within = offset + done - page * PAGE;
    const part = Math.min(PAGE - within, length - done);
    yield [page, within, done, part];
    done += part;
  }
}

/** @returns bytes of the file */
export function writeFixture(name: string, image: string, known: Known): number {
  const bytes = fs.readFileSync(image);
  const runs = usedRuns(bytes);
  const head: Head = { size: bytes.length, known, runs };
  const pieces = runs.map(([offset, length]) => bytes.subarray(offset, offset + length));
  const packed = zlib.brotliCompressSync(
    Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...pieces]),
    {
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
        [zlib.constants.BROTLI_PARAM_LGWIN]: 24,
      },
    },
  );
  fs.writeFileSync(path.join(FIXTURES, `${name}.br`), packed);
  return packed.length;
}

/** Sectors that are not all zero, those that follow each other as one. */
function usedRuns(bytes: Buffer): [number, number][] {
  const zeroes = Buffer.alloc(SECTOR);
  const runs: [number, number][] = [];
  for (let at = 0; at < bytes.length; at += SECTOR) {
    if (bytes.compare(zeroes, 0, SECTOR, at, at + SECTOR) === 0) continue;
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === at) last[1] += SECTOR;
    else runs.push([at, SECTOR]);
  }
  return runs;
}
