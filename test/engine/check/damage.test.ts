/**
 * Damaged images: the counts of corruptions, leaks and check errors are QEMU's, and so are the words. `QCOW2_DAMAGES` sets how many are
 * tried, `QCOW2_DAMAGE_SEED` where they begin; a failure names its case.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { checkBytes, findingLines, numbersOf, ourLines, qemuCheck } from '../../support/checkJudge';
import { damage, patients } from '../../support/damage';
import { type Workspace, workspace } from '../../support/workspace';

const COUNT = Number(process.env['QCOW2_DAMAGES'] ?? 800);
const FIRST = Number(process.env['QCOW2_DAMAGE_SEED'] ?? 0);
/** Cases of one test. */
const BATCH = 50;

let place: Workspace;
const everybody = patients();

beforeAll(() => {
  place = workspace();
  fs.writeFileSync(place.path('disk.data'), Buffer.alloc(65536));
});
afterAll(() => {
  place.remove();
});

/** What is different, or undefined. */
function tryCase(seed: number): string | undefined {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const { bytes, what } = damage(random.pick(everybody), random);
  fs.writeFileSync(place.path('disk.qcow2'), bytes);
  const judge = qemuCheck(['disk.qcow2'], place.folder);
  const ours = checkBytes(bytes);
  if (ours instanceof EngineError) {
    const isExpected = judge.numbers === undefined;
    return isExpected ? undefined : `${seed} (${what}): refused: ${JSON.stringify(ours.problem)}`;
  }
  // An offset beyond 2^53: no file is that long, and QEMU reads zeroes there.
  if (ours.findings.some(({ problem }) => problem?.code === 'value.tooLarge')) return undefined;
  if (judge.numbers === undefined) {
    // Where QEMU gives up half-way, or does not open the image, there must be something to be found.
    const isFound = ours.corruptions + ours.checkErrors > 0;
    return isFound ? undefined : `${seed} (${what}): QEMU says ${judge.stderr}`;
  }
  const same = JSON.stringify(numbersOf(ours)) === JSON.stringify(judge.numbers);
  if (same) return differentWords(seed, what, findingLines(judge.stderr), ourLines(bytes, ours));
  return `${seed} (${what}):\nours   ${JSON.stringify(numbersOf(ours))}\n       ${JSON.stringify(ours.byKind)}\ntheirs ${JSON.stringify(judge.numbers)}\n${judge.stderr}`;
}

/** The first line that only one of them has. */
function differentWords(
  seed: number,
  what: string,
  theirs: readonly string[],
  ours: readonly string[],
): string | undefined {
  const at = ours.findIndex((line, index) => line !== theirs[index]);
  if (at < 0 && ours.length === theirs.length) return undefined;
  const index = at < 0 ? ours.length : at;
  return `${seed} (${what}):\nours   ${ours[index]}\ntheirs ${theirs[index]}`;
}

describe('a damaged image', () => {
  const batches = Array.from({ length: Math.ceil(COUNT / BATCH) }, (_, index) => FIRST + index * BATCH);
  test.each(batches)('gets the counts that QEMU has (%i and the next 49)', (first) => {
    const different = Array.from({ length: BATCH }, (_, index) => tryCase(first + index));
    expect(different.filter((line) => line !== undefined).join('\n')).toBe('');
  });
});
