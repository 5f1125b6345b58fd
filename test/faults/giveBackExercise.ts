/**
 * Interrupts giving space back everywhere: after each hole, flush, truncation, creation and deletion, with any subset of
 * what was not flushed lost, and with disk errors at each call. At every moment the image is sound and reads as before;
 * there is nothing to recover.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkImage } from '../../src/qcow2/check/checkImage';
import { EngineError } from '../../src/qcow2/errors';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { recover } from '../../src/qcow2/save/recover';
import { giveBack } from '../../src/qcow2/space/giveBack';
import type { Random } from '../support/builder/random';
import { mustQemuImg, qemuImg } from '../support/qemu';
import { guestOf } from './judge';
import { type DiskState, SimulatedDisk } from './simulatedDisk';

const IMAGE = '/folder/image.qcow2';

export interface GiveBackTally {
  states: number;
  byQemu: number;
  failures: number;
  /** Disk calls that it took. */
  calls: number;
}

export class GiveBackExercise {
  readonly violations: string[] = [];
  readonly tally: GiveBackTally = { states: 0, byQemu: 0, failures: 0, calls: 0 };
  readonly #before: DiskState;
  readonly #guest: Uint8Array;
  readonly #snapshots: readonly Buffer[];

  /**
   * @param image with free clusters
   * @param snapshots names
   */
  constructor(
    image: Uint8Array,
    readonly snapshots: readonly string[],
    readonly random: Random,
    readonly folder: string,
  ) {
    this.#before = new Map([[IMAGE, image]]);
    this.#guest = guestOf({ image, dataFile: undefined });
    this.#snapshots = this.#read(image);
  }

  run(): void {
    const done = new SimulatedDisk(this.#before);
    const report = giveBack(Qcow2Image.open(done.open(IMAGE)), done);
    this.tally.calls = done.calls;
    if (!report.changed || report.stopped !== undefined) this.violations.push('nothing was given back');
    if (done.state.size !== 1) this.violations.push('something is left beside the image');
    this.#interrupt(done, 'given back');
    for (let call = 0; call < done.calls; call++) this.#fail(call);
  }

  #interrupt(disk: SimulatedDisk, where: string): void {
    for (let end = 0; end <= disk.log.length; end++) {
      this.#judge(
        disk.after(end, () => true),
        `${where}, killed behind action ${end}`,
      );
      this.#judge(
        disk.after(end, () => false),
        `${where}, power lost behind action ${end}`,
      );
      this.#judge(
        disk.after(end, () => this.random.below(2) === 0),
        `${where}, some lost behind action ${end}`,
      );
    }
  }

  #fail(call: number): void {
    for (const times of [1, Infinity]) {
      this.tally.failures++;
      const where = `call ${call} failed ${times} times`;
      const disk = new SimulatedDisk(this.#before);
      disk.failure = { call, times };
      let hasChanged = true;
      try {
        hasChanged = giveBack(Qcow2Image.open(disk.open(IMAGE)), disk).changed;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        hasChanged = false;
      }
      const isSame = Buffer.compare(disk.content(IMAGE), this.#before.get(IMAGE)!) === 0;
      if (!hasChanged && !isSame) this.violations.push(`${where}: it says that nothing was changed`);
      this.#judge(disk.state, where);
    }
  }

  #judge(state: DiskState, where: string): void {
    const image = state.get(IMAGE)!;
    this.tally.states++;
    const { corruptions, checkErrors, defects, leaks } = checkImage(
      Qcow2Image.open(new MemoryFile('image', image)),
    );
    if (corruptions + checkErrors + defects + leaks > 0) this.violations.push(`${where}: not sound`);
    if (Buffer.compare(guestOf({ image, dataFile: undefined }), this.#guest) !== 0) {
      this.violations.push(`${where}: the guest reads something else`);
    }
    if (this.tally.states % 20 === 0) {
      this.tally.byQemu++;
      this.#read(image).forEach((content, index) => {
        if (!content.equals(this.#snapshots[index]!)) this.violations.push(`${where}: content ${index}`);
      });
    }
    const disk = new SimulatedDisk(state);
    const outcome = recover(IMAGE, disk);
    if (!['none', 'untouched'].includes(outcome)) this.violations.push(`${where}: ${outcome}`);
    if (Buffer.compare(disk.content(IMAGE), image) !== 0) {
      this.violations.push(`${where}: recovering changes the image`);
    }
  }

  /** What QEMU reads of the disk and its snapshots, after it has found it clean. */
  #read(image: Uint8Array): Buffer[] {
    const file = path.join(this.folder, 'judged.qcow2');
    const raw = path.join(this.folder, 'judged.raw');
    fs.writeFileSync(file, image);
    if (qemuImg(['check', file]).status !== 0) this.violations.push('QEMU does not find it clean');
    return [[], ...this.snapshots.map((name) => ['-l', name])].map((extra) => {
      mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', file, raw]);
      return fs.readFileSync(raw);
    });
  }
}
