/**
 * Random changes of random images, compared with a model of the disk. After each change the guest reads what the model
 * holds; every few changes the files are written, and QEMU must find the image clean, read the same, and read from each
 * snapshot what it held before.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
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
import type { CasePlace, Counts } from '../kind';

const OPERATIONS = 12;
const PER_FLUSH = 4;

export function changeModel(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  const plan = randomPlan(random);
  tell?.(JSON.stringify(plan));
  try {
    new Case(plan, random, folder).run(tell);
  } catch (error) {
    if (error instanceof Error) error.message += `\n${JSON.stringify(plan)}`;
    throw error;
  }
  return { images: 1, operations: OPERATIONS };
}

class Case {
  readonly #staged: StagedImage;
  readonly #model: Buffer;
  readonly #snapshots: ReadonlyMap<string, Buffer>;
  /** QEMU's own discards leave a raw data file as it was; then it is not what the guest sees. */
  readonly #rawIsRight: boolean;

  constructor(
    readonly plan: ImagePlan,
    readonly random: Random,
    readonly folder: string,
  ) {
    const snapshots = makeImage(plan, random, folder);
    this.#model = this.#convert();
    this.#snapshots = new Map(snapshots.map((name) => [name, this.#convert(['-l', name])]));
    this.#rawIsRight = plan.dataFile === 'raw' && this.#isRaw();
    this.#staged = new StagedImage(`${this.folder}/${DISK}`);
  }

  run(tell: CasePlace['tell']): void {
    for (let step = 1; step <= OPERATIONS; step++) {
      const operation = randomOperation(this.plan, this.random);
      tell?.(describeOperation(operation));
      this.#change(operation);
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
    assert.equal(firstDifference(this.#staged.read(), this.#model), -1, words);
    if (!staged || operation.kind === 'write') return;
    // A compressed cluster takes two steps: unallocated first or written as data, zero flag or bits then.
    if (this.plan.compressed) this.#again(operation);
    const before = this.#staged.staged();
    assert.equal(this.#again(operation), false, `${words}, again`);
    assert.deepEqual(this.#staged.staged(), before, `${words}, again`);
  }

  /** @returns whether anything changed */
  #again(operation: Operation): boolean {
    return this.#staged.change((context) => applyToEngine(context, operation)).tally.changed;
  }

  #flush(): void {
    this.#staged.flush();
    const check = qemuImg(['check', DISK], { cwd: this.folder });
    assert.equal(`${check.status} ${check.stderr}`, '0 ', String(check.stdout));
    assert.equal(firstDifference(this.#convert(), this.#model), -1, 'as QEMU reads it');
    if (this.#rawIsRight) assert.ok(this.#isRaw(), 'the raw data file');
    for (const [name, content] of this.#snapshots) {
      assert.equal(firstDifference(this.#convert(['-l', name]), content), -1, `snapshot ${name}`);
    }
  }

  /** The data file is the disk. */
  #isRaw(): boolean {
    const bytes = Buffer.alloc(this.#model.length);
    fs.readFileSync(`${this.folder}/data.raw`).copy(bytes);
    return bytes.equals(this.#model);
  }

  #convert(extra: readonly string[] = []): Buffer {
    // QEMU looks for a relative data file in its own folder.
    mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'], { cwd: this.folder });
    return fs.readFileSync(`${this.folder}/judge.raw`);
  }
}

const firstDifference = (left: Buffer, right: Buffer): number =>
  left.equals(right) ? -1 : left.findIndex((byte, index) => byte !== right[index]);
