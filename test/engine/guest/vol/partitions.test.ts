/** Partition tables, judged by sfdisk and sgdisk. */
import * as fs from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { BlockDevice } from '../../../../src/guest/blockDevice';
import { crc32 } from '../../../../src/guest/crc32';
import type { PartitionTable } from '../../../../src/guest/partitions/partition';
import { readPartitions } from '../../../../src/guest/partitions/readPartitions';
import type { Ranges } from '../../../../src/guest/ranges';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import { SparseDevice } from '../../../support/guest/sparse';
import { type SfdiskTable, volDisks } from '../../../support/guest/volDisks';
import { run } from '../../../support/process';
import { workspace } from '../../../support/workspace';

const MiB = 1024 * 1024;
const kept = volDisks();
const place = workspace();
afterAll(() => {
  place.remove();
});

const codes = (problems: readonly { code: string }[]): string[] => problems.map(({ code }) => code);
const rangesOf = (ranges: Ranges): [number, number][] => {
  const list: [number, number][] = [];
  ranges.forEach((start, end) => list.push([start, end]));
  return list;
};

/** As sfdisk prints it, as far as a table has it. */
function asSfdisk({ sectorSize, partitions, kind }: PartitionTable): unknown[] {
  return partitions.map(({ number, start, size, type, name, uuid, isExtended }) => ({
    node: number,
    start: start / sectorSize,
    // sfdisk shows an extended partition as the table has it.
    size: size / sectorSize,
    type: kind === 'gpt' ? type.code.toUpperCase() : Number(type.code).toString(16),
    name,
    ...(kind === 'gpt' ? { uuid: uuid?.toUpperCase() } : {}),
    isExtended,
  }));
}

const expected = ({ partitions = [], label }: SfdiskTable): unknown[] =>
  partitions.map(({ node, start, size, type, name = '', uuid }) => ({
    node,
    start,
    size,
    type,
    name,
    ...(label === 'gpt' ? { uuid } : {}),
    isExtended: label === 'dos' && ['5', 'f', '85'].includes(type),
  }));

describe('a table made by sfdisk', () => {
  const tables = Object.entries(kept.judged).flatMap(([name, { sfdisk }]) =>
    sfdisk ? [{ name, sfdisk }] : [],
  );

  test.each(tables)('$name is read as sfdisk reads it', ({ name, sfdisk }) => {
    // Where a GPT stands tells its sector size; an MBR does not tell.
    const device = kept.disk(name, sfdisk.label === 'dos' ? sfdisk.sectorsize : 512);
    const table = readPartitions(device);
    expect(table.sectorSize).toBe(sfdisk.sectorsize);
    expect(table.uuid).toBe(sfdisk.id.replace('0x', '').toLowerCase());
    expect(asSfdisk(table)).toEqual(expected(sfdisk));
    expect(table.problems).toEqual([]);
    for (const { device: own, isExtended, size } of table.partitions) {
      expect(own?.size).toBe(isExtended ? undefined : size);
      if (own) expect(own.sectorSize).toBe(sfdisk.sectorsize);
    }
  });

  test('names types and flags in words', () => {
    const gpt = readPartitions(kept.disk('gpt')).partitions;
    expect(gpt.map(({ type, flags }) => [type.name, flags])).toEqual([
      ['EFI System', ['required', 'no automount']],
      ['Microsoft basic data', []],
      ['Linux LVM', []],
      ['Linux filesystem', ['legacy BIOS bootable']],
    ]);
    const mbr = readPartitions(kept.disk('mbr')).partitions;
    expect(mbr.map(({ type, flags, uuid }) => [type.name, flags, uuid])).toEqual([
      ['Linux', ['boot'], '1234abcd-01'],
      ['HPFS/NTFS/exFAT', [], '1234abcd-02'],
      ['Linux swap', [], '1234abcd-03'],
      ['Linux LVM', [], '1234abcd-04'],
    ]);
  });

  test('keeps tables, boot records and the space in front of the first partition', () => {
    const logical = readPartitions(kept.disk('mbr-logical'));
    const records = [0, 8192, 14_336 - 2048, 20_480 - 2048, 40_960 - 2048];
    const places = rangesOf(logical.places);
    expect(places).toHaveLength(5);
    expect(places[0]).toEqual([0, 512]);
    expect(records.length).toBe(places.length);
    expect(rangesOf(logical.reserved)[0]).toEqual([0, 2048 * 512]);
    expect(rangesOf(logical.reserved).at(-1)).toEqual([63 * MiB, 64 * MiB]);
    const gpt = readPartitions(kept.disk('gpt'));
    expect(rangesOf(gpt.places)).toEqual([
      [0, 34 * 512],
      [64 * MiB - 33 * 512, 64 * MiB],
    ]);
    expect(gpt.unpartitionedProblems).toEqual([]);
    expect(codes(readPartitions(kept.disk('mbr-empty')).unpartitionedProblems)).toEqual(['partition.empty']);
  });
});

