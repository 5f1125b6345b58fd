/**
 * Damaged images, repaired: `qemu-img check` finds each clean that its own repair can mend, and most that it cannot;
 * nothing that QEMU could read reads differently unless the report names it. `QCOW2_REPAIRS` sets how many are tried,
 * `QCOW2_REPAIR_SEED` where they begin; a failure names its case.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../../src/qcow2/errors';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import type { ProblemCode } from '../../../src/qcow2/problemText';
import { seededRandom } from '../../support/builder/random';
import { damage, patients } from '../../support/damage';
import { qemuImg } from '../../support/qemu';
import { repairBytes, salvage, unnamedChange, type RepairedBytes } from '../../support/repairJudge';
import { type Workspace, workspace } from '../../support/workspace';

const COUNT = Number(process.env['QCOW2_REPAIRS'] ?? 200);
const FIRST = Number(process.env['QCOW2_REPAIR_SEED'] ?? 0);
/** Cases of one test. */
const BATCH = 25;

let place: Workspace;
const everybody = patients();
/** How often QEMU's own repair does not come to a clean image, and how often ours does then. */
const beyond = { qemu: 0, ours: 0, all: 0 };

beforeAll(() => {
  place = workspace();
  fs.writeFileSync(place.path('disk.data'), Buffer.alloc(65536, 0xd5));
});
afterAll(() => {
  if (process.env['QCOW2_REPAIRS'] !== undefined) console.log(JSON.stringify(beyond));
  place.remove();
});

const status = (file: string, ...options: string[]): number =>
  qemuImg(['check', '-q', ...options, file], { cwd: place.folder }).status;

/** What a repair refuses by name: there is no room for what it would have to make. */
const LIMITS: ReadonlySet<ProblemCode> = new Set([
  'image.tooLong',
  'refcount.tableFull',
  'check.clusters',
  'check.memory',
]);

function canBeOpened(bytes: Buffer): boolean {
  try {
    Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** What is wrong, or undefined. */
function tryCase(seed: number): string | undefined {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const { bytes, what } = damage(random.pick(everybody), random);
  fs.writeFileSync(place.path('disk.qcow2'), bytes);
  if (!canBeOpened(bytes)) return undefined;
  let repaired: RepairedBytes;
  try {
    repaired = repairBytes(bytes, 'all', place.path('scratch'));
  } catch (error) {
    if (error instanceof EngineError && LIMITS.has(error.problem.code)) return undefined;
    throw new Error(`${seed} (${what})`, { cause: error });
  }
  const wrong = judge(bytes, repaired);
  return wrong === undefined ? undefined : `${seed} (${what}): ${wrong}`;
}

function judge(bytes: Buffer, { report, bytes: after }: RepairedBytes): string | undefined {
  fs.writeFileSync(place.path('after.qcow2'), after);
  const image = Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
  const ids = image.snapshots.map(({ id }) => id);
  const layers = [undefined, ...ids.keys()].filter(
    (index) => index === undefined || ids.indexOf(ids[index]!) === index,
  );
  const read = (file: string, index: number | undefined) =>
    salvage(place.folder, file, index === undefined ? undefined : ids[index]);
  const befores = layers.map((index) => read('disk.qcow2', index));
  const ours = status('after.qcow2');
  const theirs = status('disk.qcow2', '-r', 'all') === 0 && status('disk.qcow2') === 0;
  beyond.all++;
  if (!theirs) beyond.qemu++;
  if (!theirs && ours === 0) beyond.ours++;
  if (theirs && ours !== 0) return `QEMU repairs it, and ends with ${ours} after ours`;
  const isSound = report.after.corruptions + report.after.leaks + report.after.checkErrors === 0;
  if (isSound !== (ours === 0))
    return `our check and QEMU's differ after it: ${ours} ${JSON.stringify(report.after.byKind)}`;
  if (!isSound && process.env['QCOW2_STRICT'] !== undefined)
    return `left: ${JSON.stringify(report.after.byKind)}`;
  if (!isSound) return undefined;
  for (const [at, index] of layers.entries()) {
    const before = befores[at];
    if (before === undefined) continue;
    const then = read('after.qcow2', index);
    const isRemoved = report.losses.some(
      ({ snapshot, why }) => snapshot === index && why.startsWith('snapshotL1'),
    );
    if (then === undefined && isRemoved) continue;
    if (then === undefined) return `layer ${index ?? 'active'} cannot be read`;
    const change = unnamedChange(before, then, report.losses, index);
    if (change !== undefined) return `layer ${index ?? 'active'} ${change}`;
  }
  return undefined;
}

describe('a damaged image', () => {
  const batches = Array.from({ length: Math.ceil(COUNT / BATCH) }, (_, index) => FIRST + index * BATCH);
  test.each(batches)('is repaired (%i and the next 24)', { timeout: 120_000 }, (first) => {
    const wrong = Array.from({ length: BATCH }, (_, index) => tryCase(first + index));
    expect(wrong.filter((line) => line !== undefined).join('\n')).toBe('');
  });
});
