/** What must hold of an image after a crash: promises A and B, and invariants S4 and S6 (src/qcow2/save/save.ts). */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkImage } from '../../src/qcow2/check/checkImage';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { isMarked } from '../../src/qcow2/save/groupContent';
import { readGuest } from '../../src/qcow2/image/read';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { run } from '../support/process';
import { qemuImg } from '../support/qemu';
import { guestOffset } from '../../src/qcow2/units';
import type { Files } from './scenarios';

const SECTOR = 512;

export class Judge {
  readonly #old: Uint8Array;
  readonly #new: Uint8Array;

  /** @param isRepair one of them is damaged: until the save is recovered, only the mark is promised */
  constructor(
    readonly before: Files,
    readonly after: Files,
    readonly folder: string,
    readonly isRepair = false,
  ) {
    this.#old = isRepair ? new Uint8Array(0) : guestOf(before);
    this.#new = isRepair ? new Uint8Array(0) : guestOf(after);
  }

  /**
   * Promise B, by the engine's own check and reading.
   * @returns what is broken
   */
  readable(now: Files): string | undefined {
    if (this.isRepair) {
      return this.#mustRefuseWriting(now) && !isMarked(now.image) ? 'QEMU would write to it' : undefined;
    }
    const image = open(now);
    const { corruptions, checkErrors, defects, findings } = checkImage(image);
    if (corruptions + checkErrors + defects > 0) {
      const finding = findings.find(({ severity }) => severity !== 'leak');
      return `corrupt: ${corruptions}, ${JSON.stringify(finding)}`;
    }
    if (this.#mustRefuseWriting(now) && !image.features.corrupt) return 'QEMU would write to it';
    return this.#foreignSector(guestOf(now));
  }

  /** Promise B, as QEMU sees it. */
  readableByQemu(now: Files): string | undefined {
    if (this.isRepair) return undefined;
    const file = path.join(this.folder, 'judged.qcow2');
    fs.writeFileSync(file, now.image);
    if (now.dataFile !== undefined) fs.writeFileSync(path.join(this.folder, 'data.raw'), now.dataFile);
    const where = { cwd: this.folder };
    const checked = qemuImg(['check', '-f', 'qcow2', file], where);
    // 3: leaks.
    if (checked.status !== 0 && checked.status !== 3) {
      return `qemu-img check: ${checked.status}: ${checked.stderr} ${checked.stdout.toString()}`;
    }
    if (this.#mustRefuseWriting(now)) {
      const wrote = run('qemu-io', ['-c', 'write 0 512', file], where);
      if (wrote.status === 0) return 'QEMU writes to it';
    }
    const raw = path.join(this.folder, 'judged.raw');
    const converted = qemuImg(['convert', '-f', 'qcow2', '-O', 'raw', file, raw], where);
    if (converted.status !== 0) return `qemu-img convert: ${converted.stderr}`;
    return this.#foreignSector(new Uint8Array(fs.readFileSync(raw)));
  }

  /** Promise A. */
  isOldOrNew(now: Files): string | undefined {
    if (equal(now, this.before) || equal(now, this.after)) return undefined;
    const sizes = [this.before, now, this.after].map(({ image }) => image.length);
    return `neither old nor new: ${differenceOf(now.image, this.before.image)} of the old one, ${differenceOf(
      now.image,
      this.after.image,
    )} of the new one; sizes ${sizes.join(', ')}`;
  }

  /** S4. Version 2 has no such mark. */
  #mustRefuseWriting(now: Files): boolean {
    return now.image[7] === 3 && !equal(now, this.before) && !this.#isSaved(now);
  }

  /** New, except that the files may not have been cut yet (S8). */
  #isSaved({ image, dataFile }: Files): boolean {
    const { after } = this;
    const uncut = {
      image: image.subarray(0, after.image.length),
      dataFile: dataFile?.subarray(0, after.dataFile?.length),
    };
    return equal(uncut, after);
  }

  #foreignSector(guest: Uint8Array): string | undefined {
    if (sameBytes(guest, this.#old) || sameBytes(guest, this.#new)) return undefined;
    for (let at = 0; at < guest.length; at += SECTOR) {
      const now = guest.subarray(at, at + SECTOR);
      if (Buffer.compare(now, this.#old.subarray(at, at + SECTOR)) === 0) continue;
      if (Buffer.compare(now, this.#new.subarray(at, at + SECTOR)) === 0) continue;
      return `guest bytes at ${at} are neither old nor new`;
    }
    return undefined;
  }
}

export const equal = (one: Files, other: Files): boolean =>
  sameBytes(one.image, other.image) && sameBytes(one.dataFile, other.dataFile);

const sameBytes = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0;

/** The first sector that differs. */
function differenceOf(one: Uint8Array, other: Uint8Array): string {
  for (let at = 0; at < Math.max(one.length, other.length); at += SECTOR) {
    const [left, right] = [one.subarray(at, at + SECTOR), other.subarray(at, at + SECTOR)];
    if (Buffer.compare(left, right) !== 0) return `differs at ${at}`;
  }
  return 'nothing differs';
}

function open({ image, dataFile }: Files): Qcow2Image {
  const data = dataFile === undefined ? undefined : new MemoryFile('data', dataFile);
  return Qcow2Image.open(new MemoryFile('image', image), { dataFile: data });
}

export function guestOf(files: Files): Uint8Array {
  const image = open(files);
  const guest = new Uint8Array(image.size);
  readGuest([image], guest, guestOffset(0));
  return guest;
}
