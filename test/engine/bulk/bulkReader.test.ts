/**
 * Reading in pieces, by several threads: the same bytes and the same errors as `readGuest`, whatever the image, and whatever
 * happens to the other threads. QEMU judges what is read without an error.
 */
import * as fs from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BulkOptions, BulkReader, pieceSizeOf, readInPieces } from '../../../src/qcow2/bulk/bulkReader';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { EngineError, type Problem } from '../../../src/qcow2/errors';
import type { Layers } from '../../../src/qcow2/image/layer';
import { readBacking, readGuest } from '../../../src/qcow2/image/read';
import { guestOffset } from '../../../src/qcow2/units';
import { buildPlan, imagePlan } from '../../support/arbitraryImage';
import { seededRandom } from '../../support/builder/random';
import { type BuiltImage, image } from '../../support/imageBuilder';
import { mustQemuImg } from '../../support/qemu';
import { helperThread, type HelperThread } from '../../support/helperThread';
import { type Workspace, workspace } from '../../support/workspace';

const MIB = 2 ** 20;

let place: Workspace;
let helper: HelperThread;

beforeAll(async () => {
  place = workspace();
  helper = await helperThread();
});

afterAll(async () => {
  await helper.end();
  place.remove();
});

/** What was read, and why no more. */
interface Outcome {
  readonly bytes: Buffer;
  readonly problem?: Problem;
}

/** Runs `read`, which passes on what it has read before it throws. */
function outcomeOf(read: (keep: (bytes: Uint8Array) => void) => void): Outcome {
  const pieces: Buffer[] = [];
  try {
    read((bytes) => void pieces.push(Buffer.from(bytes)));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { bytes: Buffer.concat(pieces), problem: error.problem };
  }
  return { bytes: Buffer.concat(pieces) };
}

const oneByOne = (layers: Layers, start: number, length: number): Outcome =>
  outcomeOf((keep) => {
    const size = pieceSizeOf(layers);
    for (let done = 0; done < length; done += size) {
      const piece = new Uint8Array(Math.min(size, length - done));
      readGuest(layers, piece, guestOffset(start + done));
      keep(piece);
    }
  });

/** A moment between two pieces, in which only the other thread works. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}

const together = (
  layers: Layers,
  start: number,
  length: number,
  options: Partial<BulkOptions> = {},
): Outcome =>
  outcomeOf((keep) => {
    const all = { start: helper.start, worthHelp: 0, ...options };
    const visit = (bytes: Uint8Array): void => {
      keep(bytes);
      pause();
    };
    readInPieces(layers, guestOffset(start), length, visit, all);
  });

/** Compares without printing megabytes. */
function expectSame(ours: Outcome, reference: Outcome): void {
  expect(ours.problem).toStrictEqual(reference.problem);
  expect(ours.bytes.length).toBe(reference.bytes.length);
  expect(ours.bytes.equals(reference.bytes)).toBe(true);
}

function compare(path: string, start = 0, length?: number): Outcome {
  const chain = openChain(path, { followsNames: true });
  try {
    const size = length ?? chain.top.size - start;
    const ours = together(chain.layers, start, size);
    expectSame(ours, oneByOne(chain.layers, start, size));
    return ours;
  } finally {
    chain.close();
  }
}

/** The same of what the backing file gives, piece by piece: after an error, the rest is still read. */
function compareBacking(path: string, start: number, length: number): void {
  const chain = openChain(path, { followsNames: true });
  const options = { expected: length, isBacking: true, start: helper.start, worthHelp: 0 };
  const reader = new BulkReader(chain.layers, options);
  const { pieceSize } = reader;
  try {
    for (let begun = 0, done = 0; done < length; done += pieceSize) {
      for (; begun < length && reader.hasRoom; begun += pieceSize)
        reader.begin(guestOffset(start + begun), Math.min(pieceSize, length - begun));
      const ours = outcomeOf((keep) => {
        keep(reader.next());
      });
      const reference = outcomeOf((keep) => {
        const piece = new Uint8Array(Math.min(pieceSize, length - done));
        readBacking(chain.layers, piece, guestOffset(start + done));
        keep(piece);
      });
      expectSame(ours, reference);
    }
  } finally {
    reader.close();
    chain.close();
  }
}

/** Changes some bytes behind the first cluster, or cuts the file off. */
function damage(file: string, seed: number): void {
  const random = seededRandom(seed);
  const bytes = fs.readFileSync(file);
  const first = Math.min(4096, bytes.length - 1);
  for (let count = random.below(12); count > 0; count--) {
    const at = first + random.below(bytes.length - first);
    bytes[at]! ^= 1 << random.below(8);
  }
  const end = random.below(4) === 0 ? first + random.below(bytes.length - first) : bytes.length;
  fs.writeFileSync(file, bytes.subarray(0, end));
}

