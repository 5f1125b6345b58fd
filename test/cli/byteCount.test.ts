import { expect, test } from 'vitest';
import { parseByteCount } from '../../src/cli/byteCount';

test.each([
  ['0', 0],
  ['4096', 4096],
  ['0x1f0000', 0x1f0000],
  ['0X10', 16],
  ['0x10k', 16384],
  ['1k', 1024],
  ['2K', 2048],
  ['512b', 512],
  ['3M', 3 * 2 ** 20],
  ['1G', 2 ** 30],
  ['2t', 2 ** 41],
  ['7P', 7 * 2 ** 50],
  ['1.5G', 1.5 * 2 ** 30],
  ['0.3k', 307],
  ['0x1E', 30],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['8P', 2 ** 53],
  ['7E', 7 * 2 ** 60],
])('%s is a number of bytes', (text, bytes) => {
  expect(parseByteCount(text)).toBe(bytes);
});

test.each([
  '',
  '-1',
  '+1',
  ' 1',
  '1 ',
  'k',
  '0x',
  '1kk',
  '1.5',
  '.5k',
  '1e3',
  '0x1.8k',
  '8P1',
  '8E',
  '9223372036854775808',
  '0x8000000000000000',
  'NaN',
  'ten',
])("'%s' is none", (text) => {
  expect(parseByteCount(text)).toBeUndefined();
});
