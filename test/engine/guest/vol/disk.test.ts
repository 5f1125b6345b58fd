/** A disk as a whole: which parts it has, what is doubted, and which space may be given up. */
import { describe, expect, test } from 'vitest';
import type { BlockDevice } from '../../../../src/guest/blockDevice';
import { type GuestDisk, openDisk, type Readers } from '../../../../src/guest/disk';
import { DiskDoubts } from '../../../../src/guest/diskDoubts';
import { freeRanges, type FreeChoices, USUAL_CHOICES } from '../../../../src/guest/diskFree';
import { GuestError } from '../../../../src/guest/errors';
import { signaturesOf } from '../../../../src/guest/probe';
import { silent } from '../../../../src/qcow2/progress';
import { type FakeFacts, FakeSystem } from '../../../support/guest/fakeSystem';
import { SparseDevice } from '../../../support/guest/sparse';
import { volDisks } from '../../../support/guest/volDisks';

const kept = volDisks();
const MiB = 1024 * 1024;

const readersOf = (facts: FakeFacts = {}, kinds = ['ext', 'fat', 'exfat', 'ntfs', 'xfs']): Readers =>
  Object.fromEntries(kinds.map((kind) => [kind, (device: BlockDevice) => new FakeSystem(device, facts)]));

/** Puts kept disks into partitions of the kept GPT: at 1, 4, 10 and 20 MiB, of 2 MiB, the last one to the end. */
function gptWith(...names: (string | undefined)[]): SparseDevice {
  const disk = kept.disk('gpt');
  const starts = [1, 4, 20, 10];
  const sizes = [2, 2, 43, 2];
  names.forEach((name, index) => {
    if (name === undefined) return;
    for (const [block, bytes] of kept.disk(name).blocks)
      if (block * 512 < sizes[index]! * MiB) disk.write(starts[index]! * MiB + block * 512, bytes);
  });
  return disk;
}

const summary = ({ parts }: GuestDisk): unknown[] =>
  parts.map(({ path, system, problem, signatures }) => [
    path,
    signatures.map(({ name }) => name).join('+'),
    system?.kind ?? problem?.code,
  ]);

function freeOfDisk(disk: GuestDisk, choices: Partial<FreeChoices> = {}): unknown[] {
  return freeRanges(disk, { ...USUAL_CHOICES, ...choices }, silent).map(
    ({ source, path, ranges, problems }) => {
      const list: [number, number][] = [];
      ranges.forEach((start, end) => list.push([start / MiB, end / MiB]));
      return [source, path, problems.length > 0 ? problems.map(({ code }) => code) : list];
    },
  );
}

describe('the parts of a disk', () => {
  test('are its partitions, each with what it holds', () => {
    const disk = openDisk(gptWith('fat12', 'swap', 'ext4'), readersOf());
    expect(summary(disk)).toEqual([
      ['1', 'FAT12', 'fake'],
      ['2', 'Linux swap', 'disk.notYet'],
      ['3', 'ext4', 'fake'],
      ['7', '', 'disk.nothing'],
    ]);
  });

  test('are the whole disk where it has no partitions', () => {
    expect(summary(openDisk(kept.disk('ext4'), readersOf()))).toEqual([['', 'ext4', 'fake']]);
    expect(summary(openDisk(kept.disk('btrfs'), readersOf()))).toEqual([['', 'Btrfs', 'disk.notYet']]);
    expect(summary(openDisk(new SparseDevice(0), readersOf()))).toEqual([['', '', 'disk.nothing']]);
  });

  test('keep the reason why a file system could not be opened', () => {
    const readers: Readers = {
      ext: () => {
        throw new GuestError('guest.checksum', { what: 'superblock', offset: 1024 });
      },
    };
    const [part] = openDisk(kept.disk('ext4'), readers).parts;
    expect(part?.problem).toEqual({ code: 'guest.checksum', what: 'superblock', offset: 1024 });
  });

  test('are opened when they are first asked for, and once', () => {
    let opened = 0;
    const disk = openDisk(kept.disk('ext4'), {
      ext: (device) => {
        opened++;
        return new FakeSystem(device);
      },
    });
    expect(opened).toBe(0);
    expect(disk.parts[0]?.system).toBe(disk.parts[0]?.system);
    expect(opened).toBe(1);
  });
});

