/** Images to compact, and what must hold of a compacted one. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import { refcountsPerBlock } from '../../src/qcow2/format/refcountWidth';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { forEachEntry, readRefcountTable } from '../../src/qcow2/image/tableEntries';
import { openLocalFile } from '../../src/qcow2/io/localFile';
import { silent, toEnd } from '../../src/qcow2/progress';
import { localDisk } from '../../src/qcow2/save/localDisk';
import { layoutOf } from '../../src/qcow2/space/clusterLayout';
import { compact, type Compacted } from '../../src/qcow2/space/compact';
import type { Random } from './builder/random';
import { bitmapBits } from './changes/bitmapBits';
import { DISK, makeImage, randomPlan } from './changes/imagePlan';
import { randomOperation, requestOf } from './changes/operation';
import { type Content, image, type ImageBuilder, type ImageOptions } from './imageBuilder';
import { leakClusters } from './leakClusters';
import { moveEnd } from './movedEnd';
import { run } from './process';
import { mustQemuImg, qemuImg } from './qemu';
import { guestOffset } from '../../src/qcow2/units';

/** An image to compact. */
export interface Compactable {
  /** Names of its snapshots. */
  readonly snapshots: readonly string[];
  /** Clusters that are leaked. */
  readonly leaks: number;
  /** Bytes of the disk together with VM state behind its end; absent where there is none. */
  readonly sizeWithState?: number;
}

/** Makes `DISK` in a folder, with free clusters. @returns undefined where QEMU cannot read it */
export function makeCompactable(
  random: Random,
  folder: string,
  tell?: (line: string) => void,
): Compactable | undefined {
  const path = `${folder}/${DISK}`;
  const snapshots = random.below(2) === 0 ? byQemu(random, folder, tell) : byBuilder(random, folder, tell);
  const sizeWithState = !hasBitmaps(path) && random.below(4) === 0 ? moveEnd(path, random) : undefined;
  const leaks = random.below(3) === 0 ? leakClusters(path, random) : 0;
  // Clusters of zeroes become holes of the file.
  if (random.below(3) === 0) run('fallocate', ['--dig-holes', path]);
  // QEMU 7.2 writes some compressed clusters that it cannot read itself.
  const isReadable = qemuImg(['convert', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder }).status === 0;
  if (!isReadable) return undefined;
  tell?.(`${leaks} leaks${sizeWithState === undefined ? '' : ', VM state'}`);
  return { snapshots, leaks, ...(sizeWithState === undefined ? {} : { sizeWithState }) };
}

function hasBitmaps(path: string): boolean {
  const file = openLocalFile(path);
  try {
    return Qcow2Image.open(file).bitmaps.length > 0;
  } finally {
    file.close();
  }
}

function byQemu(random: Random, folder: string, tell?: (line: string) => void): string[] {
  let plan = randomPlan(random);
  while (plan.dataFile === 'raw') plan = randomPlan(random);
  tell?.(JSON.stringify(plan));
  const names = makeImage(plan, random, folder);
  withImage(folder, (editable) => {
    for (let left = 2 + random.below(6); left > 0; left--) {
      editable.apply(requestOf(randomOperation(plan, random, { fallback: true, unmap: true })));
    }
    editable.save({ keepsUndo: false });
  });
  return names;
}

/** Makes `DISK` with the builder: tables of all kinds lie anywhere. @returns the names of its snapshots */
export function byBuilder(
  random: Random,
  folder: string,
  tell?: (line: string) => void,
  more: ImageOptions = {},
): string[] {
  const version = random.below(3) === 0 ? 2 : 3;
  const clusterBits = random.pick([9, 9, 9, 10, 11, 12, 13, 14, 16]);
  const refcountOrder = version === 2 ? 4 : random.below(7);
  const clusters = 8 + random.below(clusterBits < 12 ? 600 : clusterBits < 14 ? 200 : 40);
  const options = {
    version,
    clusterBits,
    refcountOrder,
    size: clusters * 2 ** clusterBits,
    extendedL2: version === 3 && clusterBits >= 14 && random.below(2) === 0,
    order: random.below(4) === 0 ? 'sequential' : { shuffledBy: random.below(2 ** 31) },
    packsCompressed: refcountOrder >= 4 && random.below(3) > 0,
    compression: version === 3 && random.below(3) === 0 ? 'zstd' : 'deflate',
  } as const;
  tell?.(JSON.stringify(options));
  const builder = image({ ...options, ...more });
  const names: string[] = [];
  const isCompressed = random.below(2) === 0;
  for (let step = 4 + random.below(20); step > 0; step--) {
    if (refcountOrder >= 2 && names.length < 3 && random.below(5) === 0) {
      builder.snapshot(`s${names.length}`);
      names.push(`s${names.length}`);
    } else addStretch(builder, random, clusters, { version, isCompressed, extendedL2: options.extendedL2 });
  }
  if (version === 3 && random.below(3) === 0) {
    builder.bitmap('fine', { granularityBits: 9, dirty: [[0, 512 * random.below(1000)]], auto: true });
    builder.bitmap('all', { dirty: 'all' });
  }
  builder.writeTo(`${folder}/${DISK}`);
  withImage(folder, (editable) => {
    for (let left = random.below(6); left > 0; left--) {
      const first = random.below(clusters);
      const count = Math.min(clusters - first, 1 + random.below(Math.ceil(clusters / 3)));
      const clusterSize = 2 ** clusterBits;
      editable.apply({
        kind: 'discard',
        start: guestOffset(first * clusterSize),
        length: count * clusterSize,
      });
    }
    editable.save({ keepsUndo: false });
  });
  return names;
}