test('random tables made by sgdisk are read as it reads them', () => {
  for (let seed = 1; seed <= 2; seed++) {
    const random = seededRandom(seed);
    const file = place.path(`sgdisk${seed}.img`);
    fs.writeFileSync(file, '');
    fs.truncateSync(file, (64 + random.below(64)) * MiB + random.below(9) * 512);
    const args: string[] = [];
    const numbers = random
      .shuffled(Array.from({ length: 100 }, (_, index) => index + 1))
      .slice(0, 1 + random.below(8));
    for (const number of numbers)
      args.push(`--new=${number}:0:+${1 + random.below(7)}M`, `--change-name=${number}:part ${number} é`);
    expect(run('sgdisk', [...args, file]).status).toBe(0);
    const device = new FileDevice(file);
    const table = readPartitions(device);
    expect(table.problems).toEqual([]);
    const numbersInOrder = [...numbers].sort((left, right) => left - right);
    expect(table.partitions.map(({ number }) => number)).toEqual(numbersInOrder);
    const asked = run('sgdisk', [...numbersInOrder.map((number) => `--info=${number}`), file]);
    const infos = String(asked.stdout)
      .split(/^(?=Partition GUID code)/m)
      .slice(-numbers.length);
    for (const { number, start, size, uuid, name, type } of table.partitions) {
      const info = infos[numbersInOrder.indexOf(number)]!;
      const field = (title: string): string | undefined =>
        new RegExp(`${title}: '?([^\\s'(]+)`).exec(info)?.[1];
      expect(Number(field('First sector')) * 512).toBe(start);
      expect((Number(field('Last sector')) + 1) * 512).toBe(start + size);
      expect(field('Partition unique GUID')?.toLowerCase()).toBe(uuid);
      expect(field('Partition GUID code')?.toLowerCase()).toBe(type.code);
      expect(/Partition name: '(.*)'/.exec(info)?.[1]).toBe(name);
    }
    device.close();
  }
});

describe('a damaged GPT', () => {
  const flip = (device: SparseDevice, at: number): SparseDevice => {
    const byte = new Uint8Array(1);
    device.read(byte, at as never);
    byte[0]! ^= 1;
    return device.write(at, byte);
  };
  const LAST = 64 * MiB - 512;
  const whole = readPartitions(kept.disk('gpt'));

  test.each([
    ['header', 512 + 60],
    ['entries', 1024 + 60],
    ['signature', 512],
  ])('is read from its backup where the primary %s is wrong, and nothing on it is believed', (_, at) => {
    const table = readPartitions(flip(kept.disk('gpt'), at));
    expect(asSfdisk(table)).toEqual(asSfdisk(whole));
    expect(codes(table.doubts)).toEqual(['partition.primaryGpt']);
  });

  test.each([
    ['header', LAST + 60],
    ['entries', 64 * MiB - 33 * 512],
  ])('is read from its primary copy where the backup %s is wrong', (_, at) => {
    const table = readPartitions(flip(kept.disk('gpt'), at));
    expect(asSfdisk(table)).toEqual(asSfdisk(whole));
    expect(codes(table.problems)).toEqual(['partition.backupGpt']);
    expect(table.doubts).toEqual([]);
    expect(codes(table.unpartitionedProblems)).toEqual(['partition.backupGpt']);
  });

  test('has no partitions where both copies are wrong', () => {
    const table = readPartitions(flip(flip(kept.disk('gpt'), 600), LAST + 60));
    expect(table.kind).toBe('gpt');
    expect(table.partitions).toEqual([]);
    expect(codes(table.doubts)).toEqual(['partition.noGpt']);
  });

  test('does not count without a protective MBR', () => {
    const table = readPartitions(kept.disk('gpt').write(450, Uint8Array.of(0x83)));
    expect(table.kind).toBe('mbr');
    expect(codes(table.doubts)).toEqual(['partition.staleGpt', 'partition.staleGpt']);
    const none = readPartitions(kept.disk('gpt').write(510, Uint8Array.of(0, 0)));
    expect(none.kind).toBe('none');
    expect(codes(none.doubts)).toEqual(['partition.staleGpt', 'partition.staleGpt']);
  });

  test('is doubted where the backup is of another table', () => {
    const disk = kept.disk('gpt');
    const header = new Uint8Array(512);
    disk.read(header, LAST as never);
    header.set([1, 2, 3], 56);
    header.fill(0, 16, 20);
    new DataView(header.buffer).setUint32(16, crc32(header.subarray(0, 92)), true);
    const table = readPartitions(disk.write(LAST, header));
    expect(asSfdisk(table)).toEqual(asSfdisk(whole));
    expect(codes(table.doubts)).toEqual(['partition.staleGpt']);
  });

  test('is whole on a disk that has grown: its backup is where the end was', () => {
    const table = readPartitions(kept.disk('gpt').copy(100 * MiB));
    expect(table.problems).toEqual([]);
    expect(rangesOf(table.places)).toContainEqual([64 * MiB - 33 * 512, 64 * MiB]);
  });

  test('has no device for a partition beyond the end of the disk', () => {
    const table = readPartitions(kept.disk('gpt').copy(30 * MiB));
    expect(table.partitions.map(({ device }) => device === undefined)).toEqual([false, false, true, false]);
    expect(codes(table.problems)).toEqual(['partition.backupGpt', 'guest.beyond']);
  });

  test('is doubted where a hybrid MBR has a partition of its own', () => {
    const entry = new Uint8Array(16);
    entry[4] = 0x83;
    new DataView(entry.buffer).setUint32(8, 2048, true);
    new DataView(entry.buffer).setUint32(12, 4096, true);
    const same = readPartitions(kept.disk('gpt').write(462, entry));
    expect(same.problems).toEqual([]);
    new DataView(entry.buffer).setUint32(12, 5000, true);
    expect(codes(readPartitions(kept.disk('gpt').write(462, entry)).doubts)).toEqual(['partition.hybrid']);
  });
});