describe('free space', () => {
  test('of a file system is told in bytes of the disk', () => {
    const disk = openDisk(gptWith('fat12', undefined, 'ext4'), readersOf());
    expect(freeOfDisk(disk)).toEqual([
      ['fileSystem', '1', [[2, 3]]],
      ['fileSystem', '3', [[41.5, 63]]],
    ]);
  });

  test('of a swap area and of no partition is told only when asked for', () => {
    const disk = openDisk(gptWith('swap', 'ext4'), readersOf());
    expect(freeOfDisk(disk).map(String)).toEqual(['fileSystem,2,5,6']);
    const small = kept.disk('gpt');
    for (const [block, bytes] of kept.disk('swap').blocks) small.write(4 * MiB + block * 512, bytes);
    // The header says 8 MiB, the partition has 2.
    expect(freeOfDisk(openDisk(small, {}), { swap: true })).toEqual([['swap', '2', ['disk.larger']]]);
    small.write(4 * MiB + 1028, Uint8Array.of(0xff, 1, 0, 0));
    expect(freeOfDisk(openDisk(small, {}), { swap: true, unpartitioned: true })).toEqual([
      ['swap', '2', [[4 + 4096 / MiB, 6]]],
      [
        'unpartitioned',
        '',
        [
          [3, 4],
          [6, 10],
          [12, 20],
        ],
      ],
    ]);
  });

  test('of a logical volume is told in bytes of the disk, through segments and stripes', () => {
    const source = kept.disk('lvm');
    const plain = openDisk(source, {});
    const stamped = source.copy();
    stamped.stamped = [1 * MiB, 61 * MiB];
    for (const { path, device } of openDisk(stamped, {}).parts.filter(
      ({ origin }) => origin.kind === 'volume',
    )) {
      const volume = plain.parts.find((part) => part.path === path)!;
      const from = 37 * 512;
      const to = device!.size - 4097 * 512 > from ? device!.size - 4097 * 512 : device!.size - 512;
      // A magic of XFS makes it a file system; the map of what is free is given.
      const disk = openDisk(source.copy(), readersOf({ free: [[from, to]] }));
      const part = disk.parts.find((one) => one.path === path)!;
      Object.defineProperty(part, 'signatures', {
        value: [{ kind: 'xfs', name: 'XFS', offset: 0, label: '' }],
      });
      const found = freeRanges(disk, USUAL_CHOICES, silent).find((one) => one.path === path)!;
      const sectors: number[] = [];
      found.ranges.forEach((start, end) => {
        for (let at = start; at < end; at += 512) sectors.push(at / 512);
      });
      const bytes = new Uint8Array(to - from);
      device!.read(bytes, from as never);
      const view = new DataView(bytes.buffer);
      const expected = Array.from({ length: bytes.length / 512 }, (_, index) =>
        Number(view.getBigUint64(index * 512, true)),
      ).sort((left, right) => left - right);
      expect(found.problems).toEqual([]);
      expect(volume.device?.size).toBe(device!.size);
      expect(sectors).toEqual(expected);
    }
  });

  test('is the extents of no volume, and not those when they are not asked for', () => {
    const disk = openDisk(kept.disk('lvm'), {});
    const [extents] = freeRanges(disk, USUAL_CHOICES, silent);
    const size = Number(kept.judged['lvm']!.group!.vg_extent_size);
    const theirs = kept.judged['lvm']!.free!.filter(({ lv_name }) => lv_name === '');
    expect(extents).toMatchObject({ source: 'extents', path: 'vg0', problems: [] });
    expect(extents!.ranges.bytes).toBe(
      theirs.reduce((sum, { pvseg_size }) => sum + Number(pvseg_size) * size, 0),
    );
    expect(freeRanges(disk, { ...USUAL_CHOICES, extents: false }, silent)).toEqual([]);
  });

  test('of a map that ends in an error is not told at all', () => {
    const disk = openDisk(kept.disk('ext4'), readersOf({ freeFails: true }));
    expect(freeOfDisk(disk)).toEqual([['fileSystem', '', ['guest.checksum']]]);
  });
});

