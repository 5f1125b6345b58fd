/** Fills, in WebAssembly memory and in other memory, compared with words written one by one; and the known fills of a file. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fill } from '../../../src/qcow2/io/fill';
import { KnownFills } from '../../../src/qcow2/io/knownFills';
import { takeSimdPage } from '../../../src/qcow2/io/simd';
import { hostOffset } from '../../../src/qcow2/units';

const page = takeSimdPage();
const STEP = 65536;

interface Case {
  readonly high: number;
  readonly low: number;
  readonly step: number;
  readonly origin: number;
  readonly ahead: number;
  readonly words: number;
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0xfffe0000),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const cases = fc.record<Case>({
  high: word,
  low: word,
  step: fc.constantFrom(0, 0, STEP, STEP, 512, 2 ** 21),
  origin: fc.integer({ min: 0, max: 2 ** 40 }).map((index) => index * 8),
  ahead: fc.integer({ min: 0, max: 70_000 }),
  words: fc.oneof(fc.integer({ min: 2, max: 8192 }), fc.constantFrom(8, 64, 4096, 8192)),
});

/** The bytes of a fill, by arithmetic that is slow and plain. */
function plain({ high, low, step, ahead, words }: Case): Buffer {
  const bytes = Buffer.alloc(words * 8);
  const first = (BigInt(high) << 32n) + BigInt(low) + BigInt(ahead) * BigInt(step);
  for (let index = 0; index < words; index++) {
    bytes.writeBigUInt64BE(BigInt.asUintN(64, first + BigInt(index) * BigInt(step)), index * 8);
  }
  return bytes;
}

const fillOf = ({ high, low, step, origin }: Case): Fill => Fill.of(high, low, step, origin);
const offsetOf = ({ origin, ahead }: Case): number => origin + ahead * 8;

/** The same number of bytes, in each kind of memory. */
function* buffers(words: number): Generator<Uint8Array> {
  if (page === undefined) throw new Error('no WebAssembly');
  yield page.subarray(0, words * 8);
  yield new Uint8Array(words * 8);
}

describe('a fill', () => {
  it('has the bytes that its rule makes, wherever they are written', () => {
    fc.assert(
      fc.property(cases, (each) => {
        for (const target of buffers(each.words)) {
          target.fill(0xaa);
          fillOf(each).writeTo(target, hostOffset(offsetOf(each)));
          expect(Buffer.compare(target, plain(each))).toBe(0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is found where bytes are one, and nowhere else', () => {
    const broken = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 8192 * 64 - 1 }));
    fc.assert(
      fc.property(cases, broken, (each, bit) => {
        const bytes = plain(each);
        const isBroken = bit >= 0 && bit < bytes.length * 8;
        if (isBroken) bytes[bit >> 3]! ^= 1 << (bit & 7);
        for (const target of buffers(each.words)) {
          target.set(bytes);
          const found = Fill.found(target, hostOffset(offsetOf(each)), each.step);
          // Two words that are equal or differ by the step are a fill, whatever made them.
          if (!isBroken || each.words > 2) expect(found !== undefined).toBe(!isBroken);
          if (!isBroken) expect(found?.agreesWith(fillOf(each), hostOffset(offsetOf(each)))).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with what has the same words from a place on', () => {
    const rising = Fill.of(0, 0, STEP, 80);
    expect(rising.agreesWith(Fill.of(0, STEP, STEP, 88), hostOffset(96))).toBe(true);
    expect(rising.agreesWith(Fill.of(0, STEP, STEP, 80), hostOffset(96))).toBe(false);
    expect(rising.agreesWith(Fill.of(0, 2 * STEP), hostOffset(96))).toBe(false);
    expect(Fill.of(0, 0xffff0000, STEP, 0).wordAt(hostOffset(8))).toEqual({ high: 1, low: 0 });
  });
});

describe('what is known of a file', () => {
  const known = new KnownFills();
  const table = (index: number, first: number): void => {
    known.add(hostOffset(index * 4096), 4096, Fill.of(0, first * 512, 512, index * 4096));
  };
  table(2, 0);
  table(3, 512);
  table(4, 5000);
  known.add(hostOffset(8192 * 8), 8192, Fill.zero);

  it('is a stretch, a part of one, or several that continue each other', () => {
    const from = Fill.of(0, 0, 512, 8192);
    for (const [offset, length] of [
      [8192, 4096],
      [8192 + 512, 512],
      [8192, 8192],
      [12288 - 8, 16],
      [12288 + 4088, 8],
    ] as const) {
      expect(known.at(hostOffset(offset), length)?.agreesWith(from, hostOffset(offset)), `${offset}`).toBe(
        true,
      );
    }
    expect(known.at(hostOffset(8192 * 8 + 4096), 512)).toBe(Fill.zero);
  });

  it('is nothing where one of them is another, or missing', () => {
    expect(known.at(hostOffset(8192), 3 * 4096)).toBeUndefined();
    expect(known.at(hostOffset(16384), 4096 + 8)).toBeUndefined();
    expect(known.at(hostOffset(4096), 4096)).toBeUndefined();
    expect(known.at(hostOffset(0), 8)).toBeUndefined();
  });

  it('has an end', () => {
    const many = new KnownFills();
    for (let index = 0; index < 70_000; index++) many.add(hostOffset(index * 512), 512, Fill.zero);
    expect(many.at(hostOffset(0), 512)).toBe(Fill.zero);
    expect(many.at(hostOffset(69_999 * 512), 512)).toBeUndefined();
  });
});
