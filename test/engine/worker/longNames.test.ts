/** Names as long as a header allows: the editor gets only a short part, so that they cannot fill a window. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineClient } from '../../../src/worker/engineClient';
import { IndexClient } from '../../../src/worker/indexClient';
import { EXTENSION, image } from '../../support/imageBuilder';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { type Workspace, workspace } from '../../support/workspace';

const MIB = 2 ** 20;

/** Is shown as six characters for each. */
const HIDDEN = '\u202e';

let worker: BuiltWorker;
let place: Workspace;

beforeAll(() => {
  worker = buildWorker();
  place = workspace();
  const dataFile = Buffer.alloc(2 * MIB - 1024, HIDDEN);
  image({ clusterBits: 21, size: '64M', incompatible: 4n })
    .extension(EXTENSION.dataFileName, dataFile)
    .writeTo(place.path('dataFile.qcow2'));
  const snapshots = image({ size: '1M' }).data(0);
  for (let at = 0; at < 200; at++) snapshots.snapshot(`${HIDDEN.repeat(21_000)}${at}`);
  snapshots.writeTo(place.path('snapshots.qcow2'));
  const bitmaps = image({ size: '1M' }).data(0);
  for (let at = 0; at < 200; at++) bitmaps.bitmap(`${HIDDEN.repeat(330)}${at}`);
  bitmaps.writeTo(place.path('bitmaps.qcow2'));
});
afterAll(() => {
  worker.remove();
  place.remove();
});

const charactersOf = (told: unknown): number => JSON.stringify(told).length;

describe('however long its names are', () => {
  test.each(['dataFile', 'snapshots', 'bitmaps'])('an image is told in a few words: %s', async (name) => {
    const engine = new EngineClient(worker.script);
    const state = await engine.open(place.path(`${name}.qcow2`), { generation: 1, followsNames: true });
    await engine.dispose();
    expect(state.summary).toBeDefined();
    expect(charactersOf(state)).toBeLessThan(MIB);
  });

  test('the index keeps little of each image', async () => {
    const index = new IndexClient(worker.script);
    const [found] = await index.readHeaders([place.path('dataFile.qcow2')]);
    index.dispose();
    expect(found?.format).toBe('qcow2');
    expect(charactersOf(found)).toBeLessThan(8192);
  });
});
