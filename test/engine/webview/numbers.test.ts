import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatOffset, parsePlace } from '../../../webview/numbers';

const TIB = 2 ** 40;

describe('parsePlace', () => {
  const at = (text: string): unknown => parsePlace(text, 65536, TIB);

  it.each([
    ['0x1f0000', 0x1f0000],
    ['0X1F0000', 0x1f0000],
    ['1048576', 1048576],
    ['1,048,576', 1048576],
    ['64k', 65536],
    ['64 KiB', 65536],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['3G', 3 * 2 ** 30],
    ['#31', 31 * 65536],
    ['#0x10', 16 * 65536],
    ['512b', 512],
    ['0', 0],
  ])('reads %s', (text, offset) => {
    expect(at(text)).toEqual({ ok: true, offset });
  });

  it.each(['abc', '0x', '#', '-1', '1..5G', '12x', '0x1g', '1 QiB', '1,5G', '1,0485'])(
    'refuses %s',
    (text) => {
      expect(at(text)).toEqual({ ok: false, reason: 'notANumber' });
    },
  );

  it('tells an empty field from a wrong one', () => {
    expect(at('  ')).toEqual({ ok: false, reason: 'empty' });
  });

  it.each(['1T', '0x10000000000', '#16777216', '99999P'])('refuses %s, which is beyond the end', (text) => {
    expect(at(text)).toEqual({ ok: false, reason: 'beyondEnd' });
  });

  it('reads back every offset that the page writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TIB - 1 }), (offset) => {
        expect(at(formatOffset(offset))).toEqual({ ok: true, offset });
      }),
    );
  });
});
