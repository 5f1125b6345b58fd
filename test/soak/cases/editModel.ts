/**
 * Random edits of random images, compared with a model that keeps a whole disk for each state. After each step the guest
 * reads what the model holds; after each save QEMU must find the image clean, read the same, and read from each snapshot
 * what it held before.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { readGuest } from '../../../src/qcow2/image/read';
import { seededRandom } from '../../support/builder/random';
import { DISK, makeImage, randomPlan, type ImagePlan } from '../../support/changes/imagePlan';
import {
  applyToModel,
  describeOperation,
  randomOperation,
  requestOf,
  type Operation,
} from '../../support/changes/operation';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import type { CasePlace, Counts } from '../kind';
import { guestOffset } from '../../../src/qcow2/units';

export type Step =
  | { readonly do: 'change'; readonly seed: number }
  | { readonly do: 'undo' | 'redo' | 'save' | 'reopen' | 'restore' | 'revive' };

/** How often each step is taken. */
const WEIGHTS = { change: 8, undo: 4, redo: 3, save: 3, reopen: 1, restore: 1, revive: 2 } as const;
const STEPS = Object.entries(WEIGHTS).flatMap(([name, weight]) =>
  Array.from({ length: weight }, () => name as Step['do']),
);

export function editModel(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  const steps = Array.from({ length: 5 + random.below(36) }, (): Step => {
    const name = random.pick(STEPS);
    return name === 'change' ? { do: name, seed: random.below(1_000_000) } : { do: name };
  });
  return runSteps(random.below(1_000_000), steps, { folder, tell });
}

/** Takes the steps on the image of a seed. */
export function runSteps(seed: number, steps: readonly Step[], { folder, tell }: CasePlace): Counts {
  const plan = randomPlan(seededRandom(seed));
  tell?.(JSON.stringify(plan));
  const run = new Run(plan, seed, folder);
  try {
    for (const step of steps) {
      tell?.(step.do === 'change' ? describeOperation(operationOf(plan, step)) : step.do);
      run.take(step);
    }
  } finally {
    run.end();
  }
  return { images: 1, operations: steps.length };
}

const operationOf = (plan: ImagePlan, { seed }: { readonly seed: number }): Operation =>
  randomOperation(plan, seededRandom(seed));

class Run {
  #image: EditableImage;
  /** The disk after each edit, the first one before all. */
  #disks: Buffer[];
  #now = 0;
  /** The disk as saved. */
  #saved: Buffer;
  readonly #snapshots: ReadonlyMap<string, Buffer>;
  readonly #folder: string;
  readonly looksFirst: boolean;