describe('nothing is believed', () => {
  const problemsOf = (disk: GuestDisk, path: string): string[] =>
    freeRanges(disk, USUAL_CHOICES, silent).flatMap((found) =>
      found.path === path ? found.problems.map(({ code }) => code) : [],
    );

  test('of a device with more than one signature', () => {
    const disk = openDisk(kept.disk('ext4-in-md-1.0'), readersOf());
    expect(problemsOf(disk, '')).toEqual(['disk.otherSignatures', 'disk.raid']);
    const both = gptWith('ext4', 'ext4');
    for (const [block, bytes] of kept.disk('swap').blocks)
      if (block > 4) both.write(1 * MiB + block * 512, bytes);
    expect(problemsOf(openDisk(both, readersOf()), '1')).toEqual(['disk.otherSignatures']);
    expect(problemsOf(openDisk(both, readersOf()), '2')).toEqual([]);
  });

  test('of a file system larger than its device', () => {
    const disk = openDisk(kept.disk('ext4'), readersOf({ size: 9 * MiB }));
    expect(problemsOf(disk, '')).toEqual(['disk.larger']);
  });

  test('of a file system that has doubts of its own', () => {
    const disk = openDisk(kept.disk('ext4'), readersOf({ doubts: [{ code: 'guest.value' }] }));
    expect(problemsOf(disk, '')).toEqual(['guest.value']);
  });

  test.each(['S1SUSPEND', 'S2SUSPEND', 'ULSUSPEND', 'LINHIB0001'])(
    'of any file system beside a swap with %s',
    (mark) => {
      const disk = openDisk(gptWith('fat12', `swap-${mark}`, 'ext4'), readersOf());
      expect(problemsOf(disk, '1')).toEqual(['disk.hibernated']);
      expect(problemsOf(disk, '3')).toEqual(['disk.hibernated']);
      expect(freeOfDisk(disk, { swap: true, unpartitioned: true }).map((one) => String(one))).toEqual([
        'fileSystem,1,disk.hibernated',
        'swap,2,disk.hibernated,disk.larger',
        'fileSystem,3,disk.hibernated',
        'unpartitioned,,disk.hibernated',
      ]);
    },
  );

  test.each(['HIBR', 'hibr', 'RSTR', 'HORM'])(
    'beside a Windows whose hiberfil.sys begins with %s',
    (mark) => {
      const files = { 'HiberFil.SYS': Buffer.from(`${mark}\0\0`) };
      const readers = { ...readersOf(), ...readersOf({ files }, ['ntfs']) };
      const disk = openDisk(gptWith('ntfs', 'ext4'), readers);
      expect(problemsOf(disk, '2')).toEqual(['disk.hibernated']);
      expect(new DiskDoubts(disk).whole).toEqual([
        { code: 'disk.hibernated', what: 'partition 1', value: `hiberfil.sys: ${mark}` },
      ]);
      const woken = openDisk(gptWith('ntfs', 'ext4'), {
        ...readersOf(),
        ...readersOf({ files: { 'hiberfil.sys': new Uint8Array(16) } }, ['ntfs']),
      });
      expect(problemsOf(woken, '2')).toEqual([]);
    },
  );

  test('of what Windows may have open, where its own volume cannot be read', () => {
    for (const [name, readers] of [
      ['bitlocker', readersOf()],
      ['ntfs', readersOf({}, ['ext', 'fat'])],
      ['ntfs', { ...readersOf(), ...readersOf({ listFails: true }, ['ntfs']) }],
    ] as const) {
      const disk = openDisk(gptWith(name, 'fat12', 'ext4'), readers);
      expect(problemsOf(disk, '2')).toEqual(['disk.hibernationUnknown']);
      expect(problemsOf(disk, '3')).toEqual([]);
    }
  });

  test('where a signature lies outside all partitions', () => {
    const disk = gptWith('ext4');
    for (const [block, bytes] of kept.disk('md-1.2').blocks)
      disk.write(block * 512 + (block === 8 ? 36 * 1024 : 0), bytes);
    // A superblock of version 1 that is not where it says is not one; Btrfs's mark counts anywhere.
    expect(problemsOf(openDisk(disk, readersOf()), '1')).toEqual([]);
    disk.write(65_536 + 64, Buffer.from('_BHRfS_M'));
    expect(problemsOf(openDisk(disk, readersOf()), '1')).toEqual(['disk.outsidePartitions']);
  });

  test('of volumes in a physical volume that is something else, too', () => {
    const disk = kept.disk('lvm');
    disk.write(1 * MiB + 4086, Buffer.from('SWAPSPACE2'));
    expect(signaturesOf(openDisk(disk, {}).parts[0]!.device!).map(({ kind }) => kind)).toEqual([
      'swap',
      'lvm',
    ]);
    expect(problemsOf(openDisk(disk, {}), 'vg0')).toEqual(['disk.otherSignatures']);
  });
});

