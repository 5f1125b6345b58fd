import { describe, expect, it } from 'vitest';
import { compressedLength, compressedOffset } from '../../../src/qcow2/format/compressedDescriptor';
import { decodeL1Entry } from '../../../src/qcow2/format/l1Entry';
import { decodeL2Entry } from '../../../src/qcow2/format/l2Entry';
import type { L2Rules } from '../../../src/qcow2/format/l2Kind';
import { decodeRefcountTableEntry, refcountAt } from '../../../src/qcow2/format/refcount';
import { countNonZero, refcountsPerBlock } from '../../../src/qcow2/format/refcountWidth';
import { guestOffset } from '../../../src/qcow2/units';
import { problemOf } from './bytes';

const split = (entry: bigint) => ({ high: Number(entry >> 32n), low: Number(entry & 0xffff_ffffn) });
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;

const RULES: L2Rules = {
  file: 'test.qcow2',
  version: 3,
  clusterBits: 16,
  clusterSize: 65536,
  extendedL2: false,
  hasDataFile: false,
};

function decode(entry: bigint, rules: Partial<L2Rules> = {}, bitmap?: bigint) {
  const place = { entryOffset: 0x40008, guest: guestOffset(0x10000) };
  return decodeL2Entry(
    { ...RULES, ...rules },
    place,
    split(entry),
    bitmap === undefined ? undefined : split(bitmap),
  );
}

const codeOf = (...args: Parameters<typeof decode>) => problemOf(() => decode(...args)).code;

describe('an L1 entry', () => {
  const l1 = (entry: bigint) => {
    const { high, low } = split(entry);
    return decodeL1Entry('test.qcow2', high, low, 65536, 0x30000);
  };
  it('has the offset of the L2 table in bits 9 to 55', () => {
    expect(l1(0n)).toBe(0);
    expect(l1(COPIED)).toBe(0);
    expect(l1(COPIED | 0x50000n)).toBe(0x50000);
    expect(l1(0x001f_ffff_ffff_0000n)).toBe(2 ** 53 - 65536);
  });
  it('is refused with reserved bits, misaligned, or beyond 2^53', () => {
    expect(problemOf(() => l1(1n << 62n)).code).toBe('entry.reserved');
    expect(problemOf(() => l1(0x50001n))).toMatchObject({
      code: 'entry.reserved',
      offset: 0x30000,
      value: '0x0000000000050001',
    });
    expect(problemOf(() => l1(0x50200n))).toMatchObject({ code: 'entry.misaligned', limit: 65536 });
    expect(problemOf(() => l1(1n << 53n)).code).toBe('entry.tooLarge');
  });
});

describe('a standard L2 entry', () => {
  it('has five meanings', () => {
    expect(decode(0n)).toEqual({ kind: 'unallocated' });
    expect(decode(COPIED)).toEqual({ kind: 'unallocated' });
    expect(decode(COPIED | 0x70000n)).toEqual({ kind: 'data', host: 0x70000 });
    expect(decode(1n)).toEqual({ kind: 'zeroPlain' });
    expect(decode(0x70001n)).toEqual({ kind: 'zeroAllocated', host: 0x70000 });
    expect(decode(COMPRESSED | (2n << 54n) | 0x70123n)).toEqual({
      kind: 'compressed',
      host: 0x70123,
      length: 3 * 512 - 0x123,
    });
  });

  it('is refused where it breaks a rule', () => {
    expect(codeOf((1n << 56n) | 0x70000n)).toBe('entry.reserved');
    expect(codeOf(0x70002n)).toBe('entry.reserved');
    expect(codeOf(0x70200n)).toBe('entry.misaligned');
    expect(codeOf(1n << 54n)).toBe('entry.tooLarge');
    expect(codeOf(0x70001n, { version: 2 })).toBe('entry.zeroInVersion2');
  });

  it('names its place and its value', () => {
    expect(problemOf(() => decode(0x70200n))).toMatchObject({ offset: 0x40008, value: '0x0000000000070200' });
  });

  it('with an external data file has the guest offset, even 0, and is never compressed', () => {
    const rules = { hasDataFile: true };
    expect(decode(COPIED | 0x10000n, rules)).toEqual({ kind: 'data', host: 0x10000 });
    expect(codeOf(COPIED | 0x20000n, rules)).toBe('entry.dataFileOffset');
    expect(codeOf(COPIED, rules)).toBe('entry.dataFileOffset');
    const first = { entryOffset: 0, guest: guestOffset(0) };
    const decodeFirst = (entry: bigint) =>
      decodeL2Entry({ ...RULES, ...rules }, first, split(entry), undefined);
    expect(decodeFirst(COPIED)).toEqual({ kind: 'data', host: 0 });
    expect(decodeFirst(0n)).toEqual({ kind: 'unallocated' });
    expect(decodeFirst(COPIED | 1n)).toEqual({ kind: 'zeroPlain' });
    expect(codeOf(COMPRESSED | 0x70000n, rules)).toBe('entry.compressedInDataFile');
  });
});

