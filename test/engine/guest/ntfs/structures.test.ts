/** Boot sectors, fixups and mapping pairs, written by hand. */
import { describe, expect, test } from 'vitest';
import { readBootSector } from '../../../../src/guest/ntfs/bootSector';
import { applyFixups } from '../../../../src/guest/ntfs/fixups';
import { Runs } from '../../../../src/guest/ntfs/runs';
import { MemoryDevice } from '../../../support/guest/devices';

const KIB = 1024;

function bootSector(change: (boot: Buffer) => void): MemoryDevice {
  const boot = Buffer.alloc(512);
  boot.write('NTFS    ', 3, 'latin1');
  boot.writeUInt16LE(512, 11);
  boot.writeUInt8(8, 13);
  boot.writeBigUInt64LE(1_000_000n, 0x28);
  boot.writeBigUInt64LE(4n, 0x30);
  boot.writeBigUInt64LE(60_000n, 0x38);
  boot.writeInt8(-10, 0x40);
  boot.writeBigUInt64LE(0x0123_4567_89ab_cdefn, 0x48);
  change(boot);
  return new MemoryDevice(boot);
}

describe('A boot sector', () => {
  test.each([
    [512, 1, 512],
    [512, 128, 64 * KIB],
    [512, 0xf8, 128 * KIB],
    [512, 0xf4, 2048 * KIB],
    [4096, 1, 4 * KIB],
    [4096, 16, 64 * KIB],
  ])('with sectors of %i bytes and %i of them in a cluster has clusters of %i', (sector, count, size) => {
    const { clusterSize, clusters, serial } = readBootSector(
      bootSector((boot) => {
        boot.writeUInt16LE(sector, 11);
        boot.writeUInt8(count, 13);
      }),
    );
    expect(clusterSize).toBe(size);
    expect(clusters).toBe(Math.floor((1_000_000 * sector) / size));
    expect(serial).toBe('0123456789ABCDEF');
  });

  test.each([
    [-10, 1 * KIB],
    [-12, 4 * KIB],
    [1, 4 * KIB],
  ])('counts records in powers of two or in clusters: %i is %i bytes', (value, size) => {
    expect(readBootSector(bootSector((boot) => boot.writeInt8(value, 0x40))).recordSize).toBe(size);
  });

  test.each<[string, (boot: Buffer) => void]>([
    ['no signature', (boot) => boot.write('MSDOS5.0', 3, 'latin1')],
    ['sectors of 513 bytes', (boot) => boot.writeUInt16LE(513, 11)],
    ['no sectors in a cluster', (boot) => boot.writeUInt8(0, 13)],
    ['three sectors in a cluster', (boot) => boot.writeUInt8(3, 13)],
    ['clusters of 4 MiB', (boot) => boot.writeUInt8(0xf3, 13)],
    ['no sectors', (boot) => boot.writeBigUInt64LE(0n, 0x28)],
    ['more sectors than numbers can count', (boot) => boot.writeBigUInt64LE(1n << 60n, 0x28)],
    ['records beyond the end', (boot) => boot.writeBigUInt64LE(125_000n, 0x30)],
    ['records of 8 KiB', (boot) => boot.writeInt8(2, 0x40)],
    ['records of one byte', (boot) => boot.writeInt8(0, 0x40)],
  ])('with %s is refused', (_, change) => {
    expect(() => readBootSector(bootSector(change))).toThrow(/^guest\.(value|beyond)$/);
  });
});

describe('Fixups', () => {
  const record = (): Buffer => {
    const bytes = Buffer.alloc(1024);
    bytes.write('FILE', 'latin1');
    bytes.writeUInt16LE(0x30, 4);
    bytes.writeUInt16LE(3, 6);
    for (const [at, value] of [
      [0x30, 7],
      [0x32, 0x1111],
      [0x34, 0x2222],
      [510, 7],
      [1022, 7],
    ] as const)
      bytes.writeUInt16LE(value, at);
    return bytes;
  };
  const apply = (bytes: Buffer): void => {
    applyFixups(bytes, 'FILE', 'record', 8192);
  };

  test('put the last bytes of each 512 where they belong', () => {
    const bytes = record();
    apply(bytes);
    expect([bytes.readUInt16LE(510), bytes.readUInt16LE(1022)]).toEqual([0x1111, 0x2222]);
  });

  test('tell where a record is torn', () => {
    const bytes = record();
    bytes.writeUInt16LE(6, 1022);
    expect(() => {
      apply(bytes);
    }).toThrow(
      expect.objectContaining({ problem: { code: 'guest.checksum', what: 'record', offset: 8192 + 1022 } }),
    );
  });

  test.each([
    [4, 0x31],
    [4, 508],
    [4, 0xfff0],
    [6, 2],
    [6, 4],
    [6, 0xffff],
    [0, 0x4142],
  ])('are refused where the field at %i is %i', (at, value) => {
    const bytes = record();
    bytes.writeUInt16LE(value, at);
    expect(() => {
      apply(bytes);
    }).toThrow('guest.value');
  });
});

describe('Mapping pairs', () => {
  const decoded = (pairs: readonly number[], clusters = 100_000): string => {
    const runs = new Runs(clusters, 2 ** 40);
    runs.append(Uint8Array.from(pairs), 0, pairs.length, 0);
    return Array.from({ length: runs.count }, (_, index) => {
      const { vcn, length, lcn } = runs.run(index);
      return `${vcn}+${length}@${lcn ?? 'hole'}`;
    }).join(' ');
  };

  test('are runs, each relative to the one before, and holes', () => {
    expect(decoded([0x21, 16, 0x00, 0x10, 0x11, 4, 0x80, 0x01, 5, 0x22, 0, 1, 0, 0x10, 0])).toBe(
      '0+16@4096 16+4@3968 20+5@hole 25+256@8064',
    );
  });

  test('that continue each other are one run', () => {
    expect(decoded([0x11, 4, 10, 0x11, 2, 4, 0x01, 3, 0x01, 3, 0x11, 1, 2, 0])).toBe(
      '0+6@10 6+6@hole 12+1@16',
    );
  });

  test.each([
    ['end without a zero', [0x11, 4, 10]],
    ['have a run without a length', [0x10, 4, 0]],
    ['have a run of no clusters', [0x11, 0, 4, 0]],
    ['have a negative length', [0x11, 0xff, 4, 0]],
    ['lead in front of the volume', [0x11, 4, 0xff, 0]],
    ['lead beyond the volume', [0x31, 4, 0xa0, 0x86, 0x01, 0]],
    ['are cut off in a run', [0x44, 1, 2, 3]],
    ['have numbers of more than 8 bytes', [0x19, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]],
    ['are longer than any file', [0x07, 0, 0, 0, 0, 0, 0, 0x10, 0]],
  ])('are refused where they %s', (_, pairs) => {
    expect(() => decoded(pairs)).toThrow(/^guest\.(value|beyond)$/);
  });

  test('are found by cluster', () => {
    const runs = new Runs(1000, 2 ** 40);
    const pairs = Array.from({ length: 50 }, () => [0x11, 2, 5]).flat();
    runs.append(Uint8Array.from([...pairs, 0]), 0, pairs.length + 1, 0);
    for (const vcn of [0, 99, 1, 50, 51, 52, 98, 3, 2]) expect(runs.indexAt(vcn)).toBe(vcn >> 1);
  });
});
