import { describe, expect, it } from 'vitest';
import { readBitmapDirectory } from '../../../src/qcow2/format/bitmapDirectory';
import { parseHeader } from '../../../src/qcow2/format/parseHeader';
import { readLuksHeader } from '../../../src/qcow2/format/luksHeader';
import { strict } from '../../../src/qcow2/format/faults';
import { readSnapshots } from '../../../src/qcow2/format/snapshotTable';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { CLUSTER, problemOf, v3File, type Patch } from './bytes';

const AT = 4 * CLUSTER;
const text = (offset: number, words: string): Patch[] =>
  [...Buffer.from(words)].map((byte, index) => [offset + index, 1, byte]);

describe('the snapshot table', () => {
  const snapshots = (count: number, ...patches: Patch[]) => {
    const file = v3File([60, 4, count], [64, 8, AT], ...patches);
    return readSnapshots(file, parseHeader(file), strict).snapshots;
  };

  it('is read entry by entry, each at a multiple of 8', () => {
    const second = AT + 72;
    const found = snapshots(
      2,
      ...[[AT, 8, 6 * CLUSTER] as const, [AT + 8, 4, 3] as const, [AT + 12, 2, 1] as const],
      ...[[AT + 14, 2, 4] as const, [AT + 16, 4, 1000] as const, [AT + 20, 4, 500] as const],
      ...[[AT + 24, 8, 77] as const, [AT + 32, 4, 9] as const, [AT + 36, 4, 24] as const],
      ...[[AT + 40, 8, 1n << 40n] as const, [AT + 48, 8, 1024] as const, [AT + 56, 8, 5] as const],
      ...text(AT + 64, '1name'),
      ...[[second + 12, 2, 2] as const, [second + 14, 2, 0] as const, [second + 32, 4, 9] as const],
      ...text(second + 40, '22'),
    );
    expect(found[0]).toEqual({
      offset: AT,
      id: '1',
      name: 'name',
      l1TableOffset: 6 * CLUSTER,
      l1TableOffsetField: BigInt(6 * CLUSTER),
      l1Size: 3,
      dateSeconds: 1000,
      dateNanoseconds: 500,
      vmClockNanoseconds: 77n,
      vmStateSize: 1n << 40n,
      virtualSize: 1024n,
      icount: 5n,
    });
    expect(found[1]).toMatchObject({ offset: second, id: '22', name: '', vmStateSize: 9n });
    expect(found[1]).not.toHaveProperty('virtualSize');
    expect(found[1]).not.toHaveProperty('icount');
  });

  it('has at most 1024 bytes of extra data an entry', () => {
    const problem = problemOf(() => snapshots(1, [AT + 36, 4, 1025]));
    expect(problem).toMatchObject({ code: 'snapshot.extraData', value: 1025, limit: 1024 });
  });

  it('lies in the file', () => {
    expect(problemOf(() => snapshots(65536)).code).toBe('table.beyondFile');
    expect(problemOf(() => snapshots(1, [64, 8, 8 * CLUSTER])).code).toBe('table.beyondFile');
  });
});

describe('the bitmap directory', () => {
  const SOUND: Patch[] = [
    [AT, 8, 5 * CLUSTER],
    [AT + 8, 4, 1],
    [AT + 12, 4, 2],
    [AT + 16, 1, 1],
    [AT + 17, 1, 16],
    [AT + 18, 2, 3],
    ...text(AT + 24, 'abc'),
  ];
  const bitmaps = (count: number, directorySize: number, ...patches: Patch[]) => {
    const file = v3File(...SOUND, ...patches);
    return readBitmapDirectory(file, parseHeader(file), {
      at: 104,
      count,
      directorySize,
      directoryOffset: AT,
    });
  };
  const codeOf = (...patches: Patch[]) => problemOf(() => bitmaps(1, 32, ...patches)).code;

  it('is read entry by entry', () => {
    expect(bitmaps(1, 32)).toEqual([
      {
        offset: AT,
        name: 'abc',
        granularity: 65536,
        inUse: false,
        auto: true,
        tableOffset: 5 * CLUSTER,
        tableSize: 1,
      },
    ]);
  });

  it('has as many entries as the header extension says', () => {
    expect(problemOf(() => bitmaps(2, 32)).code).toBe('bitmap.directory');
    expect(problemOf(() => bitmaps(1, 64)).code).toBe('bitmap.directory');
    expect(problemOf(() => bitmaps(1, 0)).code).toBe('bitmap.directory');
    expect(problemOf(() => bitmaps(1, 24)).code).toBe('bitmap.directory');
    expect(problemOf(() => bitmaps(1, 5 * CLUSTER)).code).toBe('table.beyondFile');
  });

  it('refuses entries that break a constraint', () => {
    expect(codeOf([AT, 8, 0])).toBe('bitmap.constraints');
    expect(codeOf([AT, 8, 512])).toBe('bitmap.constraints');
    expect(codeOf([AT + 8, 4, 0])).toBe('bitmap.constraints');
    expect(codeOf([AT + 8, 4, 2])).toBe('bitmap.constraints');
    expect(codeOf([AT + 12, 4, 4])).toBe('bitmap.constraints');
    expect(codeOf([AT + 16, 1, 2])).toBe('bitmap.constraints');
    expect(codeOf([AT + 17, 1, 8])).toBe('bitmap.constraints');
    expect(codeOf([AT + 17, 1, 32])).toBe('bitmap.constraints');
    expect(codeOf([AT + 18, 2, 0])).toBe('bitmap.constraints');
    expect(codeOf([AT + 20, 4, 1])).toBe('bitmap.extraData');
  });

  it('lets one that is in use be of another size', () => {
    expect(bitmaps(1, 32, [AT + 8, 4, 2], [AT + 12, 4, 1])[0]).toMatchObject({ inUse: true, tableSize: 2 });
  });
});

describe('a LUKS header', () => {
  it('shows what it can without a key', () => {
    const header = readLuksHeader(
      v3File(
        ...[[AT, 4, 0x4c554b53] as const, [AT + 4, 2, 0xbabe] as const, [AT + 6, 2, 1] as const],
        ...text(AT + 8, 'aes'),
        ...text(AT + 40, 'xts-plain64'),
        ...text(AT + 72, 'sha256'),
        ...[[AT + 104, 4, 4040] as const, [AT + 108, 4, 64] as const, [AT + 164, 4, 1234] as const],
        ...text(AT + 168, 'uuid'),
        ...[[AT + 208, 4, 0x00ac71f3] as const, [AT + 212, 4, 99] as const],
        ...[[AT + 248, 4, 8] as const, [AT + 252, 4, 4000] as const, [AT + 256, 4, 0xdead] as const],
      ),
      { offset: AT, length: 2 * CLUSTER },
    );
    expect(header).toMatchObject({
      cipherName: 'aes',
      cipherMode: 'xts-plain64',
      hash: 'sha256',
      payloadOffset: 4040,
      keyBytes: 64,
      masterKeyIterations: 1234,
      uuid: 'uuid',
    });
    expect(header.slots).toHaveLength(8);
    expect(header.slots[0]).toEqual({ active: true, iterations: 99, keyOffset: 8, stripes: 4000 });
    expect(header.slots[1]?.active).toBe(false);
  });

  it('is named when it is not there', () => {
    const place = { offset: AT, length: CLUSTER };
    expect(problemOf(() => readLuksHeader(v3File(), place)).code).toBe('luks.magic');
    const empty = new MemoryFile('short', new Uint8Array(100));
    expect(problemOf(() => readLuksHeader(empty, place)).code).toBe('table.beyondFile');
  });
});