/** An MBR or EBR in a sector. */
function record(
  device: SparseDevice,
  at: number,
  entries: [type: number, start: number, count: number][],
): SparseDevice {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  entries.forEach(([type, start, count], index) => {
    bytes[446 + 16 * index + 4] = type;
    view.setUint32(446 + 16 * index + 8, start, true);
    view.setUint32(446 + 16 * index + 12, count, true);
  });
  view.setUint16(510, 0xaa55, true);
  return device.write(at * 512, bytes);
}

describe('a damaged MBR', () => {
  const disk = (): SparseDevice => new SparseDevice(64 * MiB);
  const summary = (device: BlockDevice): unknown[] =>
    readPartitions(device).partitions.map(({ number, device: own, problem }) => [
      number,
      own !== undefined,
      problem?.code,
    ]);

  test('refuses partitions that overlap each other, and no others', () => {
    const device = record(disk(), 0, [
      [0x83, 2048, 4096],
      [0x83, 6000, 4096],
      [0x83, 20_000, 100],
      [0x83, 30_000, 200_000],
    ]);
    expect(summary(device)).toEqual([
      [1, false, 'partition.overlap'],
      [2, false, 'partition.overlap'],
      [3, true, undefined],
      [4, false, 'guest.beyond'],
    ]);
  });

  test('follows a chain up to where it leads back to itself', () => {
    const device = record(disk(), 0, [[0x0f, 10_000, 50_000]]);
    record(device, 10_000, [
      [0x83, 100, 1000],
      [5, 2000, 3000],
    ]);
    record(device, 12_000, [
      [0x83, 100, 1000],
      [5, 0, 3000],
    ]);
    expect(summary(device)).toEqual([
      [1, false, undefined],
      [5, true, undefined],
      [6, true, undefined],
    ]);
    expect(codes(readPartitions(device).doubts)).toEqual(['guest.loop']);
  });

  test('keeps what was found of a chain that leads out of the extended partition', () => {
    const device = record(disk(), 0, [[0x05, 10_000, 5000]]);
    record(device, 10_000, [
      [0x83, 100, 1000],
      [5, 6000, 3000],
    ]);
    expect(summary(device)).toEqual([
      [1, false, undefined],
      [5, true, undefined],
    ]);
    expect(codes(readPartitions(device).doubts)).toEqual(['guest.beyond']);
  });

  test('reads a chain of ten thousand records in less than two seconds', () => {
    const device = record(new SparseDevice(64 * 1024 * MiB), 0, [[0x05, 2048, 120_000_000]]);
    for (let index = 0; index < 11_000; index++)
      record(device, 2048 + index * 4096, [
        [0x83, 100, 1000],
        [5, (index + 1) * 4096, 4096],
      ]);
    const started = process.cpuUsage();
    const table = readPartitions(device);
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
    expect(table.partitions).toHaveLength(10_001);
    expect(codes(table.doubts)).toEqual(['guest.tooMany']);
  });

  test('gives up nothing of a dynamic disk', () => {
    const table = readPartitions(record(disk(), 0, [[0x42, 63, 100_000]]));
    expect(codes(table.doubts)).toEqual(['partition.dynamic']);
    expect(codes(table.unpartitionedProblems)).toEqual(['partition.dynamic']);
  });
});

describe('a file system on the whole disk', () => {
  test.each(['fat12', 'fat16', 'fat32', 'exfat', 'ntfs', 'ext4', 'xfs', 'bitlocker', 'nothing'])(
    '%s is not taken for a partition table',
    (name) => {
      const table = readPartitions(kept.disk(name));
      expect([table.kind, table.partitions, codes(table.problems)]).toEqual(['none', [], []]);
      expect(codes(table.unpartitionedProblems)).toEqual(['partition.none']);
    },
  );

  test('is doubted where its boot sector is a partition table, too', () => {
    const entry = Uint8Array.of(0, 0, 0, 0, 0x83, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 0, 0);
    const both = readPartitions(kept.disk('fat32').write(446, entry));
    expect(both.kind).toBe('mbr');
    expect(codes(both.doubts)).toEqual(['partition.fileSystem']);
    // What leads beyond the disk is code.
    const code = readPartitions(kept.disk('fat32').write(446, entry.fill(0x7f, 8)));
    expect(code.kind).toBe('none');
  });
});
