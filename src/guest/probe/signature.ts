/** What can be found on a device: file systems, and what lies between file systems and disks. */
import type { DeviceOffset } from '../units';

interface KindText {
  /** In words. */
  readonly name: string;
  /** Whether there is a reader for it; the others cannot be looked into yet. */
  readonly hasReader: boolean;
}

const named = (name: string): KindText => ({ name, hasReader: false });

export const SIGNATURE_KINDS = {
  ext: { name: 'ext2, ext3 or ext4', hasReader: true },
  fat: { name: 'FAT', hasReader: true },
  exfat: { name: 'exFAT', hasReader: true },
  ntfs: { name: 'NTFS', hasReader: true },
  xfs: { name: 'XFS', hasReader: true },
  lvm: named('LVM2 physical volume'),
  swap: named('Linux swap'),
  jbd: named('ext external journal'),
  btrfs: named('Btrfs'),
  zfs: named('ZFS'),
  luks: named('LUKS'),
  bitlocker: named('BitLocker'),
  mdraid: named('Linux RAID member'),
  biosRaid: named('BIOS RAID member'),
  iso9660: named('ISO 9660'),
  udf: named('UDF'),
  squashfs: named('SquashFS'),
  erofs: named('EROFS'),
  f2fs: named('F2FS'),
  bcachefs: named('bcachefs'),
  bcache: named('bcache'),
  apfs: named('APFS'),
  hfs: named('HFS'),
  hfsplus: named('HFS+'),
  refs: named('ReFS'),
} as const satisfies Readonly<Record<string, KindText>>;

export type SignatureKind = keyof typeof SIGNATURE_KINDS;

export interface Signature {
  readonly kind: SignatureKind;
  /** More exact than the kind's: `ext4`, `LUKS2`, `Linux RAID member (1.2)`. */
  readonly name: string;
  /** Of the mark that gives it away, in bytes from the start of the device. */
  readonly offset: DeviceOffset;
  /** Empty where there is none, or where only a reader can tell. */
  readonly label: string;
  /** As `blkid` prints it; undefined where there is none, or where only a reader can tell. */
  readonly uuid: string | undefined;
  /** Bytes that it says it has; undefined where the header does not say. */
  readonly size: number | undefined;
  /** The mark of a hibernated system, in place of the usual one of a swap area. */
  readonly hibernation?: string;
}

/** A signature as a test for one kind tells it. */
export interface FoundSignature {
  readonly kind: SignatureKind;
  readonly name: string;
  readonly offset: number;
  readonly label?: string | undefined;
  readonly uuid?: string | undefined;
  readonly size?: number;
  readonly hibernation?: string;
}
