/**
 * Interrupts one save everywhere: after each write, flush, truncation, creation and deletion, with any subset of what was
 * not flushed lost; with disk errors at each call, a full disk, and a rollback that is interrupted or fails itself. Then it
 * interrupts the recovery from each of these states.
 *
 * It proves the promises A, B and C and these invariants of src/qcow2/save/save.ts:
 *   S2, S10   each state can be recovered, also after an interrupted recovery (`#judgeRecovery`, `#judgeAgain`)
 *   S3        a recovery beside a running save is refused (`#recoverBeside`)
 *   S4, S6    the mark is set and refcounts are high enough in each state (`Judge.readable`, and by QEMU)
 *   S5        any subset of what one group wrote may be lost, and the state is still sound (`#interrupt`)
 *   S9        a save that reports an error has changed nothing (`#judgeFailure`)
 *   S11       saving again writes nothing (`#expectDone`)
 */
import { EngineError } from '../../src/qcow2/errors';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import { recover } from '../../src/qcow2/save/recover';
import { save } from '../../src/qcow2/save/save';
import type { Random } from '../support/builder/random';
import { equal, guestOf, Judge } from './judge';
import { type Files, type Scenario, stage } from './scenarios';
import { type DiskState, SimulatedDisk } from './simulatedDisk';

const IMAGE = '/folder/image.qcow2';
const DATA = '/folder/data.raw';
const JOURNAL = `${IMAGE}-journal`;

export interface Violation {
  readonly scenario: string;
  readonly where: string;
  readonly what: string;
}

export interface Tally {
  /** Disk states that were judged. */
  states: number;
  /** Those that QEMU judged as well. */
  byQemu: number;
  /** Saves that failed, and recoveries that were interrupted. */
  failures: number;
  recoveries: number;
  /** States that another program changed before the recovery. */
  foreign: number;
  calls: number;
}

export interface Effort {
  /** Random losses for each point of the log. */
  readonly losses: number;
  /** One state in so many is judged by QEMU, too. */
  readonly qemuEvery: number;
  /** One state in so many has its recovery interrupted, too. */
  readonly interruptEvery: number;
  /** At most about so many points and calls are tried. */
  readonly most: number;
}

export class Exercise {
  readonly violations: Violation[] = [];
  readonly tally: Tally = { states: 0, byQemu: 0, failures: 0, recoveries: 0, foreign: 0, calls: 0 };
  readonly #before: DiskState;
  readonly #judge: Judge;
  readonly #done: SimulatedDisk;

