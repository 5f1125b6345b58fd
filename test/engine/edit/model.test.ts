/**
 * Random edits of random images, against a model that is whole disks in a row: after every step the guest reads what
 * the model has; after every save, QEMU finds the image clean, reads the same, and reads from every snapshot what it
 * held before. What fails is shrunk to the steps that matter. EDIT_RUNS and EDIT_SEED run more of them.
 */
import * as fs from 'node:fs';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
import { type Workspace, workspace } from '../../support/workspace';

const RUNS = Number(process.env['EDIT_RUNS'] ?? 20);
const SEED = process.env['EDIT_SEED'];

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

type Step =
  | { readonly do: 'change'; readonly seed: number }
  | { readonly do: 'undo' | 'redo' | 'save' | 'reopen' | 'restore' | 'revive' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('change' as const), seed: fc.nat(1_000_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('undo' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('redo' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revive' as const) }) },
);

class Run {
  #image: EditableImage;
  /** The disk after each edit, the first one before all. */
  #disks: Buffer[];
  #now = 0;
  /** What is on disk. */
  #saved: Buffer;
  readonly #snapshots: ReadonlyMap<string, Buffer>;
  readonly #folder: string;
  readonly looksFirst: boolean;

  constructor(
    readonly plan: ImagePlan,
    seed: number,
  ) {
    this.#folder = fs.mkdtempSync(place.path('run-'));
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
        this.#change(randomOperation(this.plan, seededRandom(each.seed)));
        break;
      case 'undo':
        expect(this.#image.undo()).toBe(this.#now > 0);
        this.#now = Math.max(0, this.#now - 1);
        break;
      case 'redo':
        expect(this.#image.redo()).toBe(this.#now < this.#disks.length - 1);
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
    expect(firstDifference(this.#read(), this.#disks[this.#now]!), each.do).toBe(-1);
  }

  end(): void {
    this.#image.close();
    fs.rmSync(this.#folder, { recursive: true });
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
    expect(this.#image.edits.unsaved).toBe(0);
    this.#saved = this.#disks[this.#now]!;
    const check = qemuImg(['check', DISK], { cwd: this.#folder });
    expect(`${check.status} ${check.stderr}`, String(check.stdout)).toBe('0 ');
    expect(firstDifference(this.#convert(), this.#saved), 'as QEMU reads it').toBe(-1);
    for (const [name, content] of this.#snapshots) {
      expect(firstDifference(this.#convert(['-l', name]), content), `snapshot ${name}`).toBe(-1);
    }
  }

  /** As the editor does it when a thread has died: the whole history comes back, with undo past a save. */
  #revive(): void {
    const { edits } = this.#image;
    const { pages } = this.#image.backUp(`${this.#folder}/backup`, 'history');
    this.#image.close();
    this.#image = this.#open();
    const { missing } = this.#image.restore(`${this.#folder}/backup`);
    expect(missing).toBe(0);
    expect(this.#image.edits).toEqual(edits);
    for (const name of [pages, 'backup']) fs.rmSync(`${this.#folder}/${name}`);
  }

  /** Backs the edits up, and brings them back on the image as it is opened anew. */
  #restore(): void {
    const { unsaved } = this.#image.edits;
    const now = this.#disks[this.#now]!;
    this.#image.backUp(`${this.#folder}/backup`);
    this.#image.close();
    this.#image = this.#open();
    if (unsaved > 0) this.#image.restore(`${this.#folder}/backup`);
    const edits = this.#image.edits.undoable;
    // Restored edits lead from the disk to now; what was between them is known only where they are the same.
    const isStraight = edits === unsaved && this.#disks[this.#now - edits]?.equals(this.#saved) === true;
    this.#disks = isStraight
      ? this.#disks.slice(this.#now - edits, this.#now + 1)
      : [this.#saved, ...(edits === 0 ? [] : [now])];
    this.#now = this.#disks.length - 1;
    for (const name of fs.readdirSync(this.#folder)) {
      if (/^(pages-|backup)/.test(name)) fs.rmSync(`${this.#folder}/${name}`);
    }
  }

  #open(): EditableImage {
    const scratchPath = `${this.#folder}/scratch`;
    const image = EditableImage.open(`${this.#folder}/${DISK}`, { followsNames: true, scratchPath });
    // What the check has read is not read again by the edits that follow, as in the editor; others begin unseen.
    if (this.looksFirst)
      expect(image.obstacles().filter(({ severity }) => severity === 'refuse')).toEqual([]);
    return image;
  }

  #read(): Buffer {
    const { top, layers } = this.#image.chain;
    const bytes = Buffer.alloc(top.size);
    readGuest(layers, bytes, 0);
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

test(
  'edits, undone and done again, saved, reopened and restored, are what the model says',
  { timeout: 3_600_000 },
  () => {
    let steps = 0;
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
        (seed, list) => {
          const run = new Run(randomPlan(seededRandom(seed)), seed);
          try {
            for (const each of list) {
              run.take(each);
              steps++;
            }
          } finally {
            run.end();
          }
        },
      ),
      { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
    console.log(`${steps} steps in ${RUNS} runs`);
  },
);
