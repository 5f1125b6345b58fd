/** Devices for tests: a raw image file, and bytes in memory. */
import * as fs from 'node:fs';
import { type BlockDevice, expectOnDevice } from '../../../src/guest/blockDevice';
import { type DeviceOffset } from '../../../src/guest/units';

/** A raw image file. */
export class FileDevice implements BlockDevice {
  readonly size: number;
  readonly #file: number;

  constructor(
    path: string,
    readonly sectorSize = 512,
  ) {
    this.#file = fs.openSync(path, 'r');
    this.size = fs.fstatSync(this.#file).size;
  }

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    for (let done = 0; done < target.length;) {
      const length = fs.readSync(this.#file, target, done, target.length - done, offset + done);
      if (length === 0) throw new Error('the image file has become shorter');
      done += length;
    }
  }

  close(): void {
    fs.closeSync(this.#file);
  }
}

export class MemoryDevice implements BlockDevice {
  readonly size: number;

  /** @param bytes used as they are, not copied */
  constructor(
    readonly bytes: Uint8Array,
    readonly sectorSize = 512,
  ) {
    this.size = bytes.length;
  }

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    target.set(this.bytes.subarray(offset, offset + target.length));
  }
}