describe('a large disk', () => {
  /** Milliseconds of processor time: other programs run beside. */
  function took(action: () => void): number {
    const started = process.cpuUsage();
    action();
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  }

  test('of terabytes is opened at once', () => {
    const device = kept.disk('gpt-256-entries');
    const parts = openDisk(device, readersOf()).parts.map(({ path, signatures }) => [
      path,
      signatures.length,
    ]);
    expect(parts).toEqual([
      ['200', 0],
      ['256', 0],
    ]);
    expect(device.bytesRead).toBeLessThan(MiB);
  });

  test('with two thousand partitions is looked through in less than a second', () => {
    const device = new SparseDevice(4 * 2 ** 40);
    const record = (at: number, start: number, next: number): void => {
      const bytes = new Uint8Array(512);
      const view = new DataView(bytes.buffer);
      bytes[450] = at === 0 ? 5 : 0x83;
      view.setUint32(454, start, true);
      view.setUint32(458, at === 0 ? 0xfff00000 : 100_000, true);
      bytes[466] = next === 0 ? 0 : 5;
      view.setUint32(470, next, true);
      view.setUint32(474, 200_000, true);
      view.setUint16(510, 0xaa55, true);
      device.write(at * 512, bytes);
    };
    record(0, 2048, 0);
    for (let index = 0; index < 2000; index++)
      record(2048 + index * 1_000_000, 2048, index === 1999 ? 0 : (index + 1) * 1_000_000);
    const time = took(() => {
      const disk = openDisk(device, readersOf());
      expect(disk.parts).toHaveLength(2000);
      const found = freeRanges(disk, { extents: true, swap: true, unpartitioned: true }, silent);
      expect(found.map(({ ranges }) => ranges.count)).toEqual([4000]);
    });
    expect(time).toBeLessThan(1000);
  });

  test('with a million stretches of free space takes less than two seconds', () => {
    const free = Array.from({ length: 1_000_000 }, (_, index): [number, number] => [
      index * 8192,
      index * 8192 + 4096,
    ]);
    const disk = openDisk(kept.disk('ext4').copy(8 * 2 ** 40), readersOf({ free }));
    const time = took(() => {
      const [found] = freeRanges(disk, USUAL_CHOICES, silent);
      expect(found?.ranges.count).toBe(1_000_000);
    });
    expect(time).toBeLessThan(2000);
  });
});
