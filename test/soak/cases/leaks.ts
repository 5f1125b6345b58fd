/**
 * Repairs only the leaks of a damaged image: the leaks are gone, and the file equals byte for byte what `qemu-img check
 * -r leaks` makes of it, except for the content of freed clusters.
 */
import * as fs from 'node:fs';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { damage, patients, type Patient } from '../../support/damage';
import { qemuImg } from '../../support/qemu';
import { repairBytes, type RepairedBytes } from '../../support/repairJudge';
import type { CasePlace, Counts } from '../kind';

let everybody: readonly Patient[] | undefined;

export function leaks(seed: number, { folder, tell }: CasePlace): Counts {
  // QEMU marks bitmaps as in use when it opens an image for writing, and writes them again.
  everybody ??= patients().filter(({ name }) => name !== 'bitmaps');
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const patient = random.pick(everybody);
  const { bytes, what } = damage(patient, random);
  tell?.(what);
  if (bytes[7] === 3 && random.below(8) === 0) bytes[79]! |= 1 + random.below(3);
  fs.writeFileSync(`${folder}/disk.data`, Buffer.alloc(65536));
  fs.writeFileSync(`${folder}/disk.qcow2`, bytes);
  const { status, stderr } = qemuImg(['check', '-q', '-r', 'leaks', 'disk.qcow2'], { cwd: folder });
  let repaired: RepairedBytes;
  try {
    repaired = repairBytes(bytes, 'leaks', `${folder}/scratch`);
  } catch (error) {
    if (error instanceof EngineError) return { images: 1, operations: 1 };
    throw new Error(what, { cause: error });
  }
  const theirs = { status, stderr, bytes: fs.readFileSync(`${folder}/disk.qcow2`) };
  const wrong = compare(bytes, repaired, patient.built.model.clusterSize, theirs);
  if (wrong !== undefined) throw new Error(`${what}: ${wrong}`);
  return { images: 1, operations: 2 };
}

/** QEMU's repair. */
interface Theirs {
  readonly status: number;
  readonly stderr: string;
  readonly bytes: Buffer;
}

/** How our repair differs from QEMU's, or undefined. */
function compare(
  before: Buffer,
  { report, bytes: ours }: RepairedBytes,
  clusterSize: number,
  { status, stderr, bytes: theirs }: Theirs,
): string | undefined {
  if (report.before.needsRebuild || report.before.checkErrors > 0) {
    if (report.changed && report.before.needsRebuild) return 'changed, although refcounts have to be rebuilt';
    return status === 1 || !report.before.needsRebuild ? undefined : `QEMU does not refuse: ${stderr}`;
  }
  // Refcount blocks that something else uses, too, are not written; QEMU writes those that data lies on.
  const overlaps = report.before.findings.filter(({ kind }) => kind === 'overlap');
  const shared = new Set(overlaps.map(({ host = 0 }) => host / clusterSize));
  if (report.after.leaks > 0 && shared.size === 0) return `${report.after.leaks} leaks are left`;
  // It cannot be opened for writing at all, say.
  if (status === 1) return undefined;
  const freed = new Set<number>();
  for (const { kind, host = 0, clusters = 1, expected } of report.before.findings) {
    if (kind !== 'refcountTooHigh' || expected !== 0) continue;
    for (let at = 0; at < clusters; at++) freed.add(host / clusterSize + at);
  }
  // QEMU rewrites the header cluster when it opens an image for writing; we change only these fields of it.
  for (let at = 0; at < clusterSize; at++) {
    if (ours[at] !== before[at] && at !== 79) return `the header changed at ${at}`;
  }
  const isDirty = before[7] === 3 && (before[79]! & 3) !== 0;
  const isSound = report.after.corruptions + report.after.checkErrors + report.after.defects === 0;
  if (isDirty && isSound !== ((ours[79]! & 3) === 0)) return 'the marks are not what the check says';
  // QEMU counts a snapshot's L1 table as metadata whatever size it claims, and does not write refcounts within it.
  if (stderr.includes('Preventing invalid write on metadata')) return undefined;
  for (let at = clusterSize; at < Math.max(ours.length, theirs.length); at++) {
    const cluster = Math.floor(at / clusterSize);
    if (ours[at] === theirs[at] || freed.has(cluster)) continue;
    // QEMU completes the last cluster of a file that ends within one.
    if (theirs[at] === 0 && at >= ours.length && cluster === Math.floor(ours.length / clusterSize)) continue;
    if (shared.has(cluster) && ours[at] === before[at]) continue;
    return `other bytes than QEMU's at ${at}: ${before[at]} became ${ours[at]}, QEMU has ${theirs[at]}; ${JSON.stringify(report.before.byKind)}`;
  }
  return undefined;
}
