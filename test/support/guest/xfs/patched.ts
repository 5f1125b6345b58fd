/** A device with some bytes changed, without a copy of it. */
import { type BlockDevice, readBytes } from '../../../../src/guest/blockDevice';
import type { DeviceOffset } from '../../../../src/guest/units';
import { checksumOf } from '../../../../src/guest/xfs/checksum';

export class PatchedDevice implements BlockDevice {
  readonly size: number;
  readonly sectorSize: number;
  readonly #changes = new Map<number, number>();

  constructor(
    readonly device: BlockDevice,
    size = device.size,
  ) {
    this.size = size;
    this.sectorSize = device.sectorSize;
  }

  read(target: Uint8Array, offset: DeviceOffset): void {
    this.device.read(target, offset);
    for (const [at, byte] of this.#changes)
      if (at >= offset && at < offset + target.length) target[at - offset] = byte;
  }

  u32(at: number): number {
    return Buffer.from(readBytes(this, at, 4)).readUInt32BE();
  }

  setByte(at: number, change: (old: number) => number): this {
    this.#changes.set(at, change(readBytes(this, at, 1)[0]!));
    return this;
  }

  setU32(at: number, change: (old: number) => number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(change(this.u32(at)) >>> 0);
    bytes.forEach((byte, index) => this.#changes.set(at + index, byte));
    return this;
  }

  /** Makes the checksum of a structure right again. */
  seal(at: number, length: number, checksumAt: number): this {
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(checksumOf(readBytes(this, at, length), checksumAt));
    sum.forEach((byte, index) => this.#changes.set(at + checksumAt + index, byte));
    return this;
  }
}