test('chains read the same in pieces as at once, and fail with the same error, however damaged', () => {
  const [top, base] = [place.path('top.qcow2'), place.path('base.qcow2')];
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(imagePlan, imagePlan, fc.nat(), share, share, (upper, lower, seed, from, to) => {
      const { size } = buildPlan(upper, { backing: { name: base, format: 'qcow2' } }).writeTo(top).model;
      buildPlan(lower).writeTo(base);
      if (seed % 3 > 0) damage(seed % 3 === 1 ? top : base, seed);
      const [start = 0, end = 0] = [from, to].sort((a, b) => a - b).map((at) => Math.floor(at * size));
      compare(top, start, end - start);
      compareBacking(top, start, end - start);
    }),
    { numRuns: 100 },
  );
});

describe.each(['deflate', 'zstd'] as const)('a long disk with %s', (compression) => {
  const size = 24 * MIB + 512;
  let top: string;
  let built: BuiltImage;

  beforeAll(() => {
    top = place.path(`long-${compression}.qcow2`);
    const base = place.path(`long-${compression}-base.qcow2`);
    image({ size, compression }).compressed(0, 385).data(200, 40).zeroPlain(100, 10).writeTo(base);
    built = image({ size: size + 8 * MIB, compression, backing: { name: base, format: 'qcow2' } })
      .compressed(20, 150)
      .data(120, 70)
      .data(40)
      .zeroAllocated(42, 3)
      .compressed(390, 60)
      .writeTo(top);
  });

  /** Another image with the same backing file, one of whose streams does not inflate. */
  function broken(cluster: number): string {
    const file = place.path(`broken-${compression}.qcow2`);
    const bytes = fs.readFileSync(top);
    const stream = built.layout.hostOffsets.get(cluster)!;
    bytes.fill(0xff, stream + 8, stream + 40);
    fs.writeFileSync(file, bytes);
    return file;
  }

  test('is read as QEMU reads it, by both threads', async () => {
    const { bytes } = compare(top);
    const raw = place.path('judge.raw');
    mustQemuImg(['convert', '-O', 'raw', top, raw]);
    expect(bytes.equals(fs.readFileSync(raw))).toBe(true);
    expect(await helper.jobsDone()).toBeGreaterThan(0);
  });

  test('is read the same from the middle of a cluster on', () => {
    compare(top, 3 * MIB + 1000, 9 * MIB);
  });

  test.each([20, 60, 119, 449])('is read up to a broken stream in cluster %i', (cluster) => {
    const { problem, bytes } = compare(broken(cluster));
    expect(problem).toMatchObject({
      code: 'compressed.broken',
      value: `0x${(cluster * 65536).toString(16)}`,
    });
    expect(bytes.length).toBe(Math.floor((cluster * 65536) / MIB) * MIB);
  });

  test('is read up to where its file was cut off', () => {
    const file = broken(449);
    fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2));
    expect(compare(file).problem).toBeDefined();
  });

  test('is read up to the end of a file that becomes shorter meanwhile', () => {
    const file = place.path('shrinking.qcow2');
    fs.copyFileSync(top, file);
    const chain = openChain(file, { followsNames: true });
    fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2));
    expectSame(together(chain.layers, 0, chain.top.size), oneByOne(chain.layers, 0, chain.top.size));
    chain.close();
  });

  test('is read by one thread when the other one dies', async () => {
    const dying = await helperThread({ dies: true });
    const chain = openChain(top, { followsNames: true });
    const options = { start: dying.start, patience: 50 };
    const started = performance.now();
    const ours = together(chain.layers, 0, chain.top.size, options);
    expect(performance.now() - started).toBeGreaterThan(50);
    expectSame(ours, oneByOne(chain.layers, 0, chain.top.size));
    chain.close();
    await dying.end();
  });
});

test('clusters of 2 MiB read the same', () => {
  const file = place.path('large.qcow2');
  image({ clusterBits: 21, size: 14 * MIB + 1024 })
    .compressed(0, 3)
    .data(3)
    .compressed(5, 3)
    .writeTo(file);
  compare(file);
  compare(file, MIB + 512, 11 * MIB);
});

test('memory does not depend on the range', () => {
  const file = place.path('empty.qcow2');
  image({ size: 64 * 1024 * MIB })
    .compressed(0, 2)
    .writeTo(file);
  const chain = openChain(file, { followsNames: true });
  const sizes: number[] = [];
  const start = (memory: SharedArrayBuffer): void => void sizes.push(memory.byteLength);
  for (const length of [MIB, 64 * MIB]) {
    readInPieces(chain.layers, guestOffset(0), length, () => undefined, { start, worthHelp: 0 });
  }
  chain.close();
  expect(sizes).toHaveLength(2);
  expect(Math.max(...sizes)).toBeLessThan(4.2 * MIB);
});
