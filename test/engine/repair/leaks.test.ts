/**
 * Damaged images of which only leaks are repaired: the leaks are gone, and the file is byte for byte what `qemu-img check
 * -r leaks` makes of it, but for the content of clusters that are free now. `QCOW2_LEAKS` sets how many are tried,
 * `QCOW2_LEAK_SEED` where they begin; a failure names its case.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { damage, patients } from '../../support/damage';
import { qemuImg } from '../../support/qemu';
import { repairBytes, type RepairedBytes } from '../../support/repairJudge';
import { type Workspace, workspace } from '../../support/workspace';

const COUNT = Number(process.env['QCOW2_LEAKS'] ?? 300);
const FIRST = Number(process.env['QCOW2_LEAK_SEED'] ?? 0);
/** Cases of one test. */
const BATCH = 50;

let place: Workspace;
// QEMU marks bitmaps as in use when it opens an image for writing, and writes them anew.
const everybody = patients().filter(({ name }) => name !== 'bitmaps');
const seen = { all: 0, leaking: 0, refused: 0 };

beforeAll(() => {
  place = workspace();
  fs.writeFileSync(place.path('disk.data'), Buffer.alloc(65536));
});
afterAll(() => {
  if (process.env['QCOW2_LEAKS'] !== undefined) console.log(JSON.stringify(seen));
  place.remove();
});

/** What is wrong, or undefined. */
function tryCase(seed: number): string | undefined {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const patient = random.pick(everybody);
  const { bytes, what } = damage(patient, random);
  if (bytes[7] === 3 && random.below(8) === 0) bytes[79]! |= 1 + random.below(3);
  fs.writeFileSync(place.path('disk.qcow2'), bytes);
  const judge = qemuImg(['check', '-q', '-r', 'leaks', 'disk.qcow2'], { cwd: place.folder });
  let repaired: RepairedBytes;
  try {
    repaired = repairBytes(bytes, 'leaks', place.path('scratch'));
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw new Error(`${seed} (${what})`, { cause: error });
  }
  const wrong = compare(bytes, repaired, patient.built.model.clusterSize, judge.status, judge.stderr);
  return wrong === undefined ? undefined : `${seed} (${what}): ${wrong}`;
}

function compare(
  before: Buffer,
  { report, bytes: ours }: RepairedBytes,
  clusterSize: number,
  status: number,
  stderr: string,
): string | undefined {
  seen.all++;
  if (report.before.leaks > 0) seen.leaking++;
  if (report.before.needsRebuild || report.before.checkErrors > 0) {
    seen.refused++;
    if (report.changed && report.before.needsRebuild) return 'changed, though refcounts have to be made anew';
    return status === 1 || !report.before.needsRebuild ? undefined : `QEMU does not refuse: ${stderr}`;
  }
  if (report.after.leaks > 0) return `${report.after.leaks} leaks are left`;
  // It cannot be opened for writing at all, say.
  if (status === 1) return undefined;
  const theirs = fs.readFileSync(place.path('disk.qcow2'));
  const freed = new Set<number>();
  for (const { kind, host = 0, clusters = 1, expected } of report.before.findings) {
    if (kind !== 'refcountTooHigh' || expected !== 0) continue;
    for (let at = 0; at < clusters; at++) freed.add(host / clusterSize + at);
  }
  // Whoever opens an image for writing changes its header, and what is in the cluster with it; we do with it only this.
  for (let at = 0; at < clusterSize; at++) {
    if (ours[at] !== before[at] && at !== 79) return `the header changed at ${at}`;
  }
  const isDirty = before[7] === 3 && (before[79]! & 3) !== 0;
  const isSound = report.after.corruptions + report.after.checkErrors + report.after.defects === 0;
  if (isDirty && isSound !== ((ours[79]! & 3) === 0)) return 'the marks are not what the check says';
  for (let at = clusterSize; at < Math.max(ours.length, theirs.length); at++) {
    if (ours[at] === theirs[at] || freed.has(Math.floor(at / clusterSize))) continue;
    return `other bytes than QEMU's at ${at}: ${before[at]} became ${ours[at]}, QEMU has ${theirs[at]}; ${JSON.stringify(report.before.byKind)}`;
  }
  return undefined;
}

describe('a damaged image', () => {
  const batches = Array.from({ length: Math.ceil(COUNT / BATCH) }, (_, index) => FIRST + index * BATCH);
  test.each(batches)('has its leaks repaired (%i and the next 49)', { timeout: 120_000 }, (first) => {
    const wrong = Array.from({ length: BATCH }, (_, index) => tryCase(first + index));
    expect(wrong.filter((line) => line !== undefined).join('\n')).toBe('');
  });
});
