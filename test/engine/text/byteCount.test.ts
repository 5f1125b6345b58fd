/** Numbers of bytes as users write them: on the command line, in the palette and on the page. */
import { hex } from '../../../src/text/hex';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, parseByteCount, parseBytes, parsePlace } from '../../../src/text/byteCount';
import { formatCount } from '../../../webview/base/numbers';

const CLUSTER = 65536;
const TIB = 2 ** 40;

describe('a number of bytes', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['1,048,576', 1048576],
    ['1_048_576', 1048576],
    ['1 048 576', 1048576],
    ['0x1f0000', 0x1f0000],
    ['0X1F', 31],
    ['0x10k', 16384],
    ['0x1g', 2 ** 30],
    ['0x1E', 30],
    ['0x1b', 27],
    ['512b', 512],
    ['  512 B ', 512],
    ['1k', 1024],
    ['2K', 2048],
    ['64k', 65536],
    ['64KB', 65536],
    ['64KiB', 65536],
    ['64 KiB', 65536],
    ['3M', 3 * 2 ** 20],
    ['1.5M', 1.5 * 2 ** 20],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['0.3k', 307],
    ['2t', 2 ** 41],
    ['7P', 7 * 2 ** 50],
    ['7E', 7 * 2 ** 60],
    ['#0', 0],
    ['#12', 12 * CLUSTER],
    ['# 0x10', 16 * CLUSTER],
    ['s0', 0],
    ['s2048', 2 ** 20],
    ['S0x800', 2 ** 20],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['8P', 2 ** 53],
  ])('is read from %j', (text, bytes) => {
    expect(parseBytes(text, CLUSTER)).toBe(bytes);
  });

  it.each([
    ...['', ' ', 'x', 'k', 'ten', 'NaN', '-1', '+1', '1e3', '1..5G', '12x', '64q', '1 QiB', '1kk', '8P1'],
    ...['1.5', '1.5b', '.5k', '0x', '0x1q', '0x1.8k', '1,5G', '1,0485', '1 2', '10 00'],
    ...['#', '#1.5', '#1k', 's', 's1k', 's-1'],
  ])('is not in %j', (text) => {
    expect(parseBytes(text, CLUSTER)).toBeUndefined();
  });

  it('waits for the size of a cluster', () => {
    const count = parseByteCount('#3')!;
    expect([512, CLUSTER].map((size) => bytesOf(count, size))).toEqual([1536, 3 * CLUSTER]);
  });
});

describe('a place', () => {
  const at = (text: string): unknown => parsePlace(text, CLUSTER, TIB);

  it('is told from an empty field, from no number, and from what is beyond the end', () => {
    expect(at('  ')).toEqual({ ok: false, reason: 'empty' });
    expect(at('abc')).toEqual({ ok: false, reason: 'notANumber' });
    for (const text of ['1T', '0x10000000000', '#16777216', 's2147483648', '99999P', '9999999999999999999']) {
      expect(at(text)).toEqual({ ok: false, reason: 'beyondEnd' });
    }
  });

  it('may be the last byte', () => {
    expect(at('0xffffffffff')).toEqual({ ok: true, offset: TIB - 1 });
  });

  it('is read back from everything that the page writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TIB - 1 }), (offset) => {
        expect(at(hex(offset))).toEqual({ ok: true, offset });
        expect(at(formatCount(offset))).toEqual({ ok: true, offset });
      }),
    );
  });
});
