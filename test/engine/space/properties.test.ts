/** Random images, changed at random and saved, give their free space back: QEMU reads all as before, snapshots too. */
import * as fs from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom } from '../../support/builder/random';
import { DISK, makeImage, randomPlan } from '../../support/changes/imagePlan';
import { randomOperation, requestOf } from '../../support/changes/operation';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';

const RUNS = Number(process.env['SPACE_RUNS'] ?? 25);
const SEED = process.env['SPACE_SEED'];

const place = workspace();
afterAll(() => {
  place.remove();
});

test('free space goes, and nothing that anybody reads', { timeout: 3_600_000 }, () => {
  let changed = 0;
  const property = fc.property(fc.nat(1_000_000), (seed) => {
    const folder = fs.mkdtempSync(place.path('run-'));
    const path = `${folder}/${DISK}`;
    const random = seededRandom(seed);
    const plan = randomPlan(random);
    const snapshots = makeImage(plan, random, folder);
    // QEMU 7.2 writes some compressed clusters that it cannot read itself.
    fc.pre(qemuImg(['convert', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder }).status === 0);
    const read = (extra: readonly string[] = []): Buffer => {
      const args = ['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'];
      mustQemuImg(args, { cwd: folder });
      return fs.readFileSync(`${folder}/judge.raw`);
    };
    const readAll = (): Buffer[] => [read(), ...snapshots.map((name) => read(['-l', name]))];
    const image = EditableImage.open(path, { followsNames: true, scratchPath: `${folder}/scratch` });
    try {
      for (let left = 3 + random.below(5); left > 0; left--) {
        image.apply(requestOf(randomOperation(plan, random, { fallback: true, unmap: true })));
      }
      image.save();
      const before = { contents: readAll(), size: fs.statSync(path).size, blocks: fs.statSync(path).blocks };
      const space = image.freeSpace();
      const given = image.giveBack();
      const after = fs.statSync(path);
      expect(after.size).toBe(space.newFileSize);
      expect(given.after).toEqual({ fileSize: after.size, allocatedBytes: after.blocks * 512 });
      expect(after.blocks).toBeLessThanOrEqual(before.blocks);
      if (after.size < before.size || after.blocks < before.blocks) changed++;
      const check = qemuImg(['check', '--output=json', DISK], { cwd: folder });
      expect(`${check.status} ${check.stderr}`).toBe('0 ');
      // Nothing is left behind the last cluster in use.
      const end = (JSON.parse(String(check.stdout)) as { 'image-end-offset': number })['image-end-offset'];
      expect(after.size).toBe(Math.min(before.size, end));
      readAll().forEach((content, index) => {
        expect(content.equals(before.contents[index]!), `content ${index}`).toBe(true);
      });
      expect(image.freeSpace()).toMatchObject({ fileSize: after.size, newFileSize: after.size });
    } catch (error) {
      if (error instanceof EngineError) throw new Error(JSON.stringify(error.problem), { cause: error });
      throw error;
    } finally {
      image.close();
    }
    fs.rmSync(folder, { recursive: true });
  });
  fc.assert(property, { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) });
  // Images are drawn anew each time: which of both it is in a few of them is chance.
  expect(changed).toBeGreaterThan(0);
});
