import { describe, expect, it } from 'vitest';
import { readBackingName } from '../../../src/qcow2/format/backingName';
import { checkEncryption } from '../../../src/qcow2/format/encryption';
import { parseHeader } from '../../../src/qcow2/format/parseHeader';
import { parseExtensions } from '../../../src/qcow2/format/headerExtensions';
import { readRawExtensions } from '../../../src/qcow2/format/rawExtensions';
import type { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { CLUSTER, problemOf, v2File, v3File, type Patch } from './bytes';

const text = (offset: number, words: string): Patch[] =>
  [...Buffer.from(words)].map((byte, index) => [offset + index, 1, byte]);
const parse = (file: MemoryFile) => parseExtensions(file, parseHeader(file));
const rawOf = (file: MemoryFile) => {
  const { headerLength, extensionsEnd } = parseHeader(file);
  return [...readRawExtensions(file, headerLength, extensionsEnd)];
};
const problem = (...patches: Patch[]) => problemOf(() => parse(v3File(...patches)));

describe('header extensions', () => {
  it('are read one after the other, padded to 8 bytes, until the end mark', () => {
    const file = v3File(
      ...[[104, 4, 0xe2792aca] as const, [108, 4, 5] as const],
      ...text(112, 'qcow2'),
      ...[[120, 4, 0x12345678] as const, [124, 4, 1] as const, [128, 1, 7] as const],
      ...[[136, 4, 0x44415441] as const, [140, 4, 4] as const],
      ...text(144, 'data'),
      [160, 4, 0xe2792aca],
    );
    const extensions = parse(file);
    const raw = rawOf(file);
    expect(extensions.backingFormat).toBe('qcow2');
    expect(extensions.dataFileName).toBe('data');
    expect(raw.map(({ type, offset }) => [type, offset])).toEqual([
      [0xe2792aca, 104],
      [0x12345678, 120],
      [0x44415441, 136],
    ]);
    expect(raw[1]?.data).toEqual(Uint8Array.of(7));
  });

  it('begin after the 72 bytes of a version 2 header', () => {
    const file = v2File([72, 4, 0xe2792aca], [76, 4, 3], ...text(80, 'raw'));
    expect(parse(file).backingFormat).toBe('raw');
  });

  it('end at the backing file name', () => {
    const file = v3File([8, 8, 112], [16, 4, 8], [104, 4, 0x12345678], ...text(112, '\x12\x34name\0x'));
    expect(rawOf(file)).toHaveLength(1);
    expect(readBackingName(file, parseHeader(file))).toBe('\x12\x34name');
  });

  it('may not cross the end of their area', () => {
    expect(problem([104, 4, 0x12345678], [108, 4, CLUSTER - 111])).toMatchObject({
      code: 'extension.tooLarge',
      offset: 104,
      limit: CLUSTER - 112,
    });
    expect(problem([8, 8, 108], [104, 4, 0x12345678]).code).toBe('extension.tooLarge');
  });

  const rules: readonly [rule: string, code: string, ...patches: Patch[]][] = [
    ['backing format of 16 bytes', 'extension.backingFormat', [104, 4, 0xe2792aca], [108, 4, 16]],
    ['bitmaps of 16 bytes', 'extension.length', [104, 4, 0x23852875], [108, 4, 16]],
    [
      'encryption header without encryption',
      'extension.encryptionUnexpected',
      [104, 4, 0x0537be77],
      [108, 4, 16],
    ],
    ['encryption header of 8 bytes', 'extension.length', [32, 4, 2], [104, 4, 0x0537be77], [108, 4, 8]],
    [
      'encryption header misaligned',
      'extension.encryptionOffset',
      [32, 4, 2],
      [104, 4, 0x0537be77],
      [108, 4, 16],
      [112, 8, 512],
    ],
  ];
  it.each(rules)('%s: %s', (_rule, code, ...patches) => {
    expect(problem(...patches).code).toBe(code);
  });

  const bitmaps = (...patches: Patch[]) =>
    problem([88, 8, 1], [104, 4, 0x23852875], [108, 4, 24], ...patches).code;
  it('refuses broken bitmaps extensions', () => {
    expect(bitmaps([112, 4, 1], [116, 4, 1])).toBe('bitmaps.reserved');
    expect(bitmaps([112, 4, 65536])).toBe('bitmaps.tooMany');
    expect(bitmaps()).toBe('bitmaps.none');
    expect(bitmaps([112, 4, 1], [128, 8, 4096])).toBe('bitmaps.directoryOffset');
    expect(bitmaps([112, 4, 1], [120, 8, 67107841])).toBe('bitmaps.directorySize');
  });

  it('ignores a bitmaps extension whose autoclear bit is gone', () => {
    const file = v3File([104, 4, 0x23852875], [108, 4, 24], [116, 4, 1]);
    expect(parse(file).bitmaps).toBeUndefined();
    expect(rawOf(file)).toHaveLength(1);
  });
});

describe('encryption', () => {
  const check = (...patches: Patch[]) => {
    const file = v3File(...patches);
    const header = parseHeader(file);
    return checkEncryption(file, header, parseExtensions(file, header));
  };
  it('is none, AES, or LUKS with its header', () => {
    expect(check()).toBeUndefined();
    expect(check([32, 4, 1])).toBe('aes');
    expect(check([32, 4, 2], [104, 4, 0x0537be77], [108, 4, 16], [112, 8, CLUSTER])).toBe('luks');
    expect(problemOf(() => check([32, 4, 2])).code).toBe('crypt.noHeader');
    expect(problemOf(() => check([32, 4, 3]))).toMatchObject({ kind: 'unsupported', code: 'crypt.method' });
  });
});

describe('the backing file name', () => {
  const name = (...patches: Patch[]) => {
    const file = v3File(...patches);
    return readBackingName(file, parseHeader(file));
  };
  it('is absent without an offset, and when it is empty', () => {
    expect(name([16, 4, 5])).toBeUndefined();
    expect(name([8, 8, 1024])).toBeUndefined();
  });
  it('has at most 1023 bytes, in the first cluster', () => {
    expect(name([8, 8, 1024], [16, 4, 1023], ...text(1024, 'x'.repeat(1024)))).toHaveLength(1023);
    expect(problemOf(() => name([8, 8, 1024], [16, 4, 1024]))).toMatchObject({
      code: 'backingName.tooLong',
      limit: 1023,
    });
    expect(problemOf(() => name([8, 8, CLUSTER - 4], [16, 4, 5])).limit).toBe(4);
  });
});
