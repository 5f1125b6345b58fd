/**
 * File systems whose first sector is a boot sector of Microsoft's: FAT, exFAT, NTFS, ReFS, BitLocker. The same bytes may be a
 * Master Boot Record, which is why a FAT needs a plausible parameter block: the last of these has no name of its own.
 */
import { type Fields, isPowerOfTwo } from '../fields';
import type { FoundSignature } from './signature';

const SIGNATURE_AT = 510;
const SIGNATURE = 0xaa55;
/** `EFI/BitLocker` on removable disks (BitLocker To Go) keeps a FAT's parameter block in front. */
const TO_GO_AT = 424;
const TO_GO_GUID = '4967d63b-2e29-4ad8-8399-f6a339e3d001';

/** Clusters below which a FAT has 12 bits, and below which 16 (Microsoft's FAT specification 3.5). */
const FAT12_CLUSTERS = 4085;
const FAT16_CLUSTERS = 65_525;

/** What the first sector of a device says. */
export function bootSectorSignature(sector: Fields): FoundSignature | undefined {
  if (sector.is(3, '-FVE-FS-') || sector.guid(TO_GO_AT) === TO_GO_GUID)
    return { kind: 'bitlocker', name: 'BitLocker', offset: 3 };
  if (sector.is(3, 'NTFS    ')) return ntfs(sector);
  if (sector.is(3, 'EXFAT   ')) return exfat(sector);
  if (sector.is(3, 'ReFS\0\0\0\0')) return { kind: 'refs', name: 'ReFS', offset: 3 };
  return fat(sector);
}

function ntfs(sector: Fields): FoundSignature | undefined {
  const sectorSize = sector.u16(11);
  // Fields of a FAT that an NTFS leaves empty.
  const unused = sector.u16(14) | sector.u8(16) | sector.u16(17) | sector.u16(19) | sector.u16(22);
  if (!isPowerOfTwo(sectorSize, 256, 4096) || unused !== 0) return undefined;
  const serial = Array.from(sector.part(72, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return {
    kind: 'ntfs',
    name: 'NTFS',
    offset: 3,
    uuid: serial.reverse().join('').toUpperCase(),
    // The last sector holds a copy of the first one and is not counted.
    size: sector.u64(40) * sectorSize,
  };
}

function exfat(sector: Fields): FoundSignature | undefined {
  const shift = sector.u8(108);
  if (shift < 9 || shift > 12) return undefined;
  return {
    kind: 'exfat',
    name: 'exFAT',
    offset: 3,
    uuid: serialNumber(sector, 100),
    size: sector.u64(72) * 2 ** shift,
  };
}

/** Linux, too, believes in a FAT by its parameter block (fs/fat/inode.c). */
function fat(sector: Fields): FoundSignature | undefined {
  const sectorSize = sector.u16(11);
  const clusterSectors = sector.u8(13);
  const reserved = sector.u16(14);
  const fats = sector.u8(16);
  const media = sector.u8(21);
  const isBlock =
    isPowerOfTwo(sectorSize, 512, 4096) &&
    isPowerOfTwo(clusterSectors, 1, 128) &&
    reserved > 0 &&
    fats >= 1 &&
    fats <= 4 &&
    (media === 0xf0 || media >= 0xf8);
  if (!isBlock || !isMarkedAsFat(sector)) return undefined;
  const sectors = sector.u16(19) || sector.u32(32);
  const rootEntries = sector.u16(17);
  const fatSectors = sector.u16(22) || sector.u32(36);
  const rootSectors = Math.ceil((rootEntries * 32) / sectorSize);
  const clusters = Math.floor((sectors - reserved - fats * fatSectors - rootSectors) / clusterSectors);
  if (fatSectors === 0 || clusters < 1) return undefined;
  const is32 = sector.u16(22) === 0;
  const name = is32
    ? 'FAT32'
    : clusters < FAT12_CLUSTERS
      ? 'FAT12'
      : clusters < FAT16_CLUSTERS
        ? 'FAT16'
        : undefined;
  if (name === undefined) return undefined;
  const at = is32 ? 64 : 36;
  const hasLabel = sector.u8(at + 2) === 0x29;
  const label = hasLabel ? sector.latin1(at + 7, 11) : '';
  return {
    kind: 'fat',
    name,
    offset: 0,
    label: label === 'NO NAME' ? '' : label,
    uuid: hasLabel || sector.u8(at + 2) === 0x28 ? serialNumber(sector, at + 3) : undefined,
    size: sectors * sectorSize,
  };
}

/** A jump and the signature of a boot sector, or the name that formatting leaves. */
function isMarkedAsFat(sector: Fields): boolean {
  const jumps = sector.u8(0) === 0xe9 || (sector.u8(0) === 0xeb && sector.u8(2) === 0x90);
  return (
    (jumps && sector.u16(SIGNATURE_AT) === SIGNATURE) || sector.is(54, 'FAT1') || sector.is(82, 'FAT32   ')
  );
}

/** `1234-ABCD`. */
function serialNumber(sector: Fields, at: number): string {
  const digits = sector.u32(at).toString(16).padStart(8, '0').toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}
