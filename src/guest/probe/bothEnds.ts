/** Marks that stand at the end of a device, or at both ends: members of RAIDs and pools. */
import { type BlockDevice, readBytes } from '../blockDevice';
import { Fields } from '../fields';
import type { FoundSignature } from './signature';

const SECTOR = 512;

const MD_MAGIC = 0xa92b4efc;
const MD_RESERVED = 65_536;
/** Bytes of a superblock that are looked at. */
const MD_BYTES = 256;

/** Linux RAID: include/uapi/linux/raid/md_p.h. Versions differ in where the superblock is. */
export function mdraid(device: BlockDevice): FoundSignature | undefined {
  const sectors = Math.floor(device.size / SECTOR);
  const version1 = [
    { version: '1.1', offset: 0 },
    { version: '1.2', offset: 4096 },
    { version: '1.0', offset: Math.floor((sectors - 16) / 8) * 8 * SECTOR },
  ];
  for (const { version, offset } of version1) {
    const block = fieldsAt(device, offset, MD_BYTES);
    if (block === undefined || block.u32(0) !== MD_MAGIC || block.u32(4) !== 1) continue;
    // A superblock of version 1 says where it is: one of a partition is not taken for the whole disk's.
    if (block.u64(144) * SECTOR !== offset) continue;
    return {
      kind: 'mdraid',
      name: `Linux RAID member (${version})`,
      offset,
      label: block.utf8(32, 32),
      uuid: block.uuid(16),
    };
  }
  const offset = Math.floor(device.size / MD_RESERVED) * MD_RESERVED - MD_RESERVED;
  const block = fieldsAt(device, offset, MD_BYTES);
  const isLittle = block?.u32(0) === MD_MAGIC;
  if (block === undefined || !(isLittle || block.u32(0, false) === MD_MAGIC)) return undefined;
  const words = [5, 13, 14, 15].map((word) =>
    block
      .u32(word * 4, isLittle)
      .toString(16)
      .padStart(8, '0'),
  );
  return {
    kind: 'mdraid',
    name: 'Linux RAID member (0.90)',
    offset,
    uuid: words.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  };
}

const ZFS_LABEL = 256 * 1024;
const ZFS_PAIRS_AT = 16 * 1024;
const ZFS_UBERBLOCKS_AT = 128 * 1024;
const ZFS_UBERBLOCK = 1024;
const ZFS_MAGIC = 0x00bab10c;
/** Bytes of the list of names and values that are looked through; the whole has up to 112 KiB. */
const ZFS_PAIRS_BYTES = 4096;
/** The first pair in the list: after two headers and the length of its name. */
const ZFS_FIRST_NAME = 24;

/** ZFS: two labels at each end, each with names and values (XDR) and a ring of 128 uberblocks. */
export function zfs(device: BlockDevice): FoundSignature | undefined {
  const end = Math.floor(device.size / ZFS_LABEL) * ZFS_LABEL;
  if (end < 4 * ZFS_LABEL) return undefined;
  for (const offset of [0, ZFS_LABEL, end - 2 * ZFS_LABEL, end - ZFS_LABEL]) {
    const first = fieldsAt(device, offset + ZFS_PAIRS_AT + ZFS_FIRST_NAME, 8);
    if (first?.is(0, 'version') !== true || !hasUberblock(device, offset + ZFS_UBERBLOCKS_AT)) continue;
    const pairs = fieldsAt(device, offset + ZFS_PAIRS_AT, ZFS_PAIRS_BYTES);
    return {
      kind: 'zfs',
      name: 'ZFS',
      offset: offset + ZFS_PAIRS_AT,
      label: pairs && zfsText(pairs, 'name'),
      uuid: pairs && zfsNumber(pairs, 'pool_guid'),
    };
  }
  return undefined;
}

/** wipefs removes the marks of uberblocks, and leaves the rest. */
function hasUberblock(device: BlockDevice, offset: number): boolean {
  const ring = fieldsAt(device, offset, ZFS_LABEL - ZFS_UBERBLOCKS_AT);
  for (let at = 0; ring !== undefined && at < ring.length; at += ZFS_UBERBLOCK)
    if (isUberblock(ring, at)) return true;
  return false;
}

const isUberblock = (ring: Fields, at: number): boolean =>
  [true, false].some(
    (isLittle) =>
      ring.u32(at + (isLittle ? 0 : 4), isLittle) === ZFS_MAGIC && ring.u32(at + (isLittle ? 4 : 0)) === 0,
  );

/** Where the value of a pair begins: name, type, count of values, value, each in units of 4 bytes. */
function zfsValueAt(pairs: Fields, name: string): number | undefined {
  for (let at = 12; at + 12 < pairs.length;) {
    const size = pairs.u32(at, false);
    const length = pairs.u32(at + 8, false);
    if (size < 20 || length > size) return undefined;
    if (length === name.length && pairs.is(at + 12, name)) return at + 12 + Math.ceil(length / 4) * 4 + 8;
    at += size;
  }
  return undefined;
}

function zfsText(pairs: Fields, name: string): string {
  const at = zfsValueAt(pairs, name);
  return at === undefined ? '' : pairs.utf8(at + 4, Math.min(256, pairs.u32(at, false)));
}

/** As `blkid` prints the UUID of a pool: a decimal number. */
function zfsNumber(pairs: Fields, name: string): string | undefined {
  const at = zfsValueAt(pairs, name);
  return at === undefined ? undefined : BigInt(`0x${pairs.hex(at, 8) || '0'}`).toString();
}

const DDF_MAGIC = 0xde11de11;
const IMSM_MARK = 'Intel Raid ISM Cfg Sig. ';

/** What mainboards' RAIDs leave at the end of a disk: DDF in the last sector, Intel's in the last but one. */
export function biosRaid(device: BlockDevice): FoundSignature | undefined {
  const sectors = Math.floor(device.size / SECTOR);
  const ddf = fieldsAt(device, (sectors - 1) * SECTOR, 4);
  if (ddf !== undefined && (ddf.u32(0) === DDF_MAGIC || ddf.u32(0, false) === DDF_MAGIC))
    return { kind: 'biosRaid', name: 'BIOS RAID member (DDF)', offset: (sectors - 1) * SECTOR };
  if (fieldsAt(device, (sectors - 2) * SECTOR, IMSM_MARK.length)?.is(0, IMSM_MARK) === true)
    return { kind: 'biosRaid', name: 'BIOS RAID member (Intel)', offset: (sectors - 2) * SECTOR };
  return undefined;
}

/** @returns undefined where that is not wholly on the device */
function fieldsAt(device: BlockDevice, offset: number, length: number): Fields | undefined {
  if (offset < 0 || offset + length > device.size) return undefined;
  return new Fields(readBytes(device, offset, length));
}
