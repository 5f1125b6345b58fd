/**
 * An LVM2 physical volume as its own start describes it: label, header, metadata areas (lib/format_text/layout.h), and the
 * text of the volume group in the ring of each area.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { updateCrc32 } from '../crc32';
import { GuestError, type GuestProblem } from '../errors';
import { Fields } from '../fields';
import { covered, Ranges } from '../ranges';
import type { TextLimits } from './configText';

const SECTOR = 512;
const LABEL_SECTORS = 4;
/** All checksums of LVM2 begin with this, and are not inverted at the end. */
const INITIAL_CHECKSUM = 0xf597a6cf;
const AREA_MAGIC = ' LVM2 x[5A%r0N*>';
const AREA_HEADER = 512;
const LOCATION_IGNORED = 1;
const MOST_AREAS = 16;

export interface PhysicalVolume {
  /** 32 characters, without hyphens. */
  readonly id: string;
  readonly device: BlockDevice;
  /** Label and metadata areas, as far as they are on the device. Ascending. */
  readonly places: Ranges;
  /** Texts with the right checksum, one for each metadata area that has one. */
  readonly texts: readonly string[];
  /** What is wrong with areas that could not be used. */
  readonly problems: readonly GuestProblem[];
}

interface Area {
  readonly offset: number;
  readonly size: number;
}

/** @returns undefined where the device is not a physical volume */
export function readPhysicalVolume(device: BlockDevice, limits: TextLimits): PhysicalVolume | undefined {
  const head = new Fields(readBytes(device, 0, Math.min(device.size, LABEL_SECTORS * SECTOR), 'LVM2 label'));
  for (let labelAt = 0; labelAt < head.length; labelAt += SECTOR) {
    const isLabel =
      head.is(labelAt, 'LABELONE') &&
      head.is(labelAt + 24, 'LVM2 001') &&
      head.u64(labelAt + 8) === labelAt / SECTOR &&
      head.u32(labelAt + 16) === checksum(head.part(labelAt + 20, SECTOR - 20));
    if (isLabel) return labelled(device, new Fields(head.part(labelAt, SECTOR)), labelAt, limits);
  }
  return undefined;
}

const checksum = (bytes: Uint8Array): number => updateCrc32(INITIAL_CHECKSUM, bytes);

function labelled(device: BlockDevice, label: Fields, labelAt: number, limits: TextLimits): PhysicalVolume {
  const texts: string[] = [];
  const problems: GuestProblem[] = [];
  const header = label.u32(20);
  const areas = metadataAreas(label, header);
  for (const area of areas) {
    try {
      const text = textOfArea(device, area, limits);
      if (text !== undefined) texts.push(text);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      problems.push(error.problem);
    }
  }
  const places = Ranges.of(
    [labelAt, labelAt + SECTOR],
    ...areas.map(({ offset, size }) => [offset, Math.min(offset + size, device.size)] as const),
  );
  return { id: label.latin1(header, 32), device, places: covered([places]), texts, problems };
}

/** Two lists of places, each ended by an empty one: data areas first, metadata areas then. */
function metadataAreas(label: Fields, header: number): Area[] {
  const areas: Area[] = [];
  let lists = 0;
  for (let at = header + 40; at + 16 <= label.length && lists < 2 && areas.length < MOST_AREAS; at += 16) {
    const area = { offset: label.u64(at), size: label.u64(at + 8) };
    if (area.offset === 0) lists++;
    else if (lists === 1) areas.push(area);
  }
  return areas;
}

/** @returns undefined where the area holds no text: it is new, or told to be ignored */
function textOfArea(device: BlockDevice, area: Area, limits: TextLimits): string | undefined {
  const what = 'LVM2 metadata area';
  const header = new Fields(readBytes(device, area.offset, AREA_HEADER, what));
  if (!header.is(4, AREA_MAGIC) || header.u32(0) !== checksum(header.part(4, AREA_HEADER - 4)))
    throw new GuestError('guest.checksum', { what, offset: area.offset });
  // Of two places in the ring the first one is the text in force, the second one of a change that was not completed.
  const offset = header.u64(40);
  const length = header.u64(48);
  if (offset === 0 || (header.u32(60) & LOCATION_IGNORED) !== 0) return undefined;
  const size = Math.min(header.u64(32), area.size);
  if (length === 0 || length > size - AREA_HEADER || offset < AREA_HEADER || offset >= size)
    throw new GuestError('guest.value', {
      what,
      offset: area.offset,
      value: `${offset}, ${length}`,
      limit: size,
    });
  if (length > limits.bytes)
    throw new GuestError('guest.tooMany', { what: 'LVM2 metadata', value: length, limit: limits.bytes });
  limits.bytes -= length;
  const first = Math.min(length, size - offset);
  const bytes = new Uint8Array(length);
  bytes.set(readBytes(device, area.offset + offset, first, what));
  // The ring continues after the header.
  if (first < length) bytes.set(readBytes(device, area.offset + AREA_HEADER, length - first, what), first);
  if (checksum(bytes) !== header.u32(56))
    throw new GuestError('guest.checksum', { what: 'LVM2 metadata', offset: area.offset + offset });
  return new Fields(bytes).utf8(0, length);
}
