/** A damaged image: the counts of corruptions, leaks and check errors, and the lines, equal QEMU's. */
import * as fs from 'node:fs';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { checkBytes, findingLines, numbersOf, ourLines, qemuCheck } from '../../support/checkJudge';
import { damage as damaged, patients, type Patient } from '../../support/damage';
import type { CasePlace, Counts } from '../kind';

let everybody: readonly Patient[] | undefined;

export function damage(seed: number, { folder, tell }: CasePlace): Counts {
  everybody ??= patients();
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const { bytes, what } = damaged(random.pick(everybody), random);
  tell?.(what);
  fs.writeFileSync(`${folder}/disk.data`, Buffer.alloc(65536));
  fs.writeFileSync(`${folder}/disk.qcow2`, bytes);
  const difference = differenceOf(bytes, folder);
  if (difference !== undefined) throw new Error(`${what}: ${difference}`);
  return { images: 1, operations: 2 };
}

/** The first difference, or undefined. */
function differenceOf(bytes: Buffer, folder: string): string | undefined {
  const judge = qemuCheck(['disk.qcow2'], folder);
  const ours = checkBytes(bytes);
  if (ours instanceof EngineError) {
    const isExpected = judge.numbers === undefined;
    return isExpected ? undefined : `refused: ${JSON.stringify(ours.problem)}`;
  }
  // An offset beyond 2^53: no file is that long, and QEMU reads zeroes there.
  if (ours.findings.some(({ problem }) => problem?.code === 'value.tooLarge')) return undefined;
  if (judge.numbers === undefined) {
    // Where QEMU gives up half-way, or does not open the image, there must be something to be found.
    const isFound = ours.corruptions + ours.checkErrors > 0;
    return isFound ? undefined : `QEMU says ${judge.stderr}`;
  }
  const same = JSON.stringify(numbersOf(ours)) === JSON.stringify(judge.numbers);
  if (same) return differentWords(findingLines(judge.stderr), ourLines(bytes, ours));
  return `\nours   ${JSON.stringify(numbersOf(ours))}\n       ${JSON.stringify(ours.byKind)}\ntheirs ${JSON.stringify(judge.numbers)}\n${judge.stderr}`;
}

/** The first line that only one of them has. */
function differentWords(theirs: readonly string[], ours: readonly string[]): string | undefined {
  const at = ours.findIndex((line, index) => line !== theirs[index]);
  if (at < 0 && ours.length === theirs.length) return undefined;
  const index = at < 0 ? ours.length : at;
  return `\nours   ${ours[index]}\ntheirs ${theirs[index]}`;
}
