/**
 * Compacts a random image in small batches: QEMU finds it clean after each of them and reads the same as before at the end,
 * from snapshots too, bitmaps and VM state are as they were; the file is as short as it can be, and a second run finds
 * nothing to do. Leaks are repaired first.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EngineError } from '../../../src/qcow2/errors';
import { toEnd } from '../../../src/qcow2/progress';
import type { Compacted } from '../../../src/qcow2/space/compact';
import { type Random, seededRandom } from '../../support/builder/random';
import { DISK } from '../../support/changes/imagePlan';
import {
  type Compactable,
  compactFile,
  makeCompactable,
  mustBeClean,
  mustBeShort,
  visible,
  withImage,
} from '../../support/compaction';
import { readWithState } from '../../support/movedEnd';
import type { CasePlace, Counts } from '../kind';

export function compact(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const made = makeCompactable(random, folder, tell);
  if (made === undefined) return { images: 1 };
  const path = `${folder}/${DISK}`;
  const seen = (): Buffer[] => [
    ...visible(folder, made.snapshots).map((content) => Buffer.from(content)),
    ...(made.sizeWithState === undefined ? [] : [readWithState(path, made.sizeWithState)]),
  ];
  const before = seen();
  const { size } = fs.statSync(path);
  const batchBytes = Math.ceil(size / (1 + random.below(60)));
  let batches = 0;
  try {
    const report = compacted(made, { folder, batchBytes, random }, () => {
      batches++;
      mustBeClean(folder);
    });
    tell?.(`${batches} batches, ${JSON.stringify(report)}`);
    assert.equal(report.stopped, undefined);
    mustBeClean(folder);
    seen().forEach((content, index) => {
      assert.ok(content.equals(before[index]!), `content ${index}`);
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

interface Place {
  readonly folder: string;
  readonly batchBytes: number;
  readonly random: Random;
}

/** Compacts an image, as the editor does where it is leaky. @param onSaved called after each batch */
function compacted(
  { leaks }: Compactable,
  { folder, batchBytes, random }: Place,
  onSaved: () => void,
): Compacted {
  const path = `${folder}/${DISK}`;
  if (leaks === 0) return compactFile(path, batchBytes, onSaved);
  const before = fs.readFileSync(path);
  assert.throws(
    () => compactFile(path, batchBytes),
    (error) => error instanceof EngineError && error.problem.code === 'compact.leaks',
  );
  assert.ok(fs.readFileSync(path).equals(before), 'changed, although leaks are in the way');
  if (random.below(2) === 0) return withImage(folder, (image) => toEnd(image.space.compact()));
  withImage(folder, (image) => {
    image.applyRepair('leaks');
    image.save({ keepsUndo: false });
  });
  return compactFile(path, batchBytes, onSaved);
}
