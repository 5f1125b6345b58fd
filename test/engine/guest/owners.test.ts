/** Whose each place of a disk is, judged by debugfs; and what is told where files overlap, lie in pieces, or are too many. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GuestDisk, openDisk, type Readers } from '../../../src/guest/disk';
import { diskContents } from '../../../src/guest/diskContents';
import { freeRanges, USUAL_CHOICES } from '../../../src/guest/diskFree';
import { type Owned, Owners } from '../../../src/guest/owners';
import { placesOf } from '../../../src/guest/places';
import type { Ranges } from '../../../src/guest/ranges';
import { READERS } from '../../../src/guest/readers';
import { deviceOffset } from '../../../src/guest/units';
import { CancelledError } from '../../../src/qcow2/errors';
import { silent } from '../../../src/qcow2/progress';
import { FileDevice } from '../../support/guest/devices';
import { debugfs } from '../../support/guest/extJudge';
import { FakeTree, type FakeFile } from '../../support/guest/fakeTree';
import { EXT_START, makePartitionedDisk } from '../../support/guest/partitioned';
import { volDisks } from '../../support/guest/volDisks';
import { must } from '../../support/process';
import { workspace } from '../../support/workspace';

const MiB = 2 ** 20;
const files = workspace();
let disk: GuestDisk;
let device: FileDevice;

beforeAll(() => {
  const tree = files.path('tree');
  fs.mkdirSync(`${tree}/var/log`, { recursive: true });
  for (let file = 0; file < 300; file++)
    fs.writeFileSync(`${tree}/var/log/${file}`, Buffer.alloc(300 * file, 1));
  fs.linkSync(`${tree}/var/log/299`, `${tree}/second name`);
  makePartitionedDisk(files.folder, tree);
  device = new FileDevice(files.path('disk.raw'));
  disk = openDisk(device, READERS);
});

afterAll(() => {
  device.close();
  files.remove();
});

const ownersOf = (of: GuestDisk, progress = silent): Owners =>
  new Owners(of, freeRanges(of, USUAL_CHOICES, silent), progress);

function told({ owner, bytes }: Owned): string {
  switch (owner.kind) {
    case 'file':
      return `${owner.part.path}:${owner.path} ${bytes}`;
    case 'extents':
      return `${owner.group} ${bytes}`;
    case 'table':
    case 'unpartitioned':
      return `${owner.kind} ${bytes}`;
    default:
      return `${owner.part.path} ${owner.kind} ${bytes}`;
  }
}

const listOf = (ranges: Ranges): number[][] => {
  const list: number[][] = [];
  ranges.forEach((start, end) => list.push([start, end]));
  return list;
};

describe('the owner of a place', () => {
  test('is the file that debugfs names for the block, or none', () => {
    const ext = files.path('ext.raw');
    const block = Number(/Block size:\s+(\d+)/.exec(must('dumpe2fs', ['-h', ext]).toString())![1]);
    const count = fs.statSync(ext).size / block;
    const blocks = Array.from({ length: count }, (_, index) => index).filter((index) => index % 7 === 1);
    const batches = Array.from({ length: Math.ceil(blocks.length / 200) }, (_, index) =>
      blocks.slice(index * 200, (index + 1) * 200).join(' '),
    );
    const inodes = new Map<number, number>();
    for (const [, number, inode] of debugfs(
      ext,
      batches.map((batch) => `icheck ${batch}`),
    ).matchAll(/^(\d+)\t(\d+)$/gm))
      inodes.set(Number(number), Number(inode));
    const used = new Set<number>();
    for (const [, number] of debugfs(
      ext,
      blocks.map((index) => `testb ${index}`),
    ).matchAll(/^Block (\d+) marked in use$/gm))
      used.add(Number(number));
    const names = new Map<number, string[]>();
    const known = [...new Set(inodes.values())].filter((inode) => inode === 2 || inode >= 11);
    for (const [, inode, path] of debugfs(ext, [`ncheck ${known.join(' ')}`]).matchAll(/^(\d+)\t(.*)$/gm))
      names.set(Number(inode), [...(names.get(Number(inode)) ?? []), path!.replace(/^\/\//, '/')]);
    const owners = ownersOf(disk);
    let ofFiles = 0;
    for (const index of blocks) {
      const start = EXT_START * 512 + index * block;
      const [first, ...others] = owners.at(start, start + block);
      expect(others).toEqual([]);
      const own = inodes.get(index);
      if (own !== undefined && (own === 2 || own >= 11)) {
        ofFiles++;
        expect(first).toMatchObject({ owner: { kind: 'file', id: own }, bytes: block });
        if (first?.owner.kind === 'file')
          expect(own === 2 ? ['/'] : names.get(own)).toContain(first.owner.path);
      } else expect(first?.owner.kind, `block ${index}`).toBe(used.has(index) ? 'metadata' : 'free');
    }
    expect(ofFiles).toBeGreaterThan(300);
  });

  test('may be the partition table, no partition, or several files at a time', () => {
    const owners = ownersOf(disk);
    expect(owners.at(0, 512).map(told)).toEqual(['table 512']);
    expect(owners.at(60 * MiB, 60 * MiB + 512).map(told)).toEqual(['unpartitioned 512']);
    const across = owners.at(EXT_START * 512 - MiB, EXT_START * 512 + MiB);
    expect(across.map(({ owner }) => owner.kind)).toContain('metadata');
    expect(across.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2 * MiB);
    expect(owners.at(MiB, EXT_START * 512).map(told)).toContain('1:/EFI/BOOT/BOOTX64.EFI 2048');
    expect(owners.at(0, 64 * MiB)).toHaveLength(64);
  });

  test('is sought until it is cancelled', () => {
    let calls = 0;
    const progress = {
      report: () => undefined,
      checkCancelled: () => {
        if (++calls > 2) throw new CancelledError('disk');
      },
    };
    expect(() => ownersOf(disk, progress)).toThrow(CancelledError);
  });
});

/** The kept LVM disk, with a made-up file system in the volume `vg0/root`. */
function withFiles(entries: readonly FakeFile[]): GuestDisk {
  const kept = volDisks();
  const lvm = kept.disk('lvm');
  const plain = openDisk(lvm, {});
  const [first = 0] = placesOf(
    plain,
    plain.parts.find(({ path }) => path === 'vg0/root')!,
    512,
  ).starts;
  for (const [block, bytes] of kept.disk('ext4').blocks) lvm.write(first + block * 512, bytes);
  const readers: Readers = { ext: () => Object.assign(new FakeTree(entries), { size: 8 * MiB }) };
  return openDisk(lvm, readers);
}

