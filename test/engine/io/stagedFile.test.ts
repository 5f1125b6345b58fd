/** Staged pages over a file, compared with plain arrays of bytes. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fill } from '../../../src/qcow2/io/fill';
import { MemoryFile, SparseMemoryFile } from '../../../src/qcow2/io/memoryFile';
import { PAGE_SIZE, PageStore } from '../../../src/qcow2/io/pageStore';
import { StagedDifference } from '../../../src/qcow2/io/stagedDifference';
import { StagedFile, type StagedState } from '../../../src/qcow2/io/stagedFile';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { hostOffset } from '../../../src/qcow2/units';

const place = workspace();
const scratch = path.join(place.folder, 'scratch', 'pages');
const TERABYTE = 2 ** 40;

let store: PageStore;
beforeEach(() => {
  store = new PageStore(scratch);
});
afterEach(() => {
  store.close();
});

const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) & 0xff);

const contentOf = (file: StagedFile): Buffer => {
  const bytes = Buffer.alloc(file.size);
  file.read(bytes, hostOffset(0));
  return bytes;
};

/** What the staged pieces make of the base: how a save sees the file. */
function applied(file: StagedFile): Buffer {
  const bytes = Buffer.alloc(file.size);
  file.base.read(bytes.subarray(0, Math.min(file.size, file.base.size)), hostOffset(0));
  file.forEachPiece(hostOffset(0), hostOffset(file.size), (offset, length, piece) => {
    if (piece instanceof Fill) piece.writeTo(bytes.subarray(offset, offset + length), offset);
    else bytes.set(piece, offset);
  });
  return bytes;
}

describe('a staged file', () => {
  it('reads as its base until something is written, and leaves the base as it is', () => {
    const base = pattern(10_000, 1);
    const file = new StagedFile(new MemoryFile('disk', base.slice()), store);
    expect(file.isEmpty).toBe(true);
    file.write(Uint8Array.of(1, 2, 3), hostOffset(4095));
    expect(file.isEmpty).toBe(false);
    const read = contentOf(file);
    expect([...read.subarray(4094, 4099)]).toEqual([base[4094], 1, 2, 3, base[4098]]);
    const below = new Uint8Array(10_000);
    file.base.read(below, hostOffset(0));
    expect(Buffer.from(below).equals(Buffer.from(base))).toBe(true);
  });

  it('differs where its bytes do, and in what it has gained', () => {
    const base = pattern(10 * PAGE_SIZE, 1);
    base.fill(0, 6 * PAGE_SIZE, 8 * PAGE_SIZE);
    const file = new StagedFile(new MemoryFile('disk', base.slice()), store);
    file.write(Uint8Array.of(base[PAGE_SIZE + 5]! ^ 1), hostOffset(PAGE_SIZE + 5));
    file.write(base.slice(2 * PAGE_SIZE, 3 * PAGE_SIZE), hostOffset(2 * PAGE_SIZE));
    file.fill(hostOffset(3 * PAGE_SIZE), 2 * PAGE_SIZE, 1, 1);
    file.fill(hostOffset(6 * PAGE_SIZE), 2 * PAGE_SIZE);
    file.write(Uint8Array.of(1), hostOffset(20 * PAGE_SIZE));
    const found: number[] = [];
    new StagedDifference(file).forEach((offset, length) => {
      if (found.at(-1) === offset) found[found.length - 1] = offset + length;
      else found.push(offset, offset + length);
    });
    const gained = [10 * PAGE_SIZE, 20 * PAGE_SIZE + 1];
    expect(found).toEqual([PAGE_SIZE, PAGE_SIZE + 512, 3 * PAGE_SIZE, 5 * PAGE_SIZE, ...gained]);
  });

  it('holds a terabyte of a repeated word in next to nothing', () => {
    const file = new StagedFile(new SparseMemoryFile('disk', TERABYTE), store);
    const before = process.memoryUsage().heapUsed;
    file.fill(hostOffset(8), TERABYTE - 16, 0, 1);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 23);
    const bytes = new Uint8Array(16);
    file.read(bytes, hostOffset(TERABYTE / 2 + 5));
    expect([...bytes]).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    let pieces = 0;
    file.forEachPiece(hostOffset(0), hostOffset(file.size), () => pieces++);
    expect(pieces).toBeLessThan(4096);
    expect(store.scratchBytes).toBe(0);
  });

  it('moves pages beyond its budget to a scratch file that no other program sees', () => {
    store.close();
    store = new PageStore(scratch, PAGE_SIZE);
    const file = new StagedFile(new MemoryFile('disk', new Uint8Array(0)), store);
    const bytes = pattern(1100 * PAGE_SIZE, 3);
    file.write(bytes, hostOffset(0));
    expect(store.scratchBytes).toBeGreaterThan(500 * PAGE_SIZE);
    expect(fs.readdirSync(path.dirname(scratch))).toEqual([]);
    file.write(Uint8Array.of(9), hostOffset(5));
    bytes[5] = 9;
    expect(contentOf(file).equals(Buffer.from(bytes))).toBe(true);
  });

  it('refuses by name what the scratch file cannot take', () => {
    const blocked = new PageStore(path.join(place.folder, 'scratch', 'gone', '\0'), PAGE_SIZE);
    const file = new StagedFile(new MemoryFile('disk', new Uint8Array(0)), blocked);
    expect(
      problemOf(() => {
        file.write(new Uint8Array(1100 * PAGE_SIZE), hostOffset(0));
      }).code,
    ).toBe('file.scratch');
  });

  it('tells staged bytes from holes of its base', () => {
    const file = new StagedFile(new SparseMemoryFile('disk', TERABYTE), store);
    file.write(Uint8Array.of(1), hostOffset(2 ** 30));
    expect(file.extentAt(hostOffset(0))).toEqual({ isHole: true, end: 2 ** 30 });
    expect(file.extentAt(hostOffset(2 ** 30 + 7))).toEqual({ isHole: false, end: 2 ** 30 + PAGE_SIZE });
    expect(file.extentAt(hostOffset(TERABYTE))).toEqual({ isHole: true, end: Infinity });
  });
});

