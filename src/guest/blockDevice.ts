/** Devices: what a disk, a partition and a logical volume have in common. */
import { GuestError } from './errors';
import { deviceOffset, type DeviceOffset } from './units';

export interface BlockDevice {
  /** Bytes. */
  readonly size: number;
  /** Bytes of a logical sector: what partition tables and boot sectors count in. */
  readonly sectorSize: number;
  /**
   * Fills `target` with the bytes at `offset`.
   * @throws GuestError `guest.beyond` where that is not wholly on the device; whatever the layer below throws
   */
  read(target: Uint8Array, offset: DeviceOffset): void;
}

/** @throws GuestError `guest.beyond` */
export function expectOnDevice(device: BlockDevice, offset: number, length: number, what = 'data'): void {
  const isInside = Number.isSafeInteger(offset) && offset >= 0 && offset + length <= device.size;
  if (!isInside)
    throw new GuestError('guest.beyond', { what, offset, value: offset + length, limit: device.size });
}

/** Reads bytes into a buffer of their own. @throws GuestError `guest.beyond` */
export function readBytes(device: BlockDevice, offset: number, length: number, what = 'data'): Uint8Array {
  expectOnDevice(device, offset, length, what);
  const bytes = new Uint8Array(length);
  device.read(bytes, deviceOffset(offset));
  return bytes;
}

/** A stretch of another device: a partition. */
export class Part implements BlockDevice {
  readonly sectorSize: number;

  /** @throws GuestError `guest.beyond` where the stretch is not wholly on the device */
  constructor(
    readonly whole: BlockDevice,
    readonly start: DeviceOffset,
    readonly size: number,
  ) {
    expectOnDevice(whole, start, size, 'partition');
    this.sectorSize = whole.sectorSize;
  }

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    this.whole.read(target, deviceOffset(this.start + offset));
  }
}

const BLOCK = 64 * 1024;
const KEPT_BLOCKS = 128;

/**
 * Keeps the last 8 MiB of what was read, in blocks of 64 KiB: metadata is read in small pieces, and again and again.
 * Long reads pass through.
 */
export class CachedDevice implements BlockDevice {
  readonly size: number;
  readonly sectorSize: number;
  /** By block, the one used last at the end. */
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(readonly device: BlockDevice) {
    this.size = device.size;
    this.sectorSize = device.sectorSize;
  }

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    if (target.length >= BLOCK) {
      this.device.read(target, offset);
      return;
    }
    for (let done = 0; done < target.length;) {
      const at = offset + done;
      const index = Math.floor(at / BLOCK);
      const within = at - index * BLOCK;
      const part = this.#block(index).subarray(within, within + target.length - done);
      target.set(part, done);
      done += part.length;
    }
  }

  #block(index: number): Uint8Array {
    const kept = this.#blocks.get(index);
    if (kept !== undefined) {
      this.#blocks.delete(index);
      this.#blocks.set(index, kept);
      return kept;
    }
    const start = index * BLOCK;
    const bytes = readBytes(this.device, start, Math.min(BLOCK, this.size - start));
    if (this.#blocks.size >= KEPT_BLOCKS) this.#blocks.delete(this.#blocks.keys().next().value ?? index);
    this.#blocks.set(index, bytes);
    return bytes;
  }
}
