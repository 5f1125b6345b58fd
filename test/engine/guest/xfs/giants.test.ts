/** What is large and legitimate costs little. */
import { afterAll, expect, test } from 'vitest';
import { openXfs } from '../../../../src/guest/xfs/xfs';
import { silent } from '../../../../src/qcow2/progress';
import { FileDevice } from '../../../support/guest/devices';
import { freeOf } from '../../../support/guest/tree';
import { judgedFree, xfsDb } from '../../../support/guest/xfs/judge';
import { makeXfs } from '../../../support/guest/xfs/proto';
import { workspace } from '../../../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});

test('8 TiB of free space are told at once', () => {
  const image = place.path('giant.img');
  makeXfs(image, 8 * 1024 * 1024, ['-l', 'size=64m', '-L', 'giant']);
  const device = new FileDevice(image);
  const started = performance.now();
  const system = openXfs(device);
  expect(system.doubts).toEqual([]);
  const free = freeOf(system);
  const used = system.used(silent);
  // Milliseconds; a busy machine takes many times what a quiet one does.
  expect(performance.now() - started).toBeLessThan(1000);
  expect(free).toEqual(judgedFree(image));
  const blocks = Number(/dblocks = (\d+)/u.exec(xfsDb(image, ['sb 0', 'p dblocks']))?.[1]);
  expect(system).toMatchObject({ kind: 'XFS', label: 'giant', size: blocks * 4096, blockSize: 4096 });
  expect(used).toBeLessThan(200 * 2 ** 20);
  device.close();
});
