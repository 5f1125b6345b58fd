/** File systems of many kinds as mkfs.xfs makes them: names, contents, free space. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openXfs } from '../../../../src/guest/xfs/xfs';
import { silent } from '../../../../src/qcow2/progress';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import { freeOf, treeOf } from '../../../support/guest/tree';
import { FLAVOURS } from '../../../support/guest/xfs/flavours';
import { judgedFree } from '../../../support/guest/xfs/judge';
import { makeProtoImage } from '../../../support/guest/xfs/proto';
import { workspace, type Workspace } from '../../../support/workspace';

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

describe('reads what mkfs.xfs has made', () => {
  test.each(FLAVOURS.map((flavour, index) => [flavour.name, flavour, index] as const))(
    '%s',
    (_name, flavour, index) => {
      const plan = { files: 100, largeFolder: index % 4 === 0 ? 700 : 0, longest: 50_000 };
      const { path, tree } = makeProtoImage(place.folder, flavour, plan, seededRandom(index));
      const device = new FileDevice(path);
      const system = openXfs(device);
      expect(treeOf(system)).toEqual(tree);
      expect(system.doubts).toEqual([]);
      const free = freeOf(system);
      expect(free).toEqual(judgedFree(path));
      const sum = free.reduce((total, [start, end]) => total + end - start, 0);
      expect(system.used(silent)).toBeLessThanOrEqual(system.size - sum);
      device.close();
    },
  );
});
