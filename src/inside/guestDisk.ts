/** The disk of an image, looked into: its device, and the way from a path to a file. */
import { type BlockDevice, expectOnDevice } from '../guest/blockDevice';
import type { DiskPart, GuestDisk } from '../guest/disk';
import { GuestError, isGuestError } from '../guest/errors';
import type { FileId, FileSystem } from '../guest/fileSystem';
import type { DeviceOffset } from '../guest/units';
import type { Layers } from '../qcow2/image/layer';
import { readGuest } from '../qcow2/image/read';
import { guestOffset } from '../qcow2/units';
import { guestCode } from './guestCode';
import { listed } from '../text/printable';

/** What a guest sees through a backing chain. */
class ChainDevice implements BlockDevice {
  readonly sectorSize = 512;

  constructor(readonly layers: Layers) {}

  get size(): number {
    return this.layers[0].size;
  }

  /** @throws EngineError as `readGuest` */
  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    readGuest(this.layers, target, guestOffset(offset));
  }
}

/** @throws EngineError where the image cannot be read; what is wrong with the disk is told in it */
export function openGuestDisk(layers: Layers): GuestDisk {
  const { openDisk, READERS } = guestCode();
  return openDisk(new ChainDevice(layers), READERS);
}

export interface GuestFile {
  readonly part: DiskPart;
  readonly system: FileSystem;
  readonly id: FileId;
  /** From the root of the file system, as it was asked for. */
  readonly path: string;
  /** The same without links. */
  readonly realPath: string;
}

/** The place of a file as `fileAt` takes it. */
export const placeText = ({ part, path }: GuestFile): string => {
  const whole = path.startsWith('/') ? path : `/${path}`;
  return part.path === '' ? whole : `${part.path}:${whole}`;
};

/**
 * @param place `1:/etc/fstab`, `vg0/root:/etc/fstab`, or a path alone where only one file system has it
 * @param followsLast as `resolve`
 * @throws GuestError
 */
export function fileAt(
  disk: GuestDisk,
  place: string,
  options: { readonly followsLast?: boolean } = {},
): GuestFile {
  const colon = place.startsWith('/') ? -1 : place.indexOf(':');
  if (colon >= 0) {
    const part = partAt(disk, place.slice(0, colon));
    return fileIn(part, place.slice(colon + 1), options);
  }
  const parts = disk.parts.filter(({ system }) => system !== undefined);
  const [first, ...others] = parts;
  if (first === undefined) throw new GuestError('guest.noFileSystem', { limit: partsOf(disk) });
  if (others.length === 0) return fileIn(first, place, options);
  const found = parts.flatMap((part) => triedFile(part, place, options) ?? []);
  const [only, second] = found;
  if (only === undefined) throw new GuestError('guest.noFile', { value: place });
  if (second === undefined) return only;
  throw new GuestError('guest.ambiguous', {
    value: place,
    limit: listed(found.map(({ part }) => part.path)),
  });
}

/** @param path what paths of its files begin with @throws GuestError */
export function partAt(disk: GuestDisk, path: string): DiskPart {
  const part = disk.parts.find((each) => each.path === path);
  if (part === undefined) throw new GuestError('guest.noPart', { value: path, limit: partsOf(disk) });
  return part;
}

const partsOf = ({ parts }: GuestDisk): string =>
  listed(parts.map(({ path }) => path).filter((path) => path !== ''));

function fileIn(part: DiskPart, path: string, options: { readonly followsLast?: boolean }): GuestFile {
  const system = systemOf(part);
  const { id, path: realPath } = guestCode().resolve(system, path, options);
  return { part, system, path, realPath, id };
}

/** @throws GuestError where it has no file system that can be read */
export function systemOf({ system, problem }: DiskPart): FileSystem {
  if (system !== undefined) return system;
  throw new GuestError(problem?.code ?? 'guest.noFileSystem', problem);
}

function triedFile(
  part: DiskPart,
  path: string,
  options: { readonly followsLast?: boolean },
): GuestFile | undefined {
  try {
    return fileIn(part, path, options);
  } catch (error) {
    if (isGuestError(error)) return undefined;
    throw error;
  }
}
