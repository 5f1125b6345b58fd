/** Signatures, judged by wipefs (libblkid). */
import { describe, expect, test } from 'vitest';
import { SIGNATURE_KINDS, signaturesOf } from '../../../../src/guest/probe';
import { SparseDevice } from '../../../support/guest/sparse';
import { volDisks } from '../../../support/guest/volDisks';

const kept = volDisks();

/** The kinds as libblkid names them. */
const BLKID_TYPES: Readonly<Record<string, string>> = {
  ext2: 'ext2',
  ext3: 'ext3',
  ext4: 'ext4',
  'ext external journal': 'jbd',
  FAT12: 'vfat',
  FAT16: 'vfat',
  FAT32: 'vfat',
  exFAT: 'exfat',
  NTFS: 'ntfs',
  XFS: 'xfs',
  'Linux swap': 'swap',
  'Linux swap (hibernated)': 'swsuspend',
  Btrfs: 'btrfs',
  F2FS: 'f2fs',
  LUKS1: 'crypto_LUKS',
  LUKS2: 'crypto_LUKS',
  UDF: 'udf',
  'ISO 9660': 'iso9660',
  SquashFS: 'squashfs',
  EROFS: 'erofs',
  ZFS: 'zfs_member',
  APFS: 'apfs',
  'HFS+': 'hfsplus',
  BitLocker: 'BitLocker',
  'BIOS RAID member (Intel)': 'isw_raid_member',
  'Linux RAID member (0.90)': 'linux_raid_member',
  'Linux RAID member (1.0)': 'linux_raid_member',
  'Linux RAID member (1.1)': 'linux_raid_member',
  'Linux RAID member (1.2)': 'linux_raid_member',
};
/** UUIDs that libblkid computes from what is not in the header, and labels that it finds elsewhere. */
const NO_UUID = new Set(['udf', 'hfsplus']);
const NO_LABEL = new Set(['ntfs', 'exfat']);

describe('a signature', () => {
  const judged = Object.entries(kept.judged).flatMap(([name, { wipefs }]) =>
    wipefs ? [{ name, wipefs }] : [],
  );

  test.each(judged)('of $name is told as wipefs tells it', ({ name, wipefs }) => {
    // libblkid does not tell an MBR from a boot sector, knows no bcachefs yet, and checks the checksum of a label of LVM2.
    const found = signaturesOf(kept.disk(name)).filter(({ kind }) => kind !== 'bcachefs' && kind !== 'lvm');
    const theirs = new Map(wipefs.filter(({ type }) => type !== 'dos').map((one) => [one.type, one]));
    expect(found.map((one) => BLKID_TYPES[one.name]).sort()).toEqual([...theirs.keys()].sort());
    for (const { name: own, label, uuid } of found) {
      const their = theirs.get(BLKID_TYPES[own]!)!;
      if (!NO_LABEL.has(their.type)) expect(label).toBe(their.label ?? '');
      if (!NO_UUID.has(their.type)) expect(uuid ?? null).toBe(their.uuid);
    }
  });

  test('tells the size where the header does', () => {
    const sizeOf = (name: string): number | undefined => signaturesOf(kept.disk(name))[0]?.size;
    const MiB = 1024 * 1024;
    for (const [name, size] of Object.entries({
      ext2: 8 * MiB,
      ext4: 8 * MiB,
      fat12: 2 * MiB,
      fat16: 32 * MiB,
      fat32: 64 * MiB,
      exfat: 8 * MiB,
      ntfs: 8 * MiB - 512,
      xfs: 300 * MiB,
      swap: 8 * MiB,
      'swap-64k': 8 * MiB,
      btrfs: 128 * MiB,
      apfs: 8 * MiB,
      hfsplus: 8 * MiB,
    }))
      expect([name, sizeOf(name)]).toEqual([name, size]);
    expect(sizeOf('iso9660')).toBeLessThanOrEqual(kept.disk('iso9660').size);
    expect(sizeOf('f2fs')).toBeLessThanOrEqual(64 * MiB);
    expect(sizeOf('squashfs')).toBeLessThanOrEqual(kept.disk('squashfs').size);
    expect(sizeOf('erofs')).toBeLessThanOrEqual(kept.disk('erofs').size);
  });

  test('of a hibernated system tells its mark', () => {
    for (const mark of ['S1SUSPEND', 'S2SUSPEND', 'ULSUSPEND', 'LINHIB0001'])
      expect(signaturesOf(kept.disk(`swap-${mark}`))[0]?.hibernation).toBe(mark);
    expect(signaturesOf(kept.disk('swap'))[0]?.hibernation).toBeUndefined();
  });

  test('is told beside others: nothing is chosen', () => {
    const kinds = (name: string): string[] => signaturesOf(kept.disk(name)).map(({ kind }) => kind);
    expect(kinds('ext4-in-md-1.0')).toEqual(['ext', 'mdraid']);
    expect(kinds('swap-over-lvm')).toEqual(['swap', 'lvm']);
    expect(kinds('bcachefs')).toEqual(['bcachefs']);
  });

  test('is looked for on devices of any size, however small', () => {
    for (const size of [0, 1, 511, 512, 513, 4096, 65_536, 1024 * 1024 + 1, 8 * 2 ** 40])
      expect(signaturesOf(new SparseDevice(size))).toEqual([]);
    for (const name of kept.names)
      for (const size of [100, 1030, 4096, 70_000]) signaturesOf(kept.disk(name).copy(size));
  });

  test('is found with a few hundred KiB read of a device of terabytes', () => {
    const device = new SparseDevice(8 * 2 ** 40);
    signaturesOf(device);
    expect(device.bytesRead).toBeLessThan(1024 * 1024);
  });

  test('says of each kind whether it can be looked into', () => {
    const readable = Object.entries(SIGNATURE_KINDS).filter(([, { hasReader }]) => hasReader);
    expect(readable.map(([kind]) => kind)).toEqual(['ext', 'fat', 'exfat', 'ntfs', 'xfs']);
  });
});
