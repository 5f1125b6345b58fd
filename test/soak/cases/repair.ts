/**
 * Repairs a damaged image: `qemu-img check` finds it clean if its own repair would, and everything that QEMU could read
 * reads the same unless the report names it.
 */
import * as fs from 'node:fs';
import { EngineError } from '../../../src/qcow2/errors';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import type { ProblemCode } from '../../../src/qcow2/problemText';
import { seededRandom } from '../../support/builder/random';
import { damage, patients, type Patient } from '../../support/damage';
import { qemuImg } from '../../support/qemu';
import { repairBytes, salvage, unnamedChange, type RepairedBytes } from '../../support/repairJudge';
import type { CasePlace, Counts } from '../kind';

let everybody: readonly Patient[] | undefined;

export function repair(seed: number, { folder, tell }: CasePlace): Counts {
  everybody ??= patients();
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const { bytes, what } = damage(random.pick(everybody), random);
  tell?.(what);
  fs.writeFileSync(`${folder}/disk.data`, Buffer.alloc(65536, 0xd5));
  fs.writeFileSync(`${folder}/disk.qcow2`, bytes);
  if (!canBeRepaired(bytes)) return { images: 1 };
  let repaired: RepairedBytes;
  try {
    repaired = repairBytes(bytes, 'all', `${folder}/scratch`);
  } catch (error) {
    if (error instanceof EngineError && LIMITS.has(error.problem.code)) return { images: 1, operations: 1 };
    throw new Error(what, { cause: error });
  }
  const wrong = judge(bytes, repaired, folder);
  if (wrong !== undefined) throw new Error(`${what}: ${wrong}`);
  return { images: 1, operations: 2 };
}

const status = (folder: string, file: string, ...options: string[]): number =>
  qemuImg(['check', '-q', ...options, file], { cwd: folder }).status;

/** Problems by which a repair may refuse: there is no room for new structures. */
const LIMITS: ReadonlySet<ProblemCode> = new Set([
  'image.tooLong',
  'refcount.tableFull',
  'check.clusters',
  'check.memory',
  'repair.l1TableMissing',
]);

function canBeRepaired(bytes: Buffer): boolean {
  try {
    const image = Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
    return image.faultFor('repair') === undefined;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** The first fault, or undefined. */
function judge(bytes: Buffer, { report, bytes: after }: RepairedBytes, folder: string): string | undefined {
  fs.writeFileSync(`${folder}/after.qcow2`, after);
  const image = Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
  const ids = image.snapshots.map(({ id }) => id);
  const layers = [undefined, ...ids.keys()].filter(
    (index) => index === undefined || ids.indexOf(ids[index]!) === index,
  );
  const read = (file: string, index: number | undefined) =>
    salvage(folder, file, index === undefined ? undefined : ids[index]);
  const befores = layers.map((index) => read('disk.qcow2', index));
  const ours = status(folder, 'after.qcow2');
  const theirs = status(folder, 'disk.qcow2', '-r', 'all') === 0 && status(folder, 'disk.qcow2') === 0;
  if (theirs && ours !== 0) return `QEMU repairs it, and ends with ${ours} after ours`;
  const isSound = report.after.corruptions + report.after.leaks + report.after.checkErrors === 0;
  if (isSound !== (ours === 0))
    return `our check and QEMU's differ after it: ${ours} ${JSON.stringify(report.after.byKind)}`;
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
