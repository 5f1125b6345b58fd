/** Gives back the free space of a random image after random changes: QEMU reads the same as before, snapshots too. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { DISK, makeImage, randomPlan } from '../../support/changes/imagePlan';
import { describeOperation, randomOperation, requestOf } from '../../support/changes/operation';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import type { CasePlace, Counts } from '../kind';

export function giveBack(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  const plan = randomPlan(random);
  tell?.(JSON.stringify(plan));
  const snapshots = makeImage(plan, random, folder);
  // QEMU 7.2 writes some compressed clusters that it cannot read itself.
  const isReadable = qemuImg(['convert', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder }).status === 0;
  if (!isReadable) return { images: 1 };
  const image = EditableImage.open(`${folder}/${DISK}`, {
    followsNames: true,
    scratchPath: `${folder}/scratch`,
  });
  try {
    const count = 3 + random.below(5);
    for (let left = count; left > 0; left--) {
      const operation = randomOperation(plan, random, { fallback: true, unmap: true });
      tell?.(describeOperation(operation));
      image.apply(requestOf(operation));
    }
    image.save();
    compare(image, folder, snapshots);
    return { images: 1, operations: count + 2 };
  } catch (error) {
    if (error instanceof EngineError) throw new Error(JSON.stringify(error.problem), { cause: error });
    throw error;
  } finally {
    image.close();
  }
}

function compare(image: EditableImage, folder: string, snapshots: readonly string[]): void {
  const path = `${folder}/${DISK}`;
  const read = (extra: readonly string[] = []): Buffer => {
    mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder });
    return fs.readFileSync(`${folder}/judge.raw`);
  };
  const readAll = (): Buffer[] => [read(), ...snapshots.map((name) => read(['-l', name]))];
  const { size, blocks } = fs.statSync(path);
  const contents = readAll();
  const space = image.space.free();
  const given = image.space.giveBack();
  const after = fs.statSync(path);
  assert.equal(after.size, space.newFileSize);
  assert.deepEqual(given.after, { fileSize: after.size, allocatedBytes: after.blocks * 512 });
  assert.ok(after.blocks <= blocks, `${after.blocks} blocks, ${blocks} before`);
  const check = qemuImg(['check', '--output=json', DISK], { cwd: folder });
  assert.equal(`${check.status} ${check.stderr}`, '0 ');
  // Nothing is left behind the last cluster in use.
  const end = (JSON.parse(String(check.stdout)) as { 'image-end-offset': number })['image-end-offset'];
  assert.equal(after.size, Math.min(size, end));
  readAll().forEach((content, index) => {
    assert.ok(content.equals(contents[index]!), `content ${index}`);
  });
  const { fileSize, newFileSize } = image.space.free();
  assert.deepEqual({ fileSize, newFileSize }, { fileSize: after.size, newFileSize: after.size });
}
