import { expect, test } from 'vitest';
import { sizeText } from '../../../src/qcow2/scan/sizeText';

// Each as qemu-img 7.2 prints it.
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
  [1023999, '1e+03 KiB'],
  [1024000, '0.977 MiB'],
  [5368709120, '5 GiB'],
  [2 ** 50, '1 PiB'],
  [2 ** 53, '8 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
