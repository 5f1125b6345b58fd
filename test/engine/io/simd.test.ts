/** Runs of entries: eight at a time and one by one give the same result. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HIGH, LOW } from '../../../src/qcow2/format/bytes';
import { endOfRun } from '../../../src/qcow2/image/contiguous';
import { takeSimdPage } from '../../../src/qcow2/io/simd';

const STEP = 65536;
const page = takeSimdPage();

interface Case {
  readonly count: number;
  readonly start: number;
  readonly flags: number;
  readonly step: number;
  readonly breakAt: number;
  readonly bit: number;
  readonly first: number;
}

const cases = fc.record<Case>({
  count: fc.integer({ min: 1, max: 8192 }),
  // Some of them are multiples of 4 GiB.
  start: fc.oneof(
    fc.integer({ min: 0, max: 65535 }),
    fc.integer({ min: 65536 - 200, max: 65535 }),
    fc.integer({ min: 60000, max: 65535 }),
  ),
  flags: fc.constantFrom(0, 0x80000000, 0x80000005, 0x7fffffff, 1),
  step: fc.constantFrom(STEP, STEP, 0),
  breakAt: fc.integer({ min: 0, max: 9000 }),
  bit: fc.integer({ min: 0, max: 63 }),
  first: fc.integer({ min: 0, max: 40 }),
});

/** Where the entry at `first` stops being continued, from the words alone. */
function expected(words: Int32Array, first: number, end: number, step: number): number {
  for (let at = first + 2; at < end; at += 2) {
    const low = (words[at - 2 + LOW]! >>> 0) + step;
    if (low >= 2 ** 32 || words[at + LOW]! >>> 0 !== low || words[at + HIGH] !== words[first + HIGH])
      return at;
  }
  return end;
}

test('a run ends where it ends, wherever its words are', () => {
  if (page === undefined) throw new Error('no WebAssembly');
  const wide = new Int32Array(page.buffer, page.byteOffset, page.length / 4);
  const plain = new Int32Array(wide.length);
  fc.assert(
    fc.property(cases, ({ count, start, flags, step, breakAt, bit, first }) => {
      for (let index = 0; index < count; index++) {
        const entry = start * STEP + index * step;
        wide[index * 2 + LOW] = entry | 0;
        wide[index * 2 + HIGH] = (flags + Math.floor(entry / 2 ** 32)) | 0;
      }
      if (breakAt < count) wide[breakAt * 2 + (bit >> 5)]! ^= 1 << (bit & 31);
      plain.set(wide);
      const from = Math.min(first, count - 1) * 2;
      const end = expected(plain, from, count * 2, step);
      expect(endOfRun(plain, from, count * 2, step)).toBe(end);
      expect(endOfRun(wide, from, count * 2, step)).toBe(end);
    }),
    { numRuns: 2000 },
  );
});

test('there is room for a few buffers, and then no more', () => {
  const pages = Array.from({ length: 9 }, () => takeSimdPage());
  expect(pages.filter((each) => each === undefined).length).toBeGreaterThan(0);
  const offsets = pages.flatMap((each) => (each === undefined ? [] : [each.byteOffset]));
  expect(new Set(offsets).size).toBe(offsets.length);
});