describe('an extended L2 entry', () => {
  const rules = { extendedL2: true };
  it('has a state for each subcluster', () => {
    const meaning = decode(COPIED | 0x70000n, rules, (0b100n << 32n) | 0b001n);
    expect(meaning).toMatchObject({ kind: 'data', host: 0x70000 });
    expect('subclusters' in meaning && meaning.subclusters.slice(0, 4)).toEqual([
      'data',
      'unallocated',
      'zero',
      'unallocated',
    ]);
  });
  it('may have zero subclusters without a host cluster, but no allocated ones', () => {
    const meaning = decode(0n, rules, 1n << 63n);
    expect('subclusters' in meaning && meaning.subclusters[31]).toBe('zero');
    expect(codeOf(0n, rules, 1n)).toBe('entry.subclustersUnallocated');
  });
  it('may not have a subcluster that is both, nor the zero flag', () => {
    expect(codeOf(0x70000n, rules, (1n << 32n) | 1n)).toBe('entry.subclustersBoth');
    expect(codeOf(0x70001n, rules, 0n)).toBe('entry.reserved');
  });
});

describe('a compressed cluster descriptor', () => {
  it.each([9, 12, 16, 21])('divides its bits by the cluster size (2^%i)', (bits) => {
    const shift = 62n - BigInt(bits - 8);
    const sectors = (1n << BigInt(bits - 8)) - 1n;
    const { high, low } = split(COMPRESSED | (sectors << shift) | 0x1_2345_6789n);
    expect(compressedOffset(high, low, bits)).toBe(0x1_2345_6789);
    expect(compressedLength(high, low, bits)).toBe((Number(sectors) + 1) * 512 - 0x189);
  });
  it('with an offset beyond 2^53 is refused', () => {
    expect(codeOf(COMPRESSED | (1n << 53n))).toBe('entry.tooLarge');
  });
});

describe('refcounts', () => {
  const place = { file: 'test.qcow2', offset: 0 };
  const block = Uint8Array.from({ length: 64 }, (_, index) => (index * 37) & 0xff);

  it.each([1, 2, 4])('of %i bits lie in a byte from the lowest bits up', (bits) => {
    const packed = Uint8Array.of(0b10_11_00_01, 0xff);
    const perByte = 8 / bits;
    const values = Array.from({ length: perByte }, (_, index) => refcountAt(place, packed, index, bits));
    expect(values.reduce((sum, value, index) => sum + value * 2 ** (index * bits), 0)).toBe(0b10110001);
    expect(refcountAt(place, packed, perByte, bits)).toBe(2 ** bits - 1);
  });

  it('of 8 to 64 bits are big-endian', () => {
    expect(refcountAt(place, Uint8Array.of(7, 9), 1, 8)).toBe(9);
    expect(refcountAt(place, Uint8Array.of(0, 0, 1, 2), 1, 16)).toBe(0x102);
    expect(refcountAt(place, Uint8Array.of(1, 2, 3, 4), 0, 32)).toBe(0x01020304);
    expect(refcountAt(place, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2), 0, 64)).toBe(0x1_0000_0002);
    expect(problemOf(() => refcountAt(place, new Uint8Array(8).fill(255), 0, 64)).code).toBe(
      'value.tooLarge',
    );
  });

  it.each([1, 2, 4, 8, 16, 32, 64])('of %i bits are counted as they are read one by one', (bits) => {
    const sparse = block.map((byte, index) => (index % 3 === 0 ? byte : 0));
    const count = refcountsPerBlock(64, bits);
    let expected = 0;
    for (let index = 0; index < count; index++) {
      const isWide = bits === 64;
      const used = isWide
        ? sparse.subarray(index * 8, index * 8 + 8).some((byte) => byte !== 0)
        : refcountAt(place, sparse, index, bits) !== 0;
      if (used) expected++;
    }
    expect(countNonZero(sparse, count, bits)).toBe(expected);
  });

  it('are found through table entries that keep the rules', () => {
    const table = (entry: bigint) => {
      const { high, low } = split(entry);
      return decodeRefcountTableEntry('test.qcow2', high, low, 65536, 8);
    };
    expect(table(0n)).toBe(0);
    expect(table(0x20000n)).toBe(0x20000);
    expect(problemOf(() => table(0x20001n)).code).toBe('entry.reserved');
    expect(problemOf(() => table(0x20200n)).code).toBe('entry.misaligned');
    expect(problemOf(() => table(1n << 60n)).code).toBe('entry.tooLarge');
  });
});
