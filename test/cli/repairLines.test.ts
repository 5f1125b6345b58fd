/**
 * The output of `qcow2 check -r` for damaged images beside that of `qemu-img check -r`. `QCOW2_LINES` sets how many images
 * are tried, `QCOW2_LINES_SEED` the first seed; a failure names its case.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REPAIR_TEXT } from '../../src/qcow2/repairText';
import { seededRandom } from '../support/builder/random';
import { command } from '../support/command';
import { damage, patients } from '../support/damage';
import type { Ran } from '../support/process';
import { qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

const COUNT = Number(process.env['QCOW2_LINES'] ?? 100);
const FIRST = Number(process.env['QCOW2_LINES_SEED'] ?? 50);
/** Cases of one test. */
const BATCH = 50;

let place: Workspace;
// QEMU marks bitmaps as in use when it opens an image for writing; relative names of data files are the process's.
const everybody = patients().filter(({ name }) => name !== 'bitmaps' && name !== 'dataFile');
const seen = { all: 0, compared: 0 };

beforeAll(() => {
  place = workspace();
});
afterAll(() => {
  if (process.env['QCOW2_LINES'] !== undefined) console.log(JSON.stringify(seen));
  place.remove();
});

/** Sorted: a table that is named twice has its faults told in another order here. */
function linesOf({ stdout, stderr }: Ran): string[] {
  // Hints of QEMU's, how far it gets with a huge file, what its rebuilding has left of the old structures, and where
  // that puts the new ones.
  const rebuilt = stderr.indexOf('Rebuilding refcount structure');
  const isUnlike = (line: string, at: number): boolean =>
    /^(?:qcow2|qemu-img): |^You can force-remove|^ERROR could not resize/.test(line) ||
    (rebuilt >= 0 && at > rebuilt && line.startsWith('Repairing cluster'));
  let at = 0;
  const lines = stderr.split('\n').filter((line) => {
    at += line.length + 1;
    return line !== '' && !isUnlike(line, at - line.length - 1);
  });
  const report = String(stdout).split('\n');
  return [...lines.sort(), ...report.filter((line) => !line.startsWith('Image end offset'))];
}

/** What only this program repairs, or looks for, has no words of QEMU's. */
const isOurs = (line: string): boolean =>
  /^(?:Lost: |\d+ defects were found)/.test(line) ||
  Object.values(REPAIR_TEXT).some((words) => line.startsWith(`${words}: `));

/** The first difference, or undefined. */
async function tryCase(seed: number, mode: 'leaks' | 'all'): Promise<string | undefined> {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const { bytes, what } = damage(random.pick(everybody), random);
  if (bytes[7] === 3 && random.below(4) === 0) bytes[79]! |= 1;
  const path = place.path('disk.qcow2');
  fs.writeFileSync(path, bytes);
  const theirs = qemuImg(['check', '-r', mode, path]);
  fs.writeFileSync(path, bytes);
  const ours = await command(place.folder, 'check', '-r', mode, path);
  seen.all++;
  const [our, their] = [linesOf(ours), linesOf(theirs)];
  if (our.some(isOurs) || ours.stderr.includes('more findings are not listed')) return undefined;
  // QEMU does not finish this repair.
  if (ours.status === 0 && theirs.status !== 0) return undefined;
  seen.compared++;
  if (ours.status !== theirs.status)
    return `${seed} ${mode} (${what}): exit ${ours.status} ${theirs.status} ${ours.stderr}\n${theirs.stderr}`;
  const at = our.findIndex((line, index) => line !== their[index]);
  if (at < 0 && our.length === their.length) return undefined;
  const index = at < 0 ? our.length : at;
  return `${seed} ${mode} (${what}): line ${index}\nours   ${our.slice(Math.max(0, index - 2), index + 3).join('\n       ')}\ntheirs ${their.slice(Math.max(0, index - 2), index + 3).join('\n       ')}`;
}

describe('a damaged image', () => {
  const batches = Array.from({ length: Math.ceil(COUNT / BATCH) }, (_, index) => FIRST + index * BATCH);
  describe.each(['leaks', 'all'] as const)('repaired with -r %s', (mode) => {
    test.each(batches)(
      'is told as qemu-img tells it (%i and the next 49)',
      { timeout: 120_000 },
      async (first) => {
        const different: string[] = [];
        for (let seed = first; seed < first + BATCH; seed++) {
          const difference = await tryCase(seed, mode);
          if (difference !== undefined) different.push(difference);
        }
        expect(different.join('\n\n')).toBe('');
      },
    );
  });
});
