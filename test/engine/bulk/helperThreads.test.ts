/** The threads that help to read, as the built programs start them: each of them ends, whatever happens to its owner. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BulkReader, readInPieces } from '../../../src/qcow2/bulk/bulkReader';
import { type StartHelpers, startHelpers } from '../../../src/qcow2/bulk/helpers';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { JobQueue } from '../../../src/qcow2/bulk/jobs';
import { guestOffset } from '../../../src/qcow2/units';
import { useHelpersOf } from '../../../src/threads/helperThreads';
import { image } from '../../support/imageBuilder';
import { REPOSITORY } from '../../support/repository';
import { until } from '../../support/worker';
import { workspace } from '../../support/workspace';

const MIB = 2 ** 20;
const DIST = path.join(REPOSITORY, 'dist');
const place = workspace();
const file = place.path('compressed.qcow2');

beforeAll(() => {
  useHelpersOf(DIST);
  image({ size: 16 * MIB })
    .compressed(0, 256)
    .writeTo(file);
});

afterAll(() => {
  place.remove();
});

const threads = (): number => fs.readdirSync('/proc/self/task').length;

/** Starts helpers, and waits until each of them has done something. */
const startAndWait: StartHelpers = (memory) => {
  startHelpers(memory);
  pause(500);
};

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test('helpers run while a range is read, and end with it', async () => {
  const chain = openChain(file, { followsNames: true });
  const before = threads();
  let most = 0;
  const visit = (): void => {
    most = Math.max(most, threads());
  };
  readInPieces(chain.layers, guestOffset(0), 16 * MIB, visit, { start: startAndWait, worthHelp: 0 });
  chain.close();
  expect(most).toBeGreaterThan(before);
  expect(most).toBeLessThanOrEqual(before + 3);
  await until('the end of the helpers', () => threads() === before);
});

test('helpers end when their reader is closed early', async () => {
  const chain = openChain(file, { followsNames: true });
  const before = threads();
  const reader = new BulkReader(chain.layers, { expected: 16 * MIB, start: startAndWait, worthHelp: 0 });
  for (let at = 0; reader.hasRoom; at += MIB) reader.begin(guestOffset(at), MIB);
  reader.next();
  expect(threads()).toBeGreaterThan(before);
  reader.close();
  chain.close();
  await until('the end of the helpers', () => threads() === before);
});

test('nothing is left of a thread that is terminated while helpers work for it', async () => {
  const code = `
    const { Worker, workerData } = require('node:worker_threads');
    new Worker(${JSON.stringify(path.join(DIST, 'helper.js'))}, { workerData });
    setInterval(() => {}, 1000);`;
  const { memory } = new JobQueue(JobQueue.memoryFor(MIB));
  const before = threads();
  const owner = new Worker(code, { eval: true, workerData: memory });
  await until('a helper', () => threads() === before + 2);
  await owner.terminate();
  await until('the end of both', () => threads() === before);
});
