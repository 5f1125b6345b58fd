/**
 * Interrupts a compaction everywhere: after each write, flush, truncation, creation and deletion, with any subset of what
 * was not flushed lost, and with disk errors at each call. At every moment the image is sound but for leaks, and reads as
 * before; after `recover` it is as it is between two batches, byte for byte where anything is in use. One batch's save is
 * interrupted as other saves are (exercise.ts), which judges the promises A, B and C.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkImage } from '../../src/qcow2/check/checkImage';
import { EngineError } from '../../src/qcow2/errors';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { silent, toEnd } from '../../src/qcow2/progress';
import { recover } from '../../src/qcow2/save/recover';
import { layoutOf } from '../../src/qcow2/space/clusterLayout';
import { compact, type Compacted } from '../../src/qcow2/space/compact';
import { hostCluster } from '../../src/qcow2/units';
import type { Random } from '../support/builder/random';
import { mustQemuImg, qemuImg } from '../support/qemu';
import { Exercise } from './exercise';
import { guestOf } from './judge';
import { type DiskState, SimulatedDisk } from './simulatedDisk';

const IMAGE = '/folder/image.qcow2';

export interface CompactTally {
  states: number;
  byQemu: number;
  failures: number;
  batches: number;
  /** Disk calls that it took. */
  calls: number;
}

export interface CompactEffort {
  /** Points and calls that are tried, at most about so many. */
  readonly most: number;
  /** One state in so many is judged by QEMU, too. */
  readonly qemuEvery: number;
  readonly batchBytes: number;
}

/** The files before and after one save. */
interface Saved {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

export class CompactExercise {
  readonly violations: string[] = [];
  readonly tally: CompactTally = { states: 0, byQemu: 0, failures: 0, batches: 0, calls: 0 };
  readonly #before: DiskState;
  readonly #guest: Uint8Array;
  readonly #contents: readonly Buffer[];
  readonly #saves: Saved[] = [];
  /** What is in use between two batches, by the text of it. */
  readonly #between = new Set<string>();

  /** @param snapshots names */
  constructor(
    image: Uint8Array,
    readonly snapshots: readonly string[],
    readonly random: Random,
    readonly folder: string,
    readonly effort: CompactEffort,
  ) {
    // A copy: `slice` of a Buffer shares its memory.
    this.#before = new Map([[IMAGE, new Uint8Array(image)]]);
    this.#guest = guestOf({ image, dataFile: undefined });
    this.#contents = this.#read(image);
  }

  run(): void {
    const done = new SimulatedDisk(this.#before);
    this.#between.add(inUseOf(this.#before.get(IMAGE)!));
    const report = this.#compact(done, this.#saves);
    this.tally.calls = done.calls;
    this.tally.batches = this.#saves.length;
    if (report.stopped !== undefined) this.violations.push(`stopped: ${JSON.stringify(report.stopped)}`);
    if (done.state.size !== 1) this.violations.push('something is left beside the image');
    for (const { after } of this.#saves) this.#between.add(inUseOf(after));
    for (const end of this.#points(done.log.length)) this.#interrupt(done, end);
    for (const call of this.#points(done.calls - 1)) this.#fail(call);
    this.#exerciseSave();
  }

  #compact(disk: SimulatedDisk, saves: Saved[] = []): Compacted {
    let before = disk.content(IMAGE).slice();
    const open = () => {
      before = disk.content(IMAGE).slice();
      return disk.open(IMAGE);
    };
    const pieces = compact(Qcow2Image.open(disk.open(IMAGE)), disk, {
      open,
      scratchPath: '/nowhere/scratch',
      batchBytes: this.effort.batchBytes,
      onSaved: () => saves.push({ before, after: disk.content(IMAGE).slice() }),
    });
    return toEnd(pieces);
  }

  /** One save with a journal of its own: the copies are on disk, and nothing leads to them yet. */
  #exerciseSave(): void {
    if (this.#saves.length === 0) return;
    const { before, after } = this.random.pick(this.#saves);
    const files = (image: Uint8Array) => ({ image, dataFile: undefined });
    const scenario = { name: 'a batch', before: files(before), after: files(after) };
    const effort = { losses: 1, qemuEvery: 40, interruptEvery: 8, most: Math.min(6, this.effort.most) };
    const exercise = new Exercise(scenario, this.random, effort, this.folder);
    exercise.run();
    this.tally.states += exercise.tally.states;
    this.tally.failures += exercise.tally.failures;
    for (const { where, what } of exercise.violations) this.violations.push(`save: ${where}: ${what}`);
  }

  #interrupt(disk: SimulatedDisk, end: number): void {
    this.#judge(
      disk.after(end, () => true),
      `killed behind action ${end}`,
    );
    this.#judge(
      disk.after(end, () => false),
      `power lost behind action ${end}`,
    );
    this.#judge(
      disk.after(end, () => this.random.below(2) === 0),
      `some lost behind action ${end}`,
    );
  }

