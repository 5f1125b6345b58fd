import { expect, test } from 'vitest';
import { parseBytes } from '../../../src/text/byteCount';
import { exactSizeText, sizeText } from '../../../src/text/sizeText';
import { mustQemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';

const MIB = 2 ** 20;
const TIB = 2 ** 40;

test.each([
  [0, '0 B'],
  [512, '512 B'],
  [999, '999 B'],
  [1000, '0.977 KiB'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [1152, '1.12 KiB'],
  [200704, '196 KiB'],
  [1114112, '1.06 MiB'],
  [2297856, '2.19 MiB'],
  [1023999, '1000 KiB'],
  [1024000, '0.977 MiB'],
  [178.6 * MIB, '179 MiB'],
  [2 * TIB - 8 * MIB, '2 TiB'],
  [5368709120, '5 GiB'],
  [2 ** 50, '1 PiB'],
  [2 ** 53, '8 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test('sizes are rounded as qemu-img rounds them', () => {
  const files = workspace();
  const path = files.path('disk.qcow2');
  try {
    for (let sectors = 1; sectors < 2 ** 33; sectors = Math.ceil(sectors * 1.37)) {
      mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', path, `${sectors * 512}`]);
      const info = mustQemuImg(['info', path]).toString();
      const told = /virtual size: (.*) \(/.exec(info)?.[1];
      expect(sizeText(sectors * 512).replace(/^1000 /, '1e+03 ')).toBe(told);
    }
  } finally {
    files.remove();
  }
});

test.each([
  [0, '0'],
  [1023, '1023'],
  [65536, '64 KiB'],
  [1536 * 1024, '1536 KiB'],
  [3 * MIB + 1, '3145729'],
  [2 * TIB, '2 TiB'],
  [2 ** 53, '8 PiB'],
])('%d bytes are %s without a loss, and are read so', (bytes, text) => {
  expect(exactSizeText(bytes)).toBe(text);
  expect(parseBytes(text, 65536)).toBe(bytes);
});