const extent = (start: number, length: number): NonNullable<FakeFile['extents']>[number] => ({
  at: 0,
  length,
  place: deviceOffset(start),
});

describe('files of a logical volume', () => {
  test('are found where the volume lies', () => {
    const over = withFiles([{ name: 'whole', extents: [extent(0, 2 ** 53)] }]);
    const part = over.parts.find(({ path }) => path === 'vg0/root')!;
    const owners = ownersOf(over);
    let bytes = 0;
    placesOf(over, part).forEach((start, end) => {
      bytes += end - start;
      expect(owners.at(start, end).map(told)).toEqual([`vg0/root:/whole ${end - start}`]);
    });
    expect(bytes).toBe(part.size);
  });

  test('may claim the same place, and are all told, whatever they claim', () => {
    const over = withFiles([
      { name: 'giant', extents: [extent(0, 2 ** 60)] },
      { name: 'a', extents: [extent(MiB, 4096), extent(2 ** 50, 4096)] },
      { name: 'b', extents: [extent(MiB + 2048, 4096)] },
    ]);
    const part = over.parts.find(({ path }) => path === 'vg0/root')!;
    const [start = 0] = placesOf(over, part).starts;
    const found = ownersOf(over).at(start + MiB, start + MiB + 4096);
    expect(found.map(told).sort()).toEqual(['vg0/root:/a 4096', 'vg0/root:/b 2048', 'vg0/root:/giant 4096']);
  });
});

describe('what a guest does with its disk', () => {
  test('is in use, free, or not known', () => {
    const free = freeRanges(disk, USUAL_CHOICES, silent);
    const { used, doubted, free: unused } = diskContents(disk, free);
    expect(doubted.count).toBe(0);
    const sizes = disk.parts.reduce((sum, { system }) => sum + system!.size, 0);
    expect(used.bytes + unused.bytes).toBe(sizes);
    expect(unused.bytes).toBe(free.reduce((sum, { ranges }) => sum + ranges.bytes, 0));
  });

  test('counts as in use where the file system was not closed', () => {
    const dirty = files.path('dirty.raw');
    fs.copyFileSync(files.path('ext.raw'), dirty);
    debugfs(dirty, ['ssv state 0'], true);
    const own = new FileDevice(dirty);
    try {
      const alone = openDisk(own, READERS);
      const contents = diskContents(alone, freeRanges(alone, USUAL_CHOICES, silent));
      expect(listOf(contents.doubted)).toEqual([[0, own.size]]);
      expect([contents.used.count, contents.free.count]).toEqual([0, 0]);
      expect(
        ownersOf(alone)
          .at(own.size - 4096, own.size)
          .map(told),
      ).toEqual([' undecided 4096']);
    } finally {
      own.close();
    }
  });
});
