/**
 * Random changes of random images, against a model of the disk. After every change the guest reads what the model has;
 * after every few, written to the files, QEMU finds the image clean, reads the same, and reads from every snapshot what
 * it held before. CHANGE_CASES and CHANGE_SEED run more of them, CHANGE_CASE a single one.
 */
import * as fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom, type Random } from '../../support/builder/random';
import { DISK, makeImage, randomPlan, type ImagePlan } from '../../support/changes/imagePlan';
import {
  applyToEngine,
  applyToModel,
  describeOperation,
  randomOperation,
  type Operation,
} from '../../support/changes/operation';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';

const SEED = Number(process.env['CHANGE_SEED'] ?? 3);
const CASES = Number(process.env['CHANGE_CASES'] ?? 25);
const ONLY = process.env['CHANGE_CASE'];
const OPERATIONS = 12;
const PER_FLUSH = 4;

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

class Case {
  readonly #staged: StagedImage;
  readonly #model: Buffer;
  readonly #snapshots: ReadonlyMap<string, Buffer>;
  /** QEMU's own discards leave a raw data file as it was; then it is not what the guest sees. */
  readonly #rawIsRight: boolean;

  constructor(
    readonly plan: ImagePlan,
    readonly random: Random,
  ) {
    const snapshots = makeImage(plan, random, place.folder);
    this.#model = this.#convert();
    this.#snapshots = new Map(snapshots.map((name) => [name, this.#convert(['-l', name])]));
    this.#rawIsRight = plan.dataFile === 'raw' && this.#isRaw();
    this.#staged = new StagedImage(place.path(DISK));
  }

  run(): void {
    for (let step = 1; step <= OPERATIONS; step++) {
      this.#change(randomOperation(this.plan, this.random));
      if (step % PER_FLUSH === 0) this.#flush();
    }
    this.#staged.close();
  }

  #change(operation: Operation): void {
    const words = describeOperation(operation);
    let staged = false;
    try {
      const { tally } = this.#staged.change((context) => applyToEngine(context, operation));
      staged = tally.changed;
      applyToModel(this.#model, this.plan, operation);
    } catch (error) {
      const isRefusal = error instanceof EngineError && error.problem.code.startsWith('zero.');
      if (!isRefusal || operation.kind !== 'zero' || operation.options.fallback) throw error;
    }
    expect(firstDifference(this.#staged.read(), this.#model), words).toBe(-1);
    if (!staged || operation.kind === 'write') return;
    // A compressed cluster takes two steps: unallocated first or written as data, zero flag or bits then.
    if (this.plan.compressed) this.#again(operation);
    const before = this.#staged.staged();
    expect(this.#again(operation), `${words}, again`).toBe(false);
    expect(this.#staged.staged(), `${words}, again`).toStrictEqual(before);
  }

  /** @returns whether anything changed */
  #again(operation: Operation): boolean {
    return this.#staged.change((context) => applyToEngine(context, operation)).tally.changed;
  }

  #flush(): void {
    this.#staged.flush();
    const check = qemuImg(['check', DISK], { cwd: place.folder });
    expect(`${check.status} ${check.stderr}`, String(check.stdout)).toBe('0 ');
    expect(firstDifference(this.#convert(), this.#model), 'as QEMU reads it').toBe(-1);
    if (this.#rawIsRight) expect(this.#isRaw(), 'the raw data file').toBe(true);
    for (const [name, content] of this.#snapshots) {
      expect(firstDifference(this.#convert(['-l', name]), content), `snapshot ${name}`).toBe(-1);
    }
  }

  /** The data file is the disk. */
  #isRaw(): boolean {
    const bytes = Buffer.alloc(this.#model.length);
    fs.readFileSync(place.path('data.raw')).copy(bytes);
    return bytes.equals(this.#model);
  }

  #convert(extra: readonly string[] = []): Buffer {
    // QEMU looks for a relative data file in its own folder.
    mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'], { cwd: place.folder });
    return fs.readFileSync(place.path('judge.raw'));
  }
}

const firstDifference = (left: Buffer, right: Buffer): number =>
  left.equals(right) ? -1 : left.findIndex((byte, index) => byte !== right[index]);

const cases = ONLY === undefined ? Array.from({ length: CASES }, (_, index) => index) : [Number(ONLY)];
test.each(cases)(`seed ${SEED}, case %i: changes as the model does`, (index) => {
  const random = seededRandom(SEED * 1_000_003 + index);
  const plan = randomPlan(random);
  try {
    new Case(plan, random).run();
  } catch (error) {
    if (error instanceof Error) error.message += `\n${JSON.stringify(plan)}`;
    throw error;
  }
});
