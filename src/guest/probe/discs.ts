/** Marks of optical discs' file systems: volume descriptors of ISO 9660 and UDF (ECMA-119, ECMA-167). */
import { type BlockDevice, readBytes } from '../blockDevice';
import { Fields } from '../fields';
import type { FoundSignature } from './signature';

type Test = (head: Fields, device: BlockDevice) => FoundSignature | undefined;

const DESCRIPTORS_AT = 32_768;
const PRIMARY = 1;

function iso9660(head: Fields): FoundSignature | undefined {
  if (!head.is(DESCRIPTORS_AT + 1, 'CD001')) return undefined;
  const isPrimary = head.u8(DESCRIPTORS_AT) === PRIMARY;
  return {
    kind: 'iso9660',
    name: 'ISO 9660',
    offset: DESCRIPTORS_AT + 1,
    ...(isPrimary
      ? {
          label: head.latin1(DESCRIPTORS_AT + 40, 32),
          uuid: dateOf(head, DESCRIPTORS_AT + 830) ?? dateOf(head, DESCRIPTORS_AT + 813),
          size: head.u32(DESCRIPTORS_AT + 80) * head.u16(DESCRIPTORS_AT + 128),
        }
      : {}),
  };
}

/** The date of the last change, else of the making, is what `blkid` shows as the UUID of a disc. */
function dateOf(head: Fields, at: number): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(head.latin1(at, 16));
  return parts === null || /^0*$/.test(parts[0]) ? undefined : parts.slice(1).join('-');
}

/** Descriptors of the volume recognition sequence are 2 KiB apart, with larger sectors one in each. */
const STEPS = [2048, 4096];
const MOST_DESCRIPTORS = 8;
const ANCHOR_SECTOR = 256;
const ANCHOR_TAG = 2;
const LOGICAL_VOLUME_TAG = 6;
/** Sectors of the volume descriptor sequence that are looked through. */
const MOST_SECTORS = 64;

function udf(head: Fields, device: BlockDevice): FoundSignature | undefined {
  const offset = STEPS.flatMap((step) =>
    Array.from({ length: MOST_DESCRIPTORS }, (_, index) => DESCRIPTORS_AT + index * step),
  ).find((at) => head.is(at + 1, 'NSR02') || head.is(at + 1, 'NSR03'));
  if (offset === undefined) return undefined;
  return { kind: 'udf', name: 'UDF', offset, label: labelOf(device) };
}

/** The name of the logical volume; empty where it is not where it usually is. */
function labelOf(device: BlockDevice): string {
  for (const sectorSize of [2048, 512, 4096]) {
    const at = ANCHOR_SECTOR * sectorSize;
    if (at + 32 > device.size) continue;
    const anchor = new Fields(readBytes(device, at, 32));
    if (anchor.u16(0) !== ANCHOR_TAG || anchor.u32(12) !== ANCHOR_SECTOR) continue;
    const count = Math.min(MOST_SECTORS, Math.floor(anchor.u32(16) / sectorSize));
    const first = anchor.u32(20);
    for (let sector = first; sector < first + count; sector++) {
      if ((sector + 1) * sectorSize > device.size) break;
      const descriptor = new Fields(readBytes(device, sector * sectorSize, 512));
      if (descriptor.u16(0) === LOGICAL_VOLUME_TAG) return compressedUnicode(descriptor, 84, 128);
    }
  }
  return '';
}

/** A `dstring` (UDF 2.1.3): 8 or 16 bits a character, the length in the last byte. */
function compressedUnicode(fields: Fields, at: number, room: number): string {
  const length = Math.min(room - 1, fields.u8(at + room - 1));
  const wide = fields.u8(at) === 16;
  let text = '';
  for (let place = at + 1; place < at + length; place += wide ? 2 : 1)
    text += String.fromCharCode(wide ? fields.u16(place, false) : fields.u8(place));
  return text;
}

export const DISC_TESTS: readonly Test[] = [iso9660, udf];
