/** Every variant of the format, judged by debugfs and dumpe2fs. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openExt } from '../../../../src/guest/ext/extSystem';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import { makeImage, makeTree, VARIANTS } from '../../../support/guest/extImages';
import { expectAsJudged, folderTree } from '../../../support/guest/extJudge';
import type { TreeFile } from '../../../support/guest/tree';
import { workspace } from '../../../support/workspace';

const place = workspace();
const tree = place.path('tree');
let expected = new Map<string, TreeFile>();

beforeAll(() => {
  fs.mkdirSync(tree);
  makeTree(tree, seededRandom(1), 40);
  expected = folderTree(tree);
});
afterAll(() => {
  place.remove();
});

describe('ext, as mke2fs makes it', () => {
  it.each(Object.keys(VARIANTS))('is read as the tools read it: %s', (variant) => {
    const image = makeImage(variant, place.folder, tree);
    const device = new FileDevice(image);
    try {
      const system = openExt(device);
      expect(system.doubts).toEqual([]);
      expect(system.label).toBe('Ümlaut');
      expect(expectAsJudged(image, system, expected)).toBeGreaterThan(100);
    } finally {
      device.close();
    }
  });
});
