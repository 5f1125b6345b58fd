import { describe, expect, it } from 'vitest';
import { parseHeader } from '../../../src/qcow2/format/parseHeader';
import { HEADER_FIELDS } from '../../../src/qcow2/format/headerFields';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { describeProblem } from '../../../src/qcow2/describeProblem';
import { CLUSTER, problemOf, v2File, v3File, type Patch } from './bytes';

const codeOf = (...patches: Patch[]) => problemOf(() => parseHeader(v3File(...patches))).code;

describe('a sound header', () => {
  it('of version 3 is read field by field', () => {
    const header = parseHeader(v3File([72, 8, 0b10011], [80, 8, 1], [88, 8, 1], [96, 4, 6], [60, 4, 0]));
    expect(header).toMatchObject({
      version: 3,
      clusterBits: 16,
      clusterSize: CLUSTER,
      size: 1024 * 1024,
      l1Size: 1,
      l1TableOffset: 3 * CLUSTER,
      refcountTableOffset: CLUSTER,
      refcountTableClusters: 1,
      refcountBits: 64,
      headerLength: 104,
      compressionType: 'deflate',
      l2EntrySize: 16,
      l2Entries: 4096,
      subclusterSize: 2048,
      extensionsEnd: CLUSTER,
    });
    expect(header.features).toMatchObject({
      dirty: true,
      corrupt: true,
      extendedL2: true,
      externalDataFile: false,
      lazyRefcounts: true,
      bitmaps: true,
    });
  });

  it('of version 2 has the defaults, whatever lies where version 3 has its fields', () => {
    const header = parseHeader(v2File([72, 8, -1n & 0xffff_ffff_ffff_ffffn], [96, 4, 99], [100, 4, 1]));
    expect(header).toMatchObject({
      version: 2,
      refcountBits: 16,
      headerLength: 72,
      compressionType: 'deflate',
    });
    expect(header.features.incompatible).toBe(0n);
  });

  it('has a disk of whole sectors', () => {
    const header = parseHeader(v3File([24, 8, 1023]));
    expect(header).toMatchObject({ declaredSize: 1023, size: 512 });
  });

  it('may have a length that is no multiple of 8', () => {
    expect(parseHeader(v3File([100, 4, 105])).headerLength).toBe(105);
  });

  it('may end with the last entry of its L1 table', () => {
    const { bytes } = v3File();
    const file = new MemoryFile('short.qcow2', bytes.subarray(0, 3 * CLUSTER + 8));
    expect(parseHeader(file).l1Size).toBe(1);
  });
});

describe('each rule of the header has its own problem', () => {
  const cases: readonly [rule: string, code: string, ...patches: Patch[]][] = [
    ['magic', 'header.magic', [0, 4, 0x51464900]],
    ['version too low', 'header.version', [4, 4, 0]],
    ['version of the predecessor', 'foreign.qcow1', [4, 4, 1]],
    ['version too high', 'header.version', [4, 4, 4]],
    ['clusters of 256 bytes', 'header.clusterBits', [20, 4, 8]],
    ['clusters of 4 MiB', 'header.clusterBits', [20, 4, 22]],
    ['header too short', 'header.tooShort', [100, 4, 103]],
    ['header longer than a cluster', 'header.exceedsCluster', [100, 4, CLUSTER + 1]],
    ['backing name outside the first cluster', 'header.backingFileOffset', [8, 8, CLUSTER + 1]],
    ['unknown compression', 'header.compressionType', [100, 4, 112], [104, 1, 2]],
    ['zstd without its feature bit', 'header.compressionBitClear', [100, 4, 112], [104, 1, 1]],
    ['deflate with the feature bit of others', 'header.compressionBitSet', [72, 8, 8]],
    ['unknown incompatible feature', 'header.incompatibleFeatures', [72, 8, 1n << 63n]],
    ['subclusters too small', 'header.subclusterSize', [72, 8, 16], [20, 4, 13]],
    ['refcounts too wide', 'header.refcountOrder', [96, 4, 7]],
    ['no refcount table', 'header.noRefcountTable', [56, 4, 0]],
    ['refcount table too large', 'header.tableTooLarge', [56, 4, 129]],
    ['refcount table misaligned', 'header.tableOffset', [48, 8, CLUSTER + 512]],
    ['too many snapshots', 'header.tooManySnapshots', [60, 4, 65537]],
    ['snapshot table misaligned, even when empty', 'header.tableOffset', [64, 8, 8]],
    ['L1 table too large', 'header.tableTooLarge', [36, 4, 4 * 1024 * 1024 + 1]],
    ['L1 table misaligned', 'header.tableOffset', [40, 8, 1]],
    ['offset beyond 2^53', 'value.tooLarge', [40, 8, 1n << 60n]],
    ['size beyond 2^53', 'value.tooLarge', [24, 8, 1n << 63n]],
    ['L1 table too small', 'header.l1TooSmall', [24, 8, 2 ** 29 + 1]],
    ['L1 table beyond the file', 'table.beyondFile', [40, 8, 8 * CLUSTER]],
    ['refcount table beyond the file', 'table.beyondFile', [48, 8, 8 * CLUSTER]],
  ];
  it.each(cases)('%s: %s', (_rule, code, ...patches) => {
    expect(codeOf(...patches)).toBe(code);
  });

  it('tells the first one broken, in the order of QEMU', () => {
    expect(codeOf([4, 4, 9], [20, 4, 99])).toBe('header.version');
    expect(codeOf([100, 4, 1], [96, 4, 99])).toBe('header.tooShort');
    expect(codeOf([56, 4, 0], [36, 4, 0])).toBe('header.noRefcountTable');
  });

  it('names unknown features as the image itself does', () => {
    const name = [...Buffer.from('fancy')].map((byte, index): Patch => [114 + index, 1, byte]);
    const file = v3File([72, 8, 0x60], [104, 4, 0x6803f857], [108, 4, 48], [113, 1, 5], ...name);
    const problem = problemOf(() => parseHeader(file));
    expect(describeProblem(problem)).toBe('Unsupported qcow2 features: fancy, bit 6');
  });

  it('says that an empty file is empty', () => {
    const problem = problemOf(() => parseHeader(new MemoryFile('empty', new Uint8Array(0))));
    expect(describeProblem(problem)).toContain('the file is empty');
  });

  it('gives place, value and limit', () => {
    const problem = problemOf(() => parseHeader(v3File([100, 4, 70000])));
    expect(problem).toMatchObject({ kind: 'format', offset: 100, value: 70000, limit: CLUSTER });
  });
});

it('header fields follow one another without gaps or overlaps', () => {
  let end = 0;
  for (const { offset, length } of HEADER_FIELDS) {
    expect(offset).toBe(end);
    end = offset + length;
  }
});
