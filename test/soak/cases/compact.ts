/**
 * Compacts a random image in small batches: QEMU finds it clean after each of them and reads the same as before at the end,
 * from snapshots too; the file is as short as it can be, and a second run finds nothing to do.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { DISK } from '../../support/changes/imagePlan';
import { compactFile, makeCompactable, mustBeClean, mustBeShort, visible } from '../../support/compaction';
import type { CasePlace, Counts } from '../kind';

export function compact(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const snapshots = makeCompactable(random, folder, tell);
  if (snapshots === undefined) return { images: 1 };
  const path = `${folder}/${DISK}`;
  const before = visible(folder, snapshots);
  const { size } = fs.statSync(path);
  const batchBytes = Math.ceil(size / (1 + random.below(60)));
  let batches = 0;
  try {
    const report = compactFile(path, batchBytes, () => {
      batches++;
      mustBeClean(folder);
    });
    tell?.(`${batches} batches, ${JSON.stringify(report)}`);
    assert.equal(report.stopped, undefined);
    mustBeClean(folder);
    visible(folder, snapshots).forEach((content, index) => {
      assert.ok(Buffer.from(content).equals(Buffer.from(before[index] ?? '')), `content ${index}`);
    });
    mustBeShort(path);
    assert.deepEqual(compactFile(path, batchBytes).changed, false);
    assert.deepEqual(
      fs.readdirSync(folder).filter((name) => name.includes('journal')),
      [],
    );
  } catch (error) {
    if (error instanceof EngineError) throw new Error(JSON.stringify(error.problem), { cause: error });
    throw error;
  }
  return { images: 1, operations: batches + 1 };
}