function addStretch(
  builder: ImageBuilder,
  random: Random,
  clusters: number,
  { version, isCompressed, extendedL2 }: { version: 2 | 3; isCompressed: boolean; extendedL2: boolean },
): void {
  const first = random.below(clusters);
  const count = Math.min(clusters - first, 1 + random.below(40));
  const kinds = ['data', 'data', 'data', 'unallocated'];
  if (version === 3) kinds.push('zeroPlain', 'zeroAllocated');
  if (isCompressed) kinds.push('compressed', 'compressed');
  if (extendedL2) kinds.push('subclusters');
  switch (random.pick(kinds)) {
    case 'unallocated':
      builder.unallocated(first, count);
      return;
    case 'zeroPlain':
      builder.zeroPlain(first, count);
      return;
    case 'zeroAllocated':
      builder.zeroAllocated(first, count);
      return;
    case 'compressed':
      builder.compressed(first, count, compressible(random, builder.clusterSize));
      return;
    case 'subclusters':
      builder.subclusters(first, 'DZ.D');
      return;
    default:
      builder.data(first, count);
  }
}

/** Noise, then zeroes; where there is only noise, streams are longer than a cluster. */
function compressible(random: Random, clusterSize: number): Content {
  // The descriptors of the smallest clusters have no room for them everywhere.
  const isLong = clusterSize > 512 && random.below(8) === 0;
  const bytes = Buffer.alloc(isLong ? clusterSize : 1 + random.below((clusterSize * 3) / 4));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  return { bytes };
}

/** Opens `DISK` in a folder to change it. */
export function withImage<T>(folder: string, use: (image: EditableImage) => T): T {
  const editable = EditableImage.open(`${folder}/${DISK}`, {
    followsNames: true,
    scratchPath: `${folder}/scratch`,
  });
  try {
    return use(editable);
  } finally {
    editable.close();
  }
}

/** Compacts an image in small batches. @param onSaved called after each of them, when others may read the image */
export function compactFile(
  path: string,
  batchBytes: number,
  onSaved: () => void = () => undefined,
): Compacted {
  const top = Qcow2Image.open(openLocalFile(path));
  try {
    const open = () => openLocalFile(path);
    return toEnd(compact(top, localDisk, { open, scratchPath: `${path}-scratch`, batchBytes }), onSaved);
  } finally {
    top.close();
  }
}

/** What a guest, and who uses snapshots or bitmaps, can see. */
export function visible(folder: string, snapshots: readonly string[]): readonly (Buffer | string)[] {
  const read = (extra: readonly string[] = []): Buffer => {
    mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder });
    return fs.readFileSync(`${folder}/judge.raw`);
  };
  const path = `${folder}/${DISK}`;
  const bits = hasBitmaps(path) ? [...bitmapBits(path)].map((pair) => pair.join(' ')) : [];
  return [read(), ...snapshots.map((name) => read(['-l', name])), ...bits];
}

/** QEMU finds nothing wrong, not even a leak. */
export function mustBeClean(folder: string): void {
  const { status, stderr, stdout } = qemuImg(['check', DISK], { cwd: folder });
  assert.equal(`${status} ${stderr}`, '0 ', String(stdout));
}

/** The file is hardly longer than what is in use would take in a row, with the shortest refcount structures. */
export function mustBeShort(path: string): void {
  const file = openLocalFile(path);
  try {
    const opened = Qcow2Image.open(file);
    const { header } = opened;
    const { clusterSize } = header;
    const { inUse, longTables } = layoutOf(opened, silent);
    let blocks = 0;
    forEachEntry(readRefcountTable(file, header), () => {
      blocks++;
    });
    const others = inUse.count - blocks - header.refcountTableClusters;
    const perBlock = refcountsPerBlock(clusterSize, header.refcountBits);
    let [least, table] = [1, 1];
    for (;;) {
      table = Math.ceil((least * 8) / clusterSize);
      const needed = Math.ceil((others + least + table) / perBlock);
      if (needed <= least) break;
      least = needed;
    }
    // One table of each kind: L1, refcount table, snapshot table, bitmap directory, bitmap table.
    const largest = longTables.reduce((most, { count }) => Math.max(most, count), 1);
    const most = Math.ceil((others + least + table) * 1.02) + largest + 4;
    const length = Math.ceil(file.size / clusterSize);
    // QEMU sees nothing behind the last cluster in use.
    const json = mustQemuImg(['check', '--output=json', path], { cwd: dirname(path) }).toString();
    const { 'image-end-offset': end } = JSON.parse(json) as { readonly 'image-end-offset': number };
    assert.equal(length, Math.ceil(end / clusterSize), 'clusters behind the last one in use');
    assert.ok(length <= most, `${length} clusters, of which ${inUse.count} are in use; ${most} at most`);
  } finally {
    file.close();
  }
}
