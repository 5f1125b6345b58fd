/**
 * Policy `zero-flag` against QEMU 7.2: the engine and qemu-io make the same random changes on two copies of an image.
 * Afterwards both have the same map and content. With policy `unallocate` both have the same content.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom, type Random } from '../../support/builder/random';
import { DISK, makeImage, QEMU_IO, randomPlan, type ImagePlan } from '../../support/changes/imagePlan';
import {
  applyToEngine,
  describeOperation,
  qemuIoCommand,
  randomOperation,
  type Operation,
} from '../../support/changes/operation';
import { run } from '../../support/process';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { StagedImage } from '../../support/stagedImage';
import type { CasePlace, Counts } from '../kind';

const OPERATIONS = 8;

export function twins(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  const plan = randomPlan(random);
  tell?.(JSON.stringify(plan));
  new Twins(plan, seed, folder).compareZeroFlag(random);
  new Twins(plan, seed, folder).compareUnallocate(random);
  return { images: 4, operations: 4 * OPERATIONS + 1 };
}

interface Row {
  start: number;
  length: number;
  zero: boolean;
  readonly data: boolean;
}

/**
 * What the map says without where things are in the file: where the next cluster comes from is each program's own.
 * Rows that differ in nothing else become one. Nor are data clusters asked for holes in the host file: who writes zeroes
 * to them, and who leaves a hole, is each program's own, too.
 */
function shapeOf(folder: string): Row[] {
  const text = String(mustQemuImg(['map', '--output=json', '-f', 'qcow2', DISK], { cwd: folder }));
  const rows = JSON.parse(text, (key, value: unknown) => (key === 'offset' ? undefined : value)) as Row[];
  const merged: Row[] = [];
  for (const row of rows) {
    row.zero &&= !row.data;
    const last = merged.at(-1);
    const like = last && JSON.stringify({ ...row, start: last.start, length: last.length });
    if (last !== undefined && like === JSON.stringify(last)) last.length += row.length;
    else merged.push(row);
  }
  return merged;
}

function bytesOf(folder: string): Buffer {
  mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder });
  return fs.readFileSync(`${folder}/judge.raw`);
}

function apply(staged: StagedImage, operation: Operation): void {
  try {
    staged.change((context) => applyToEngine(context, operation));
  } catch (error) {
    if (!(error instanceof EngineError) || !error.problem.code.startsWith('zero.')) throw error;
  }
}

const UNMAP = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
/** A row of the map where nothing is allocated and nothing shows through. */
const NOTHING = { depth: 0, present: false, zero: true, data: false };

class Twins {
  /** The engine's. */
  readonly #ours: string;
  /** QEMU's. */
  readonly #theirs: string;

  constructor(
    readonly plan: ImagePlan,
    seed: number,
    folder: string,
  ) {
    [this.#ours, this.#theirs] = [`${folder}/ours`, `${folder}/theirs`];
    // Not copied: holes of the files count, too.
    for (const each of [this.#ours, this.#theirs]) {
      fs.rmSync(each, { recursive: true, force: true });
      fs.mkdirSync(each);
      makeImage(plan, seededRandom(Math.imul(seed + 1, 7)), each);
    }
  }

  /** With policy `zero-flag`, both map and read alike. */
  compareZeroFlag(random: Random): void {
    const operations = Array.from({ length: OPERATIONS }, () =>
      randomOperation(this.plan, random, { policy: 'zero-flag', thorough: false, fallback: true }),
    );
    const words = this.#change(operations);
    // Where a request begins or ends in a compressed cluster with subclusters, QEMU writes zeroes to the whole clusters
    // of the request, too. Here only the subclusters of that cluster are written.
    if (this.plan.extendedL2 && this.plan.compressed) return;
    assert.deepEqual(shapeOf(this.#ours), shapeOf(this.#theirs), words);
  }

  /** With policy `unallocate`, both have the same content, and the last unmapped range is not allocated. */
  compareUnallocate(random: Random): void {
    const operations = Array.from({ length: OPERATIONS }, () =>
      randomOperation(this.plan, random, { policy: 'unallocate', fallback: true }),
    );
    const last = { kind: 'zero', options: UNMAP, ...half(this.plan) } as const;
    const words = this.#change([...operations, last]);
    if (this.plan.backing !== undefined) return;
    const range = [`--start-offset=${last.start}`, `--max-length=${last.length}`];
    const map = mustQemuImg(['map', '--output=json', ...range, DISK], { cwd: this.#ours });
    const rows = [{ ...NOTHING, start: last.start, length: last.length }];
    assert.deepEqual(JSON.parse(String(map)), rows, words);
  }

  /** @returns a description of the change */
  #change(operations: readonly Operation[]): string {
    const words = [JSON.stringify(this.plan), ...operations.map(describeOperation)].join('\n');
    const staged = new StagedImage(`${this.#ours}/${DISK}`);
    for (const operation of operations) apply(staged, operation);
    staged.flush();
    staged.close();
    const commands = operations.flatMap((operation) => ['-c', qemuIoCommand(operation)]);
    // Refusals (no fallback, version 2) end with 1; the commands after them are run all the same.
    run('qemu-io', [...QEMU_IO, ...commands, DISK], { cwd: this.#theirs });
    const check = qemuImg(['check', DISK], { cwd: this.#ours });
    assert.equal(`${check.status} ${check.stderr}`, '0 ', `${String(check.stdout)}\n${words}`);
    assert.ok(bytesOf(this.#ours).equals(bytesOf(this.#theirs)), `they read differently\n${words}`);
    return words;
  }
}

/** Whole clusters from the middle of the disk to its end. */
function half({ size, clusterBits }: ImagePlan): { readonly start: number; readonly length: number } {
  const start = Math.floor(size / 2 ** (clusterBits + 1)) * 2 ** clusterBits;
  return { start, length: size - start };
}
