/** `qcow2 shrink --guest-free` refuses what may not be believed, says why, and changes nothing. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBytes } from '../../src/guest/blockDevice';
import { command } from '../support/command';
import { exfatFixture } from '../support/guest/exfatFixtures';
import { type FatShape, makeFat } from '../support/guest/fatTools';
import { mbrDisk, writeMbr } from '../support/guest/mbr';
import { makeVolume } from '../support/guest/ntfs';
import { PatchedVolume, restartPage } from '../support/guest/ntfsPatch';
import { volDisks } from '../support/guest/volDisks';
import { readFixture } from '../support/guest/xfs/fixtures';
import { PatchedDevice } from '../support/guest/xfs/patched';
import { must } from '../support/process';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const MIB = 2 ** 20;
const place = workspace();
const kept = volDisks();
afterAll(() => {
  place.remove();
});

/** File systems as they are made, each 4 MiB long. */
let plain: Buffer;
let sealed: Buffer;
let ntfs: Buffer;
const fat = new Map<number, Buffer>();

beforeAll(() => {
  const made = (name: string, ...options: readonly string[]): Buffer => {
    must('mke2fs', ['-q', '-F', '-t', 'ext4', ...options, place.path(name), '4M']);
    return fs.readFileSync(place.path(name));
  };
  plain = made('plain', '-b', '4096', '-O', '^metadata_csum');
  sealed = made('sealed', '-b', '1024', '-O', 'metadata_csum');
  for (const bits of [12, 16, 32] as const) {
    const shape: FatShape = {
      bits,
      mebibytes: bits === 12 ? 1 : 4,
      sectorSize: 512,
      perCluster: 1,
      copies: 2,
    };
    makeFat(place.path('fat'), shape, 'FAT');
    fat.set(bits, fs.readFileSync(place.path('fat')));
  }
  makeVolume(place.path('ntfs'), { size: 4 * MIB, cluster: 4096 });
  ntfs = fs.readFileSync(place.path('ntfs'));
});