  constructor(
    readonly scenario: Scenario,
    readonly random: Random,
    readonly effort: Effort,
    readonly folder: string,
  ) {
    this.#before = stateOf(scenario.before);
    this.#done = new SimulatedDisk(this.#before);
    saveOn(this.#done, scenario);
    const after = filesOf(this.#done.state);
    this.#judge = new Judge(scenario.before, after, folder, scenario.isRepair);
    this.tally.calls = this.#done.calls;
    this.#expectDone(after);
  }

  run(): void {
    this.#interruptSave();
    this.#failCalls();
    this.#fillDisk();
    this.#recoverBeside();
  }

  #expectDone(after: Files): void {
    const isSame =
      this.scenario.isRepair === true
        ? equal(after, this.scenario.after)
        : Buffer.compare(guestOf(after), guestOf(this.scenario.after)) === 0;
    if (!isSame) this.#violate('done', 'the guest does not see what was staged');
    if (this.#done.state.has(JOURNAL)) this.#violate('done', 'the journal is still there');
    const broken = this.#judge.readableByQemu(after) ?? this.#judge.readable(after);
    if (broken !== undefined) this.#violate('done', broken);
    // S11
    const again = new SimulatedDisk(this.#done.state);
    saveOn(again, { ...this.scenario, before: after });
    if (again.calls > 0) this.#violate('done', 'S11: saving again writes');
  }

  #interruptSave(): void {
    this.#interrupt(this.#done, 'save');
  }

  /** Each point of a log, with all, none and some of what was not flushed (S5). */
  #interrupt(disk: SimulatedDisk, where: string): void {
    for (const end of this.#points(disk.log.length)) {
      this.#judgeState(
        disk.after(end, () => true),
        `${where}, killed behind action ${end}`,
      );
      this.#judgeState(
        disk.after(end, () => false),
        `${where}, power lost behind action ${end}`,
      );
      for (let loss = 0; loss < this.effort.losses; loss++) {
        const state = disk.after(end, () => this.random.below(2) === 0);
        this.#judgeState(state, `${where}, some lost behind action ${end}`);
      }
    }
  }

  /** A disk error at each call: once, for some calls (so that the rollback fails too), or for good. */
  #failCalls(): void {
    for (const call of this.#points(this.#done.calls - 1)) {
      for (const times of [1, 2 + this.random.below(6), Infinity]) {
        const disk = new SimulatedDisk(this.#before);
        disk.failure = { call, times };
        this.#judgeFailure(disk, `call ${call} failed ${times} times`);
      }
    }
  }

  #fillDisk(): void {
    const least = new SimulatedDisk(this.#before).used;
    const most = this.#done.used + 64 * 1024;
    for (let step = 0; step < 12; step++) {
      const disk = new SimulatedDisk(this.#before);
      disk.capacity = least + Math.floor(((most - least) * step) / 12);
      this.#judgeFailure(disk, `disk full at ${disk.capacity} bytes`);
    }
  }

  /**
   * S3: a recovery is tried before each call of the save. It is refused and changes nothing, with one exception: a journal
   * that was created and not claimed yet may be removed, and the save creates it again.
   */
  #recoverBeside(): void {
    const disk = new SimulatedDisk(this.#before);
    let isTrying = false;
    let removed = 0;
    disk.before = () => {
      if (isTrying || (removed > 0 && disk.log.at(-1)?.kind === 'create')) return;
      isTrying = true;
      const { calls } = disk;
      const outcome = this.#outcomeOn(disk);
      isTrying = false;
      if (outcome === 'untouched') removed++;
      else if (!['none', 'recover.running'].includes(outcome) || disk.calls > calls) {
        this.#violate(`recovered beside the save, behind call ${calls}`, outcome);
      }
    };
    saveOn(disk, this.scenario);
    const now = filesOf(disk.state);
    if (removed !== 1 || !equal(now, this.#judge.after) || disk.state.has(JOURNAL)) {
      this.#violate(
        'recovered beside the save',
        `S3: removed ${removed} times, and the save did not do what it does alone`,
      );
    }
  }

  #judgeFailure(disk: SimulatedDisk, where: string): void {
    this.tally.failures++;
    let code: string | undefined;
    try {
      saveOn(disk, this.scenario);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      code = error.problem.code;
    }
    const now = filesOf(disk.state);
    // S9: a save may report success only if it is done; a failed save has changed nothing, or reports save.rollbackFailed.
    if (code === undefined && equal(now, this.scenario.before) && !equal(now, this.#judge.after)) {
      this.#violate(where, 'S9: the save reports success, but nothing is changed');
    }
    if (code !== undefined && code !== 'save.rollbackFailed' && !equal(now, this.scenario.before)) {
      this.#violate(where, `S9: the save failed (${code}), and the file is not as it was`);
    }
    this.#judgeState(disk.state, where);
    // Power is lost at some time during or after it.
    for (let time = 0; time < 2; time++) {
      const end = this.random.below(disk.log.length + 1);
      const state = disk.after(end, () => this.random.below(2) === 0);
      this.#judgeState(state, `${where}, and power was lost behind action ${end}`);
    }
  }

  #judgeState(state: DiskState, where: string): void {
    this.tally.states++;
    const files = filesOf(state);
    const broken = this.#judge.readable(files);
    if (broken !== undefined) this.#violate(where, `B: ${broken}`);
    if (this.tally.states % this.effort.qemuEvery === 0) {
      this.tally.byQemu++;
      const brokenByQemu = this.#judge.readableByQemu(files);
      if (brokenByQemu !== undefined) this.#violate(where, `B by QEMU: ${brokenByQemu}`);
    }
    this.#judgeRecovery(state, where);
    if (this.tally.states % this.effort.interruptEvery === 0) this.#judgeForeign(state, where);
  }

  #judgeRecovery(state: DiskState, where: string): void {
    const disk = new SimulatedDisk(state);
    const outcome = this.#recover(disk, where);
    if (outcome === undefined) return;
    const now = filesOf(disk.state);
    const broken = this.#judge.isOldOrNew(now);
    if (broken !== undefined) this.#violate(where, `A (${outcome}): ${broken}`);
    if (disk.state.has(JOURNAL)) this.#violate(where, 'A: the journal is still there');
    if (outcome !== 'rolledBack' || this.tally.states % this.effort.interruptEvery !== 0) return;
    for (let time = 0; time < 4; time++) {
      const end = this.random.below(disk.log.length + 1);
      const keeps = this.random.pick([() => true, () => false, () => this.random.below(2) === 0]);
      this.#judgeAgain(disk.after(end, keeps), `${where}; recovery interrupted behind action ${end}`);
    }
  }

  #judgeAgain(state: DiskState, where: string): void {
    this.tally.recoveries++;
    const files = filesOf(state);
    const broken = this.#judge.readable(files);
    if (broken !== undefined) this.#violate(where, `B: ${broken}`);
    const disk = new SimulatedDisk(state);
    if (this.#recover(disk, where) === undefined) return;
    const brokenThen = this.#judge.isOldOrNew(filesOf(disk.state));
    if (brokenThen !== undefined) this.#violate(where, `A: ${brokenThen}`);
  }

  #recover(disk: SimulatedDisk, where: string): string | undefined {
    try {
      return recover(IMAGE, disk, { dataFile: DATA, trustsVersion2: true });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#violate(where, `A: not recovered: ${JSON.stringify(error.problem)}`);
      return undefined;
    }
  }

  /** Promise C: another program writes to a sector of the save, or clears the mark. */
  #judgeForeign(state: DiskState, where: string): void {
    const probe = new SimulatedDisk(state);
    if (this.#recover(probe, where) !== 'rolledBack') return;
    this.tally.foreign++;
    const changed = copyOf(state);
    const image = changed.get(IMAGE)!;
    const at = this.#someWrittenByte(image.length);
    if (at !== undefined) {
      image[at]! ^= 0x5a;
      const outcome = this.#tryRecovery(changed, where);
      if (outcome !== 'recover.changed') this.#violate(where, `C: changed by others, but ${outcome}`);
    }
    if (image[7] !== 3) return;
    const repaired = copyOf(state);
    repaired.get(IMAGE)![79]! &= ~2;
    const outcome = this.#tryRecovery(repaired, where);
    const isRight = ['recover.unmarked', 'untouched', 'completed'].includes(outcome);
    if (!isRight) this.#violate(where, `C: repaired by others, but ${outcome}`);
  }

  /** A byte of the image that the save writes, not in the header. */
  #someWrittenByte(size: number): number | undefined {
    const places = this.#done.log.flatMap((action) =>
      action.kind === 'write' && action.file === 0 && action.offset > 0 && action.offset < size
        ? [action.offset + this.random.below(Math.min(action.bytes.length, size - action.offset))]
        : [],
    );
    return places.length === 0 ? undefined : this.random.pick(places);
  }

  /** The outcome, or the code of the refusal; a refusal changes nothing. */
  #tryRecovery(state: DiskState, where: string): string {
    const disk = new SimulatedDisk(state);
    const outcome = this.#outcomeOn(disk);
    // Refusals have codes with a dot in them.
    if (outcome.includes('.') && disk.calls > 0) this.#violate(where, 'C: it refused, but changed something');
    return outcome;
  }

  #outcomeOn(disk: SimulatedDisk): string {
    try {
      return recover(IMAGE, disk, { dataFile: DATA, trustsVersion2: true });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return error.problem.code;
    }
  }

  /** All numbers from 0 to `last`, or a part of them where there are too many. */
  *#points(last: number): Generator<number> {
    const step = Math.max(1, last / this.effort.most);
    for (let at = this.random.below(Math.floor(step)); at < last; at += step) yield Math.floor(at);
    yield last;
  }

  #violate(where: string, what: string): void {
    this.violations.push({ scenario: this.scenario.name, where, what });
  }
}

const stateOf = ({ image, dataFile }: Files): DiskState =>
  new Map([[IMAGE, image], ...(dataFile === undefined ? [] : [[DATA, dataFile] as const])]);

const copyOf = (state: DiskState): Map<string, Uint8Array> =>
  new Map([...state].map(([path, bytes]) => [path, bytes.slice()]));

const filesOf = (state: DiskState): Files => ({ image: state.get(IMAGE)!, dataFile: state.get(DATA) });

/** Stages the difference between the scenario's old and new files, and saves it. */
function saveOn(disk: SimulatedDisk, { before, after, isRepair = false }: Scenario): void {
  const store = new PageStore('/nowhere/scratch');
  const image = new StagedFile(disk.open(IMAGE), store);
  stage(image, before.image, after.image);
  if (before.dataFile === undefined || after.dataFile === undefined) {
    save({ image }, disk, { isRepair });
    return;
  }
  const dataFile = new StagedFile(disk.open(DATA), store);
  stage(dataFile, before.dataFile, after.dataFile);
  save({ image, dataFile }, disk, { isRepair });
}
