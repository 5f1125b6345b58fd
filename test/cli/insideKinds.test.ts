/** `qcow2 cp`, `df`, `ls`, `cat` and `shrink` on what machines have besides FAT and ext: other file systems, LVM2, swap. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../support/builder/random';
import { command } from '../support/command';
import { exfatFacts, exfatFixture } from '../support/guest/exfatFixtures';
import { copyIn, makeFat, makeTree } from '../support/guest/fatTools';
import { mbrDisk } from '../support/guest/mbr';
import { keptVolume } from '../support/guest/ntfsVolumes';
import { sectorsOf, volDisks } from '../support/guest/volDisks';
import { FLAVOURS } from '../support/guest/xfs/flavours';
import { makeProtoImage } from '../support/guest/xfs/proto';
import { must, run } from '../support/process';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const MIB = 2 ** 20;
const SECTOR = 512;
const place = workspace();
const kept = volDisks();
afterAll(() => {
  place.remove();
});

async function text(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await command(place.folder, ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return String(stdout);
}

/** Makes `disk.qcow2` with clusters of 4 KiB. */
function makeDisk(disk: Uint8Array): void {
  fs.writeFileSync(place.path('disk.raw'), disk);
  const options = ['-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=4k'];
  mustQemuImg(['convert', ...options, 'disk.raw', 'disk.qcow2'], { cwd: place.folder });
}

function readDisk(): Buffer {
  mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', 'disk.qcow2', 'after.raw'], { cwd: place.folder });
  return fs.readFileSync(place.path('after.raw'));
}

/** An ext4 that had a file of one MiB. */
function makeExt(name: string, size: string): Buffer {
  const tree = place.path(`${name}.tree`);
  fs.mkdirSync(`${tree}/etc`, { recursive: true });
  fs.writeFileSync(`${tree}/etc/fstab`, 'one line\n');
  must('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', name, '-d', tree, place.path(name), size]);
  fs.writeFileSync(place.path('gone'), Buffer.alloc(MIB, 0x5a));
  must('debugfs', ['-w', '-R', `write ${place.path('gone')} gone`, place.path(name)]);
  must('debugfs', ['-w', '-R', 'rm gone', place.path(name)]);
  return fs.readFileSync(place.path(name));
}

describe('cp of everything in', () => {
  type File = readonly [size: number, digest: string];

  /** Files in a folder of the host by their paths. */
  function filesIn(folder: string, algorithm: string): Map<string, File> {
    const files = new Map<string, File>();
    for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const bytes = fs.readFileSync(file);
      const digest = createHash(algorithm).update(bytes).digest('hex');
      files.set(path.relative(folder, file), [bytes.length, digest]);
    }
    return files;
  }

  async function copied(disk: Uint8Array, algorithm: string): Promise<Map<string, File>> {
    makeDisk(disk);
    const out = fs.mkdtempSync(place.path('out-'));
    await command(place.folder, 'cp', 'disk.qcow2', '/', `${out}/all`);
    return filesIn(`${out}/all`, algorithm);
  }

  test('NTFS', async () => {
    const { bytes, files } = keptVolume('fragments');
    const ours = await copied(bytes, 'sha1');
    const theirs = [...files].filter(([, { sha1 }]) => sha1 !== undefined);
    expect(theirs.length).toBeGreaterThan(0);
    for (const [name, { size, sha1 }] of theirs) expect([name, ours.get(name)]).toEqual([name, [size, sha1]]);
  });

  test('XFS', async () => {
    const flavour = FLAVOURS.find(({ name }) => name === 'v5')!;
    const plan = { files: 40, largeFolder: 100, longest: 20_000 };
    const { path: image, tree } = makeProtoImage(
      fs.mkdtempSync(place.path('xfs-')),
      flavour,
      plan,
      seededRandom(1),
    );
    const ours = await copied(fs.readFileSync(image), 'sha256');
    const theirs = [...tree].filter(([, { type }]) => type === 'file');
    expect(ours).toEqual(new Map(theirs.map(([name, { size, content }]) => [name, [size, content]])));
  });

  test('FAT', async () => {
    const tree = place.path('fat.tree');
    makeTree(tree, seededRandom(2), 40, 20_000);
    const shape = { bits: 16, mebibytes: 16, sectorSize: 512, perCluster: 4, copies: 2 } as const;
    makeFat(place.path('fat'), shape, '');
    copyIn(place.path('fat'), tree);
    const ours = await copied(fs.readFileSync(place.path('fat')), 'sha256');
    expect(ours).toEqual(filesIn(tree, 'sha256'));
  });

  test('exFAT', async () => {
    const ours = await copied(exfatFixture('exfat-2k').whole(), 'sha256');
    const theirs = exfatFacts('exfat-2k').list.filter((file) => file.length > 1);
    expect(ours.size).toBe(theirs.length);
    for (const [name, size, digest] of theirs) {
      const [ourSize, ourDigest] = ours.get(name) ?? [];
      expect([name, ourSize, ourDigest?.slice(0, 16)]).toEqual([name, size, digest]);
    }
  });
});