/** A copy with a change. */
function changed(bytes: Uint8Array, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

const STATE = 1024 + 0x3a;
const INCOMPATIBLE = 1024 + 0x60;
const READ_ONLY_COMPATIBLE = 1024 + 0x64;

const withState = (state: number): Buffer => changed(plain, (copy) => copy.writeUInt16LE(state, STATE));

const withFeature = (field: number, bit: number): Buffer =>
  changed(plain, (copy) => copy.writeUInt32LE((copy.readUInt32LE(field) | bit) >>> 0, field));

const fatWith = (bits: 12 | 16 | 32, change: (copy: Buffer, table: number) => void): Buffer =>
  changed(fat.get(bits)!, (copy) => {
    change(copy, copy.readUInt16LE(14) * copy.readUInt16LE(11));
  });

function ntfsWith(change: (volume: PatchedVolume) => void): Buffer {
  const volume = new PatchedVolume(Uint8Array.from(ntfs));
  change(volume);
  return Buffer.from(volume.bytes);
}

/** A Windows that is hibernated, as its file says. */
function hibernated(): Buffer {
  const [image, file] = [place.path('hibernated'), place.path('hiberfil')];
  fs.writeFileSync(image, ntfs);
  fs.writeFileSync(file, Buffer.alloc(4096, 'HIBR'));
  must('ntfscp', [image, file, 'hiberfil.sys']);
  return fs.readFileSync(image);
}

function xfsWith(change: (device: PatchedDevice) => void, name = 'plain'): Buffer {
  const device = new PatchedDevice(readFixture(name).device);
  change(device);
  return Buffer.from(readBytes(device, 0, device.size));
}

const XFS_SUPERBLOCK = [0, 512, 224] as const;

/** An MBR with ext4, on a disk that once had a GPT, whose backup is still there. */
function staleBackup(): Buffer {
  const disk = Buffer.from(kept.disk('gpt').bytes());
  disk.fill(0, 0, 34 * 512);
  plain.copy(disk, MIB);
  writeMbr(disk, [[0x83, 2048, plain.length / 512]]);
  return disk;
}

type Case = [what: string, disk: () => Uint8Array, sentence: RegExp, source?: string];

const CASES: readonly Case[] = [
  [
    'ext that was not closed',
    () => withState(0),
    /: Not closed: start and shut down the guest, or run e2fsck$/,
  ],
  ['ext with errors', () => withState(3), /: The file system is marked as having errors: run e2fsck/],
  [
    'ext whose journal needs recovery',
    () => withFeature(INCOMPATIBLE, 4),
    /: The journal has not been replayed/,
  ],
  [
    'ext with an unknown incompatible feature',
    () => withFeature(INCOMPATIBLE, 0x8000_0000),
    /: The file system uses incompatible features that this reader does not know: /,
  ],
  [
    'ext with an unknown feature for writers',
    () => withFeature(READ_ONLY_COMPATIBLE, 0x4000_0000),
    /: The file system uses features that this reader does not know and that affect free space: /,
  ],
  [
    'ext whose superblock has a wrong checksum',
    () => changed(sealed, (copy) => copy.writeUInt32LE(0x12345678, 1024 + 0x3fc)),
    /wrong checksum|superblock is damaged/,
  ],
  [
    'ext with a bitmap that has a wrong checksum',
    () =>
      changed(sealed, (copy) => {
        const bitmap = copy.readUInt32LE(2 * 1024) * 1024;
        copy[bitmap + 120]! ^= 1;
      }),
    /: wrong checksum$/,
  ],
  [
    'FAT12 that its boot sector says is open',
    () => fatWith(12, (copy) => (copy[0x25]! |= 1)),
    /: Not closed: /,
  ],
  [
    'FAT16 that its boot sector says is open',
    () => fatWith(16, (copy) => (copy[0x25]! |= 1)),
    /: Not closed: /,
  ],
  [
    'FAT32 that its boot sector says is open',
    () => fatWith(32, (copy) => (copy[0x41]! |= 1)),
    /: Not closed: /,
  ],
  [
    'FAT16 that its table says is open',
    () => fatWith(16, (copy, table) => (copy[table + 3]! &= ~0x80)),
    /: Not closed: /,
  ],
  [
    'FAT16 that its table says had disk errors',
    () => fatWith(16, (copy, table) => (copy[table + 3]! &= ~0x40)),
    /: Marked as having had disk errors: /,
  ],
  [
    'FAT32 that its table says is open',
    () => fatWith(32, (copy, table) => (copy[table + 7]! &= ~0x08)),
    /: Not closed: /,
  ],
  [
    'FAT32 that its table says had disk errors',
    () => fatWith(32, (copy, table) => (copy[table + 7]! &= ~0x04)),
    /: Marked as having had disk errors: /,
  ],
  [
    'FAT12 whose tables differ',
    () => fatWith(12, (copy, table) => (copy[table + 30] = 0xff)),
    /: The copies of the file allocation table differ at offset /,
  ],
  [
    'exFAT that was not closed',
    () => changed(exfatFixture('exfat-512').whole(), (copy) => (copy[106]! |= 2)),
    /: Not closed: /,
  ],
  [
    'NTFS that is dirty',
    () =>
      ntfsWith((volume) => {
        volume.patchValue(3, 0x70, (view, at) => {
          view.setUint16(at + 10, 1, true);
        });
      }),
    /: The volume is marked dirty \(flags /,
  ],
  [
    'NTFS whose log is in use',
    () =>
      ntfsWith((volume) => {
        const page = restartPage({ clientInUse: 0 });
        for (const at of [0, 4096]) volume.bytes.set(page, volume.placeOf(2) + at);
      }),
    /: The volume was not closed: its log is in use\./,
  ],
  ['XFS whose log was not closed', () => xfsWith(() => undefined, 'unclean'), /: The log was not closed: /],
  [
    'XFS with an external log',
    () =>
      xfsWith((device) => {
        device.setU32(48, () => 0).setU32(52, () => 0);
        device.seal(...XFS_SUPERBLOCK);
      }),
    /: The log is on another device: /,
  ],
  [
    'XFS that needs repair',
    () =>
      xfsWith((device) => {
        device.setU32(216, (old) => old | 0x10).seal(...XFS_SUPERBLOCK);
      }),
    /: Marked as in need of repair: run xfs_repair/,
  ],
  [
    'XFS with a wrong checksum',
    () =>
      xfsWith((device) => {
        // A number of free blocks.
        device.setByte(512 + 55, (old) => old ^ 1);
      }),
    /: wrong checksum$/,
  ],
  [
    'ext on a disk with a hibernated Windows',
    () => mbrDisk([7, hibernated()], [0x83, plain]),
    /^qcow2: disk\.qcow2: 2: partition 1 holds a hibernated system \(hiberfil\.sys: HIBR\): /,
    '--guest-free=2',
  ],
  ...['S1SUSPEND', 'S2SUSPEND', 'ULSUSPEND', 'LINHIB0001'].map((mark): Case => [
    `ext beside a swap area with ${mark}`,
    () => mbrDisk([0x82, kept.disk(`swap-${mark}`).bytes()], [0x83, plain]),
    new RegExp(`partition 1 holds a hibernated system \\(${mark}\\): start the guest and shut it down`),
    '--guest-free=2',
  ]),
  [
    'a member of an md array',
    () => kept.disk('ext4-in-md-1.0').bytes(),
    /is a member of a RAID or pool|has more than one signature \(.*RAID/,
  ],
  [
    'a file system with a second signature',
    () => changed(plain, (copy) => copy.write('SWAPSPACE2', 4086, 'latin1')),
    /has more than one signature \(.*swap.*\): remove the stale one with wipefs/,
  ],
  [
    'a file system larger than its partition',
    () =>
      changed(mbrDisk([0x83, plain]), (copy) => {
        writeMbr(copy, [[0x83, 2048, plain.length / 512 - 64]]);
      }),
    /The file system has 4194304 bytes, its device (?:only|has) 4161536/i,
  ],
  [
    'a dynamic disk',
    () => changed(mbrDisk([0x83, plain], [0x42, plain]), () => undefined),
    /is of type .*dynamic disk\)/,
  ],
  [
    'a disk with a stale backup GPT',
    staleBackup,
    /: A GPT at offset 0x[0-9a-f]+ does not belong to the partition table/,
  ],
  ['Btrfs', () => kept.disk('btrfs').bytes(), /: .*Btrfs cannot be looked into yet$/],
  ['LUKS', () => kept.disk('luks2').bytes(), /: .*LUKS.* cannot be looked into yet$/],
];

describe('shrink --guest-free of', () => {
  test.each(CASES)('%s is refused', async (_, disk, sentence, source = '--guest-free') => {
    fs.writeFileSync(place.path('disk.raw'), disk());
    mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], { cwd: place.folder });
    const before = fs.readFileSync(place.path('disk.qcow2'));
    const { status, stdout, stderr } = await command(place.folder, 'shrink', source, 'disk.qcow2');
    expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
    expect(stderr.trimEnd()).toMatch(sentence);
    expect(stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]*\n$/);
    expect(fs.readFileSync(place.path('disk.qcow2')).equals(before)).toBe(true);
  });

  test('extents is refused where volumes are snapshots or thin, and their file systems are not looked into', async () => {
    fs.writeFileSync(place.path('disk.raw'), kept.disk('lvm-others').bytes());
    mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], { cwd: place.folder });
    const before = fs.readFileSync(place.path('disk.qcow2'));
    const { stderr } = await command(place.folder, 'shrink', '--guest-free', 'disk.qcow2');
    expect(stderr).toMatch(/has volumes that are not linear or striped \(.*\): its extents are left alone/);
    const { stdout } = await command(place.folder, 'df', 'disk.qcow2');
    expect(String(stdout)).toMatch(/volumes of type thin cannot be read yet/);
    expect(String(stdout)).toMatch(/volumes of type snapshot cannot be read yet/);
    expect(fs.readFileSync(place.path('disk.qcow2')).equals(before)).toBe(true);
  });
});
