/**
 * Policy `zero-flag` against QEMU 7.2: the same random changes of twins of one image, by the engine and by qemu-io.
 * Afterwards both map and read alike. With policy `unallocate` both read alike. TWIN_CASES and TWIN_SEED run more of
 * them, TWIN_CASE a single one.
 */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
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
import { type Workspace, workspace } from '../../support/workspace';

const SEED = Number(process.env['TWIN_SEED'] ?? 7);
const CASES = Number(process.env['TWIN_CASES'] ?? 25);
const ONLY = process.env['TWIN_CASE'];
const OPERATIONS = 8;

let place: Workspace;
let twins: Workspace;
beforeEach(() => {
  place = workspace();
  twins = workspace();
});
afterEach(() => {
  place.remove();
  twins.remove();
});

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

function makeTwins(plan: ImagePlan, index: number): void {
  // Not copied: holes of the files count, too.
  for (const { folder } of [place, twins]) makeImage(plan, seededRandom(SEED * 7 + index), folder);
}

function changeTwins(operations: readonly Operation[]): void {
  const staged = new StagedImage(place.path(DISK));
  for (const operation of operations) apply(staged, operation);
  staged.flush();
  staged.close();
  const commands = operations.flatMap((operation) => ['-c', qemuIoCommand(operation)]);
  // Refusals (no fallback, version 2) end with 1; the commands after them are run all the same.
  run('qemu-io', [...QEMU_IO, ...commands, DISK], { cwd: twins.folder });
  const check = qemuImg(['check', DISK], { cwd: place.folder });
  expect(`${check.status} ${check.stderr}`, String(check.stdout)).toBe('0 ');
}

const UNMAP = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
/** A row of the map where nothing is allocated and nothing shows through. */
const NOTHING = { depth: 0, present: false, zero: true, data: false };

/** Whole clusters from the middle of the disk to its end. */
function half({ size, clusterBits }: ImagePlan): { readonly start: number; readonly length: number } {
  const start = Math.floor(size / 2 ** (clusterBits + 1)) * 2 ** clusterBits;
  return { start, length: size - start };
}

const cases = ONLY === undefined ? Array.from({ length: CASES }, (_, index) => index) : [Number(ONLY)];
describe.each(cases)(`seed ${SEED}, case %i`, (index) => {
  const random = seededRandom(SEED * 1_000_033 + index);
  const plan = randomPlan(random);

  test('maps and reads as QEMU does after the same changes', () => {
    const operations = Array.from({ length: OPERATIONS }, () =>
      randomOperation(plan, random, { policy: 'zero-flag', thorough: false, fallback: true }),
    );
    const words = [JSON.stringify(plan), ...operations.map(describeOperation)].join('\n');
    makeTwins(plan, index);
    changeTwins(operations);
    expect(bytesOf(place.folder).equals(bytesOf(twins.folder)), words).toBe(true);
    // Where a request begins or ends in a compressed cluster with subclusters, QEMU writes zeroes to the whole clusters
    // of the request, too. Here only the subclusters of that cluster are written.
    if (plan.extendedL2 && plan.compressed) return;
    expect(shapeOf(place.folder), words).toStrictEqual(shapeOf(twins.folder));
  });

  test('reads as QEMU does where clusters become unallocated, and has no zero flag there', () => {
    const operations = Array.from({ length: OPERATIONS }, () =>
      randomOperation(plan, random, { policy: 'unallocate', fallback: true }),
    );
    const last = { kind: 'zero', options: UNMAP, ...half(plan) } as const;
    operations.push(last);
    const words = [JSON.stringify(plan), ...operations.map(describeOperation)].join('\n');
    makeTwins(plan, index);
    changeTwins(operations);
    expect(bytesOf(place.folder).equals(bytesOf(twins.folder)), words).toBe(true);
    if (plan.backing !== undefined) return;
    const range = [`--start-offset=${last.start}`, `--max-length=${last.length}`];
    const map = mustQemuImg(['map', '--output=json', ...range, DISK], { cwd: place.folder });
    expect(JSON.parse(String(map)), words).toStrictEqual([
      { ...NOTHING, start: last.start, length: last.length },
    ]);
  });
});