  constructor(
    readonly plan: ImagePlan,
    seed: number,
    folder: string,
  ) {
    this.#folder = folder;
    this.looksFirst = seed % 3 > 0;
    const snapshots = makeImage(plan, seededRandom(seed), this.#folder);
    this.#saved = this.#convert();
    this.#disks = [this.#saved];
    this.#snapshots = new Map(snapshots.map((name) => [name, this.#convert(['-l', name])]));
    this.#image = this.#open();
  }

  take(each: Step): void {
    switch (each.do) {
      case 'change':
        this.#change(operationOf(this.plan, each));
        break;
      case 'undo':
        assert.equal(this.#image.undo(), this.#now > 0);
        this.#now = Math.max(0, this.#now - 1);
        break;
      case 'redo':
        assert.equal(this.#image.redo(), this.#now < this.#disks.length - 1);
        this.#now = Math.min(this.#disks.length - 1, this.#now + 1);
        break;
      case 'save':
        this.#save();
        break;
      case 'reopen':
        this.#image.close();
        this.#image = this.#open();
        this.#disks = [this.#saved];
        this.#now = 0;
        break;
      case 'restore':
        this.#restore();
        break;
      case 'revive':
        this.#revive();
        break;
    }
    assert.equal(firstDifference(this.#read(), this.#disks[this.#now]!), -1, each.do);
  }

  end(): void {
    this.#image.close();
  }

  #change(operation: Operation): void {
    const words = describeOperation(operation);
    try {
      if (!this.#image.apply(requestOf(operation), words).changed) return;
    } catch (error) {
      const isRefusal = error instanceof EngineError && error.problem.code.startsWith('zero.');
      if (!isRefusal || operation.kind !== 'zero' || operation.options.fallback) throw error;
      return;
    }
    const disk = Buffer.from(this.#disks[this.#now]!);
    applyToModel(disk, this.plan, operation);
    this.#disks.length = this.#now + 1;
    this.#disks.push(disk);
    this.#now++;
  }

  #save(): void {
    this.#image.save();
    assert.equal(this.#image.edits.unsaved, 0);
    this.#saved = this.#disks[this.#now]!;
    const check = qemuImg(['check', DISK], { cwd: this.#folder });
    assert.equal(`${check.status} ${check.stderr}`, '0 ', String(check.stdout));
    assert.equal(firstDifference(this.#convert(), this.#saved), -1, 'as QEMU reads it');
    for (const [name, content] of this.#snapshots) {
      assert.equal(firstDifference(this.#convert(['-l', name]), content), -1, `snapshot ${name}`);
    }
  }

  /** Backs up the edits and restores them on the image, opened again. */
  #restore(): void {
    const { unsaved } = this.#image.edits;
    const now = this.#disks[this.#now]!;
    this.#image.backUp(`${this.#folder}/backup`);
    this.#image.close();
    this.#image = this.#open();
    if (unsaved > 0) this.#image.restore(`${this.#folder}/backup`);
    const edits = this.#image.edits.undoable;
    // Restored edits lead from the disk to the current state; the states between are known only if the edits are the same.
    const isStraight = edits === unsaved && this.#disks[this.#now - edits]?.equals(this.#saved) === true;
    this.#disks = isStraight
      ? this.#disks.slice(this.#now - edits, this.#now + 1)
      : [this.#saved, ...(edits === 0 ? [] : [now])];
    this.#now = this.#disks.length - 1;
    for (const name of fs.readdirSync(this.#folder)) {
      if (/^(pages-|backup)/.test(name)) fs.rmSync(`${this.#folder}/${name}`);
    }
  }

  /** As the editor does it when a thread has died: the whole history comes back, with undo past a save. */
  #revive(): void {
    const { edits } = this.#image;
    const { pages } = this.#image.backUp(`${this.#folder}/backup`, 'history');
    this.#image.close();
    this.#image = this.#open();
    assert.equal(this.#image.restore(`${this.#folder}/backup`).missing, 0);
    assert.deepEqual(this.#image.edits, edits);
    for (const name of [pages, 'backup']) fs.rmSync(`${this.#folder}/${name}`);
  }

  #open(): EditableImage {
    const scratchPath = `${this.#folder}/scratch`;
    const image = EditableImage.open(`${this.#folder}/${DISK}`, { followsNames: true, scratchPath });
    // What the check has read is not read again by the edits that follow, as in the editor; others begin unseen.
    if (this.looksFirst)
      assert.deepEqual(
        image.obstacles().filter(({ severity }) => severity === 'refuse'),
        [],
      );
    return image;
  }

  #read(): Buffer {
    const { top, layers } = this.#image.chain;
    const bytes = Buffer.alloc(top.size);
    readGuest(layers, bytes, guestOffset(0));
    return bytes;
  }

  #convert(extra: readonly string[] = []): Buffer {
    const args = ['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'];
    mustQemuImg(args, { cwd: this.#folder });
    return fs.readFileSync(`${this.#folder}/judge.raw`);
  }
}

const firstDifference = (left: Buffer, right: Buffer): number =>
  left.equals(right) ? -1 : left.findIndex((byte, index) => byte !== right[index]);
