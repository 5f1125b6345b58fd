/** Offsets as people write them. */
import { describe, expect, it } from 'vitest';
import { parseOffset } from '../../../src/commands/offset';

const GIB = 2 ** 30;

describe('an offset', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['0x1f0000', 0x1f0000],
    ['0X1F', 31],
    ['64k', 65536],
    ['64 KiB', 65536],
    ['1.5M', 1.5 * 2 ** 20],
    ['  512 B ', 512],
    ['0.1k', 102],
    ['#0', 0],
    ['#12', 12 * 65536],
    ['# 0x10', 16 * 65536],
  ])('is read from %j', (text, guestOffset) => {
    expect(parseOffset(text, 65536, GIB)).toEqual({ ok: true, guestOffset });
  });

  it.each(['', ' ', 'x', '0x', '1.5', '-1', '1e3', '64q', '#', '#1.5', '0x1k', '1 2'])(
    'is not in %j',
    (text) => {
      expect(parseOffset(text, 65536, GIB)).toEqual({ ok: false, reason: 'syntax' });
    },
  );

  it.each(['1G', '0x40000000', '#16384', '9999999999999999999', '8E'])(
    '%s is beyond a disk of 1 GiB',
    (text) => {
      expect(parseOffset(text, 65536, GIB)).toEqual({ ok: false, reason: 'beyondDisk' });
    },
  );

  it('may be the last byte', () => {
    expect(parseOffset('0x3fffffff', 65536, GIB)).toEqual({ ok: true, guestOffset: GIB - 1 });
  });
});
