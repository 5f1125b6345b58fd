/** exFAT images that were written through a mount, compared with what was seen there. */
import { expect, test } from 'vitest';
import { openExfat } from '../../../../src/guest/fat/exfat';
import { forEachFile } from '../../../../src/guest/walk';
import { silent } from '../../../../src/qcow2/progress';
import { EXFAT_FIXTURES, exfatFacts, exfatFixture } from '../../../support/guest/exfatFixtures';
import { freeOf, treeOf } from '../../../support/guest/tree';

test.each(EXFAT_FIXTURES)('all files of %s are as they were seen through a mount', (name) => {
  const facts = exfatFacts(name);
  const system = openExfat(exfatFixture(name));
  const modified = new Map<string, number | undefined>();
  forEachFile(
    system,
    system.root,
    ({ path, entry }) => modified.set(path, system.stat(entry.id).modified),
    () => undefined,
    silent,
  );
  const ours = [...treeOf(system)].map(([path, { type, size, content }]) =>
    type === 'folder' ? [path] : [path, size, content?.slice(0, 16), modified.get(path)],
  );
  expect(ours.sort(([a], [b]) => (a! < b! ? -1 : 1))).toEqual(facts.list);
  expect(system.kind).toBe('exFAT');
  expect(system.label).toBe(facts.label);
  expect(system.uuid?.replace('-', '').toLowerCase()).toBe(facts.serial.padStart(8, '0'));
  expect(system.blockSize).toBe(facts.clusterSize);
  expect(system.doubts).toEqual([]);
  expect(freeOf(system)).toEqual(facts.freeRuns);
  expect(system.used(silent)).toBe((facts.clusters - facts.freeClusters) * facts.clusterSize);
});

test('some files of the images are in pieces, and some contiguous', () => {
  let [whole, pieces] = [0, 0];
  for (const name of EXFAT_FIXTURES) {
    const system = openExfat(exfatFixture(name));
    const count = ({ entry, type }: { entry: { id: number }; type: string }): void => {
      if (type !== 'file' || system.stat(entry.id).size <= system.blockSize) return;
      if ([...system.extents(entry.id)].length > 1) pieces++;
      else whole++;
    };
    forEachFile(system, system.root, count, () => undefined, silent);
  }
  expect(whole).toBeGreaterThan(100);
  expect(pieces).toBeGreaterThan(100);
});