describe('a disk with swap and an encrypted partition', () => {
  const SWAP = 8 * MIB;
  let disk: Buffer;
  beforeAll(() => {
    const swap = Buffer.from(kept.disk('swap').bytes());
    swap.fill(0x5a, 4096);
    disk = mbrDisk([0x82, swap], [0x83, makeExt('root', '8M')], [0x83, kept.disk('luks2').bytes()]);
    // What no partition has: behind the first one, and the last MiB.
    disk.fill(0x5a, MIB + SWAP, 2 * MIB + SWAP);
    disk.fill(0x5a, disk.length - MIB);
  });

  test('is told part by part', async () => {
    makeDisk(disk);
    const lines = (await text('df', 'disk.qcow2')).split('\n');
    expect(lines[2]).toMatch(/^ {2}1 +8 MiB +- +- {2}Linux swap/);
    expect(lines[3]).toMatch(/^ {2}2 +8 MiB +\S+ \S+ +\S+ \S+ {2}ext4 +root$/);
    expect(lines[4]).toMatch(/^ {2}3 .* - +- {2}LUKS/);
    expect(lines.slice(5).join('\n')).toMatch(/^3: .*LUKS.* cannot be looked into yet$/m);
  });

  /** Ranges that differ, and are zero now. */
  function zeroed(after: Buffer): [number, number][] {
    const ranges: [number, number][] = [];
    for (let at = 0; at < disk.length; at += 4096) {
      const now = after.subarray(at, at + 4096);
      if (now.equals(disk.subarray(at, at + 4096))) continue;
      expect(now.every((byte) => byte === 0)).toBe(true);
      const last = ranges.at(-1);
      if (last?.[1] === at) last[1] = at + 4096;
      else ranges.push([at, at + 4096]);
    }
    return ranges;
  }

  test('--guest-swap gives up all of the swap area but its header, and nothing else', async () => {
    makeDisk(disk);
    await text('shrink', '--guest-swap', '--guest-free=1', 'disk.qcow2');
    expect(zeroed(readDisk())).toEqual([[MIB + 4096, MIB + SWAP]]);
  });

  test('--unpartitioned gives up what lies between partitions, but not what is before and behind all of them', async () => {
    makeDisk(disk);
    const { stderr } = await command(
      place.folder,
      'shrink',
      '--unpartitioned',
      '--guest-free=2',
      'disk.qcow2',
    );
    expect(stderr).toBe('');
    // A partition that was asked for is all that is given up.
    expect(zeroed(readDisk()).every(([start, end]) => start > 2 * MIB + SWAP && end <= 10 * MIB + SWAP)).toBe(
      true,
    );
    makeDisk(disk);
    await text('shrink', '--unpartitioned', 'disk.qcow2');
    const ranges = zeroed(readDisk());
    expect(ranges).toContainEqual([MIB + SWAP, 2 * MIB + SWAP]);
    expect(ranges.every(([, end]) => end <= disk.length - MIB)).toBe(true);
  });

  test('--guest-free alone leaves both alone', async () => {
    makeDisk(disk);
    await text('shrink', '--guest-free', 'disk.qcow2');
    const after = readDisk();
    expect(after.subarray(0, 2 * MIB + SWAP).equals(disk.subarray(0, 2 * MIB + SWAP))).toBe(true);
    expect(zeroed(after).length).toBeGreaterThan(0);
  });
});

describe('a file system in a logical volume', () => {
  let sectors: readonly number[];
  beforeAll(() => {
    const device = kept.disk('lvm');
    const { segments } = kept.judged['lvm']!;
    sectors = sectorsOf(
      device,
      segments!.filter(({ lv_name }) => lv_name === 'root'),
    );
    const ext = makeExt('volume', `${Math.floor((sectors.length * SECTOR) / 1024)}k`);
    const disk = Buffer.from(device.bytes());
    sectors.forEach((sector, index) => ext.copy(disk, sector * SECTOR, index * SECTOR, (index + 1) * SECTOR));
    makeDisk(disk);
  });

  test('is listed and read by the name of the volume', async () => {
    expect(await text('ls', 'disk.qcow2', 'vg0/root:/')).toBe('etc/\nlost+found/\n');
    expect(await text('cat', 'disk.qcow2', 'vg0/root:/etc/fstab')).toBe('one line\n');
    expect(await text('df', 'disk.qcow2')).toMatch(/^ {2}vg0\/root .* ext4 +volume$/m);
  });

  test('is whole after it was shrunk by', async () => {
    expect(await text('shrink', '--guest-free', 'disk.qcow2')).toMatch(/^shrink: \d[^ ]* (?:K|M)iB freed /);
    const after = readDisk();
    const volume = Buffer.concat(
      sectors.map((sector) => after.subarray(sector * SECTOR, (sector + 1) * SECTOR)),
    );
    fs.writeFileSync(place.path('volume.after'), volume);
    expect(run('e2fsck', ['-fn', place.path('volume.after')]).status).toBe(0);
    // The deleted file is gone.
    expect(volume.includes(Buffer.alloc(64 * 1024, 0x5a))).toBe(false);
    expect(await text('cat', 'disk.qcow2', '/etc/fstab')).toBe('one line\n');
  });
});
