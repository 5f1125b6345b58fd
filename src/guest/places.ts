/** Where the bytes of a device lie on the disk: through partitions, and through the segments of logical volumes. */
import { type BlockDevice, Part } from './blockDevice';
import type { DiskPart, GuestDisk } from './disk';
import type { FileId, FileSystem } from './fileSystem';
import { OtherSectors } from './partitions/readPartitions';
import { covered, Ranges } from './ranges';
import { MappedDevice } from './volumes/mappedDevice';

/** Tells where a range of a part of the disk lies on the disk, in no order. */
export function forEachPlace(
  disk: BlockDevice,
  device: BlockDevice,
  start: number,
  end: number,
  visit: (start: number, end: number) => void,
): void {
  if (device === disk) visit(start, end);
  else if (device instanceof Part)
    forEachPlace(disk, device.whole, device.start + start, device.start + end, visit);
  else if (device instanceof OtherSectors) forEachPlace(disk, device.disk, start, end, visit);
  else if (device instanceof MappedDevice)
    device.forEachPlace(start, end, (stripe, from, to) => {
      forEachPlace(disk, stripe.device, stripe.start + from, stripe.start + to, visit);
    });
}

/**
 * Where the first bytes of a part lie on the disk; empty for a part that cannot be read.
 * @param size bytes; more than the part has counts as all of it
 * @returns ascending, not touching each other
 */
export function placesOf({ device: disk }: GuestDisk, { device }: DiskPart, size = Infinity): Ranges {
  const places = new Ranges();
  if (device !== undefined)
    forEachPlace(disk, device, 0, Math.min(size, device.size), (start, end) => {
      places.add(start, end);
    });
  return covered([places]);
}

/**
 * Tells where the contents of a file or folder lie on the disk, in the order of the contents. What its file system says of
 * places that its device does not have is left out.
 * @throws GuestError where the file cannot be read
 */
export function forEachFilePlace(
  disk: GuestDisk,
  { device }: DiskPart,
  system: FileSystem,
  file: FileId,
  visit: (start: number, end: number) => void,
): void {
  if (device === undefined) return;
  for (const { place, length } of system.extents(file)) {
    if (place === undefined || place >= device.size) continue;
    forEachPlace(disk.device, device, place, Math.min(place + length, device.size), visit);
  }
}
