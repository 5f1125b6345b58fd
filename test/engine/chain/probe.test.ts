import { expect, test } from 'vitest';
import { probeFormat } from '../../../src/qcow2/chain/probe';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';

const probe = (content: string | number[]) =>
  probeFormat(new MemoryFile('base', Buffer.from(content as string, 'latin1')));

test('qcow2 is told by its magic, whatever its version from 2 on', () => {
  expect(probe('QFI\xfb\0\0\0\x03')).toEqual({ format: 'qcow2' });
  expect(probe('QFI\xfb\0\0\0\x09')).toEqual({ format: 'qcow2' });
});

test('what has no magic is raw, an empty file too', () => {
  expect(probe('')).toEqual({ format: 'raw' });
  expect(probe('hello')).toEqual({ format: 'raw' });
});

test('formats that QEMU would recognise are not taken for raw', () => {
  expect(probe('QFI\xfb\0\0\0\x01')).toEqual({ format: 'unknown', name: 'qcow' });
  expect(probe('KDMV....')).toEqual({ format: 'unknown', name: 'vmdk' });
  expect(probe('vhdxfile')).toEqual({ format: 'unknown', name: 'vhdx' });
  expect(probe(`${'\0'.repeat(64)}\x7f\x10\xda\xbe`)).toEqual({ format: 'unknown', name: 'vdi' });
});