type Step =
  | { readonly do: 'write'; readonly offset: number; readonly length: number; readonly seed: number }
  | {
      readonly do: 'fill';
      readonly offset: number;
      readonly length: number;
      readonly word: bigint;
      readonly step: number;
    }
  | { readonly do: 'go'; readonly to: number }
  | { readonly do: 'save' };

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      offset: fc.nat(30_000),
      length: fc.nat(9_000),
      seed: fc.nat(250),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        do: fc.constant('fill' as const),
        offset: fc.nat(4_000),
        length: fc.nat(3_000),
        word: fc.constantFrom(0n, 1n, 3n, 0x8000_0000_ffff_0001n, 0xffff_ffff_ffff_fff0n),
        step: fc.constantFrom(0, 0, 1, 65536, 0x7fff_ffff),
      })
      .map((fill) => ({ ...fill, offset: hostOffset(fill.offset * 8), length: fill.length * 8 })),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('go' as const), to: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
) satisfies fc.Arbitrary<Step>;

/** Big-endian 64-bit words, each `step` more than the one before it. */
function risingWords(word: bigint, step: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 8) {
    bytes.writeBigUInt64BE(BigInt.asUintN(64, word + BigInt(step * (at / 8))), at);
  }
  return bytes;
}

describe('states of a staged file', () => {
  it('come back byte for byte, also after saves, whatever was written in between', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.array(step, { maxLength: 25 }), (size, steps) => {
        const small = new PageStore(scratch, PAGE_SIZE);
        const file = new StagedFile(new MemoryFile('disk', pattern(size, 5)), small);
        const states: { state: StagedState; bytes: Buffer }[] = [];
        let model = Buffer.from(pattern(size, 5));
        const put = (offset: number, bytes: Uint8Array): void => {
          if (bytes.length === 0) return;
          if (offset + bytes.length > model.length)
            model = Buffer.concat([model, Buffer.alloc(offset + bytes.length - model.length)]);
          model.set(bytes, offset);
        };
        try {
          for (const each of steps) {
            states.push({ state: file.state, bytes: Buffer.from(model) });
            switch (each.do) {
              case 'write': {
                const bytes = pattern(each.length, each.seed);
                file.write(bytes, hostOffset(each.offset));
                put(each.offset, bytes);
                break;
              }
              case 'fill': {
                const [high, low] = [Number(each.word >> 32n), Number(each.word & 0xffff_ffffn)];
                file.fill(each.offset, each.length, high, low, each.step);
                put(each.offset, risingWords(each.word, each.step, each.length));
                break;
              }
              case 'go': {
                const to = states[each.to % states.length]!;
                file.state = to.state;
                model = Buffer.from(to.bytes);
                break;
              }
              case 'save': {
                const kept = file.keepOverwritten();
                file.rebase(new MemoryFile('disk', applied(file)), kept);
                expect(file.isEmpty).toBe(true);
                break;
              }
            }
            expect(contentOf(file).equals(model)).toBe(true);
            expect(applied(file).equals(model)).toBe(true);
          }
        } finally {
          small.close();
        }
      }),
      { numRuns: Number(process.env['QCOW2_RUNS'] ?? 300) },
    );
  });
});
