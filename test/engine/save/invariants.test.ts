/** Proves three invariants of src/qcow2/save/save.ts by the order of writes; each of the others has a test elsewhere. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PageStore } from '../../../src/qcow2/io/pageStore';
import { StagedFile } from '../../../src/qcow2/io/stagedFile';
import { save } from '../../../src/qcow2/save/save';
import { ROOT } from '../../../scripts/lib/paths.mjs';
import { stage } from '../../faults/scenarios';
import { SimulatedDisk } from '../../faults/simulatedDisk';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';

const IMAGE = '/image';
/** Numbers of the simulated disk: the image is its first file, the journal the first that is created. */
const [IMAGE_FILE, JOURNAL_FILE] = [0, 1];

const place = workspace();
afterAll(() => {
  place.remove();
});

/** An image with clusters of 512 bytes to which QEMU has written in this order. */
function imageOf(...writes: string[]): Uint8Array {
  const file = place.path('made.qcow2');
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', file, '1M']);
  mustQemuIo(file, writes);
  return fs.readFileSync(file);
}

function saveOn(disk: SimulatedDisk, before: Uint8Array, after: Uint8Array): void {
  const image = new StagedFile(disk.open(IMAGE), new PageStore(place.path('scratch')));
  stage(image, before, after);
  save({ image }, disk);
}

describe('a save that makes the file shorter', () => {
  const before = imageOf('write 0 512', 'write 32k 512', 'write 64k 32k');
  const after = imageOf('write 0 512', 'write 32k 512');
  const disk = new SimulatedDisk(new Map([[IMAGE, before]]));
  saveOn(disk, before, after);
  const isOnImage = (action: (typeof disk.log)[number]): boolean =>
    (action.kind === 'write' || action.kind === 'truncate') && action.file === IMAGE_FILE;

  it('S1: does not touch the image before the journal and its folder are flushed', () => {
    const first = disk.log.findIndex(isOnImage);
    const prepared = disk.log.slice(0, first);
    const written = prepared.findLastIndex(({ kind }) => kind === 'write');
    const flushed = prepared.findLastIndex(
      (action) => action.kind === 'flush' && action.file === JOURNAL_FILE,
    );
    const folder = prepared.findLastIndex(({ kind }) => kind === 'flushFolder');
    expect(written).toBeGreaterThan(0);
    expect(flushed).toBeGreaterThan(written);
    expect(folder).toBeGreaterThan(flushed);
  });

  it('S8: cuts the image only after the commit', () => {
    const cut = disk.log.findIndex((action) => action.kind === 'truncate' && action.file === IMAGE_FILE);
    expect(disk.log[cut]).toMatchObject({ size: after.length });
    expect(disk.log.slice(cut + 1).some(isOnImage)).toBe(false);
    expect(disk.log[cut - 1]).toEqual({ kind: 'flush', file: IMAGE_FILE });
  });
});

it('S7: a save in which data would become a table writes nothing', () => {
  const before = imageOf('write 0 512', 'write 512 512', 'write 32k 512');
  // The second write, an L2 table, lies where the other image has data.
  const after = imageOf('write 0 512', 'write 32k 512');
  const disk = new SimulatedDisk(new Map([[IMAGE, before]]));
  expect(
    problemOf(() => {
      saveOn(disk, before, after);
    }),
  ).toMatchObject({ code: 'save.overlap', what: 'guest data' });
  expect(disk.log).toEqual([]);
});

it('each invariant is named by a test that proves it', () => {
  const head = fs.readFileSync(path.join(ROOT, 'src/qcow2/save/save.ts'), 'utf8').split('*/')[0]!;
  const numbers = [...head.matchAll(/^ \* {3}(S\d+) /gm)].map(([, number]) => number);
  const tests = ['test/engine/save', 'test/faults']
    .flatMap((folder) => fs.readdirSync(path.join(ROOT, folder)).map((name) => path.join(ROOT, folder, name)))
    .map((file) => fs.readFileSync(file, 'utf8'))
    .join('\n');
  expect(numbers.length).toBeGreaterThan(9);
  expect(numbers.filter((number) => !new RegExp(`\\b${number}\\b`).test(tests))).toEqual([]);
});
