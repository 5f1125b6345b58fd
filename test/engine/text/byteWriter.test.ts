import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter, decimalDigits, writeDecimal } from '../../../src/text/byteWriter';

test('any safe integer is written in decimal', () => {
  const buffer = new Uint8Array(32);
  const check = (value: number) => {
    const end = writeDecimal(buffer, 3, value);
    expect(Buffer.from(buffer.subarray(3, end)).toString()).toBe(String(value));
    expect(decimalDigits(value)).toBe(String(value).length);
  };
  for (let power = 1; power <= 1e15; power *= 10) for (const by of [-1, 0, 1]) check(power + by);
  check(Number.MAX_SAFE_INTEGER);
  fc.assert(fc.property(fc.maxSafeNat(), check));
});

test('pieces of any length arrive in order and are counted', () => {
  const pieces: Buffer[] = [];
  const writer = new ByteWriter({ write: (bytes) => void pieces.push(Buffer.from(bytes)) });
  const texts = ['ü', 'a'.repeat(200_000), 'b'.repeat(100_000), 'c'.repeat(100_000), ''];
  for (const text of texts) writer.text(text);
  writer.flush();
  expect(Buffer.concat(pieces).toString()).toBe(texts.join(''));
  expect(writer.bytesWritten).toBe(400_002);
});