  #fail(call: number): void {
    for (const times of [1, 2 + this.random.below(6), Infinity]) {
      this.tally.failures++;
      const disk = new SimulatedDisk(this.#before);
      disk.failure = { call, times };
      const where = `call ${call} failed ${times} times`;
      try {
        this.#compact(disk);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        const { code } = error.problem;
        const isSame = inUseOf(disk.content(IMAGE)) === inUseOf(this.#before.get(IMAGE)!);
        if (!isSame && code !== 'save.rollbackFailed') this.violations.push(`${where}: ${code}, but changed`);
      }
      this.#judge(disk.state, where);
    }
  }

  #judge(state: DiskState, where: string): void {
    this.tally.states++;
    const violate = (what: string): void => {
      this.violations.push(`${where}: ${what}`);
    };
    const image = state.get(IMAGE)!;
    const sound = soundness(image);
    if (sound !== '') violate(`not sound: ${sound}`);
    else if (Buffer.compare(this.#guestOf(image), this.#guest) !== 0)
      violate('the guest reads something else');
    const disk = new SimulatedDisk(state);
    try {
      recover(IMAGE, disk, { trustsVersion2: true });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      violate(`not recovered: ${JSON.stringify(error.problem)}`);
      return;
    }
    if (disk.state.size !== 1) violate('something is left beside the image');
    const recovered = disk.content(IMAGE);
    if (!this.#between.has(inUseOf(recovered))) violate('it is not what it was between two batches');
    if (this.tally.states % this.effort.qemuEvery !== 0) return;
    this.tally.byQemu++;
    this.#read(recovered).forEach((content, index) => {
      if (!content.equals(this.#contents[index]!)) violate(`content ${index}`);
    });
  }

  #guestOf(image: Uint8Array): Uint8Array {
    return guestOf({ image, dataFile: undefined });
  }

  /** What QEMU reads of the disk and its snapshots, after it has found it clean. */
  #read(image: Uint8Array): Buffer[] {
    const file = path.join(this.folder, 'judged.qcow2');
    const raw = path.join(this.folder, 'judged.raw');
    fs.writeFileSync(file, image);
    const checked = qemuImg(['check', file]);
    if (checked.status !== 0) this.violations.push(`QEMU does not find it clean: ${checked.stderr}`);
    return [[], ...this.snapshots.map((name) => ['-l', name])].map((extra) => {
      mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', file, raw]);
      return fs.readFileSync(raw);
    });
  }

  /** All numbers from 0 to `last`, or a part of them where there are too many. */
  *#points(last: number): Generator<number> {
    const step = Math.max(1, last / this.effort.most);
    for (let at = this.random.below(Math.floor(step)); at < last; at += step) yield Math.floor(at);
    yield last;
  }
}

/** What is wrong with an image but leaks. */
function soundness(bytes: Uint8Array): string {
  const { corruptions, checkErrors, defects, findings } = checkImage(open(bytes));
  if (corruptions + checkErrors + defects === 0) return '';
  return JSON.stringify(findings.find(({ severity }) => severity !== 'leak'));
}

const open = (bytes: Uint8Array): Qcow2Image => Qcow2Image.open(new MemoryFile('image', bytes));

/** All clusters in use, as text; what lies behind the last one is not needed. */
function inUseOf(bytes: Uint8Array): string {
  try {
    const image = open(bytes);
    const { clusterSize } = image.header;
    const { inUse, end, leaks } = layoutOf(image, silent);
    if (leaks > 0) return `${leaks} leaks`;
    const kept = Buffer.alloc(end * clusterSize);
    inUse.forEachRunWithin(hostCluster(0), end, (first, count) => {
      kept.set(bytes.subarray(first * clusterSize, (first + count) * clusterSize), first * clusterSize);
    });
    return kept.toString('latin1');
  } catch (error) {
    if (error instanceof EngineError) return error.problem.code;
    throw error;
  }
}
