/**
 * Shrinks a random image, edited or not: the scan finds just those units whose bytes QEMU reads as zero, or as the backing
 * file has them; afterwards QEMU reads the same as before, snapshots and bitmaps too, nothing that could be given up is
 * left, and undo brings the file back byte for byte. What is encrypted is not scanned. Where the guest is said not to use
 * something, QEMU reads there what it was, or zeroes.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { type GuestRange, SHRINK_SOURCES, type ShrinkSource } from '../../../src/qcow2/edit/changeRequest';
import { refuseSource } from '../../../src/qcow2/edit/shrink';
import { EngineError } from '../../../src/qcow2/errors';
import { GuestSet } from '../../../src/qcow2/guestSet';
import { RunKind } from '../../../src/qcow2/image/layer';
import { HostLayout } from '../../../src/qcow2/map/hostLayout';
import { CELL_KINDS, Overview } from '../../../src/qcow2/map/overview';
import type { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { silent, toEnd } from '../../../src/qcow2/progress';
import { inspectCluster } from '../../../src/qcow2/report/inspect';
import { spaceReport } from '../../../src/qcow2/report/spaceReport';
import { type ContentScan, scanContents } from '../../../src/qcow2/space/contentScan';
import { clusterOf, guestCluster, guestOffset, type GuestOffset } from '../../../src/qcow2/units';
import { type Random, seededRandom } from '../../support/builder/random';
import { bitmapBits } from '../../support/changes/bitmapBits';
import { DISK, type ImagePlan } from '../../support/changes/imagePlan';
import { applyToModel, type Operation, randomOperation, requestOf } from '../../support/changes/operation';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { backingBytes, makeShrinkable } from '../../support/shrinkable';
import type { CasePlace, Counts } from '../kind';
import { shrinkEncrypted } from './shrinkEncrypted';

export function shrink(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  if (random.below(150) === 0) return shrinkEncrypted(random, folder, tell);
  const made = makeShrinkable(random, folder, tell);
  if (made === undefined) return { images: 1 };
  const { plan, snapshots, isWhole } = made;
  const policy = random.below(4) === 0 ? 'zero-flag' : 'unallocate';
  const edits = isWhole ? Array.from({ length: random.below(4) }, () => randomOperation(plan, random)) : [];
  new Shrinking(folder, snapshots, policy, tell).judge(plan, edits, random);
  return { images: 1, operations: 6 };
}

/** Where the data of a disk is. */
interface DataUnits {
  readonly unit: number;
  /** Guest offsets, ascending. */
  readonly starts: readonly number[];
}

class Shrinking {
  readonly #folder: string;
  readonly #snapshots: readonly string[];
  readonly #policy: 'unallocate' | 'zero-flag';
  readonly #tell: ((line: string) => void) | undefined;

  constructor(
    folder: string,
    snapshots: readonly string[],
    policy: 'unallocate' | 'zero-flag',
    tell: ((line: string) => void) | undefined,
  ) {
    this.#folder = folder;
    this.#snapshots = snapshots;
    this.#policy = policy;
    this.#tell = tell;
  }

  /** @param edits staged before the scan */
  judge(plan: ImagePlan, edits: readonly Operation[], random: Random): void {
    const image = EditableImage.open(`${this.#folder}/${DISK}`, {
      followsNames: true,
      scratchPath: `${this.#folder}/scratch`,
    });
    try {
      const guest = this.#read();
      for (const edit of edits) stage(image, plan, edit, guest);
      toEnd(image.scanContents());
      this.#judgeScan(image, guest, edits.length === 0);
      judgeMap(image);
      judgeRows(image);
      const sources = SHRINK_SOURCES.filter((source) => isOffered(image, source) && random.below(5) > 0);
      const guestFree =
        random.below(2) === 0 && isOffered(image, 'guestFree')
          ? randomRanges(random, image.chain.top.size)
          : [];
      this.#tell?.(`${sources.join()}, ${this.#policy}, ${JSON.stringify(guestFree)}`);
      this.#judgeShrink(image, guest, sources, guestFree);
    } catch (error) {
      if (error instanceof EngineError) throw new Error(JSON.stringify(error.problem), { cause: error });
      throw error;
    } finally {
      image.close();
    }
  }

  #read(extra: readonly string[] = []): Buffer {
    const cwd = this.#folder;
    mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, 'judge.raw'], { cwd });
    return fs.readFileSync(`${cwd}/judge.raw`);
  }

  #readSnapshots(): Buffer[] {
    return this.#snapshots.map((name) => this.#read(['-l', name]));
  }

  #readBitmaps(image: EditableImage): Buffer[] {
    if (image.chain.top.bitmaps.length === 0) return [];
    return [...bitmapBits(`${this.#folder}/${DISK}`)].map((bitmap) => Buffer.from(bitmap.join(' ')));
  }

  /** @param isUnedited QEMU's map is of the same image */
  #judgeScan(image: EditableImage, guest: Buffer, isUnedited: boolean): void {
    const { top, layers } = image.chain;
    const data = dataUnits(top);
    if (isUnedited && !top.looksForHoles)
      assert.deepEqual(data.starts, this.#dataInMap(data.unit), "QEMU's map");
    const backing = backingBytes(top, this.#folder);
    const bytesAt = (bytes: Buffer, at: number): Buffer =>
      bytes.subarray(at, Math.min(at + data.unit, top.size));
    const zeroes = data.starts.filter((at) => bytesAt(guest, at).every((byte) => byte === 0));
    const same = data.starts.filter((at) => bytesAt(guest, at).equals(bytesAt(backing, at)));
    const fine = image.scan!;
    assert.deepEqual(unitsOf(fine.zeroes), zeroes, 'zeroes');
    assert.equal(fine.sameAsBacking !== undefined, top.namesBacking);
    if (fine.sameAsBacking !== undefined)
      assert.deepEqual(unitsOf(fine.sameAsBacking), same, 'same as backing');
    if (!top.features.extendedL2) return;
    // As in a disk that has too many subclusters.
    const coarse = toEnd(scanContents(layers, top, silent, 1));
    const { clusterSize } = top.header;
    assert.equal(coarse.zeroes.bytes, fine.zeroes.bytes);
    assert.deepEqual(unitsOf(coarse.zeroes), wholeClusters(zeroes, data, clusterSize), 'clusters of zeroes');
    if (coarse.sameAsBacking !== undefined)
      assert.deepEqual(
        unitsOf(coarse.sameAsBacking),
        wholeClusters(same, data, clusterSize),
        'same clusters',
      );
  }

  /** Where QEMU says that the image itself has data that is not compressed. */
  #dataInMap(unit: number): number[] {
    const map = JSON.parse(mustQemuImg(['map', '--output=json', DISK], { cwd: this.#folder }).toString()) as {
      start: number;
      length: number;
      depth: number;
      data: boolean;
      offset?: number;
    }[];
    return map
      .filter(({ depth, data, offset }) => depth === 0 && data && offset !== undefined)
      .flatMap(({ start, length }) =>
        Array.from({ length: Math.ceil(length / unit) }, (_, index) => start + index * unit),
      );
  }

  /** @param guest what the disk reads as */
  #judgeShrink(
    image: EditableImage,
    guest: Buffer,
    sources: readonly ShrinkSource[],
    guestFree: readonly GuestRange[],
  ): void {
    const request = { kind: 'shrink', sources, policy: this.#policy, guestFree } as const;
    const path = `${this.#folder}/${DISK}`;
    const original = fs.readFileSync(path);
    // What edits before it mark in bitmaps is judged elsewhere.
    const isUnedited = image.edits.undoable === 0 && guestFree.length === 0;
    const seen = (): Buffer[] => [...this.#readSnapshots(), ...(isUnedited ? this.#readBitmaps(image) : [])];
    const marksBitmaps = guestFree.length > 0 && image.chain.top.bitmaps.length > 0;
    const contents = [guest, ...seen()];
    const { size } = image.chain.top.file;
    const nothing = { ...request, sources: [], guestFree: [] };
    assert.equal(image.preview(nothing).changed, false, 'nothing was asked for');
    const preview = image.preview(request);
    assert.deepEqual(image.apply(request), preview);
    if (!marksBitmaps) assert.equal(preview.allocatedClusters, 0);
    const used = image.check();
    image.save();
    if (!marksBitmaps) assert.ok(fs.statSync(path).size <= Math.max(size, original.length));
    const check = qemuImg(['check', DISK], { cwd: this.#folder });
    const leaves = sources.includes('leaks') ? 0 : used.leaks > 0 ? 3 : 0;
    const errors = check.stderr.replace(/^Leaked cluster .*\n/gm, '');
    assert.equal(`${check.status} ${errors}`, `${leaves} `, String(check.stdout));
    [this.#read(), ...seen()].forEach((content, index) => {
      const former = contents[index]!;
      if (index > 0 || guestFree.length === 0) assert.ok(content.equals(former), `content ${index}`);
      else judgeGuestFree(former, content, guestFree);
    });
    toEnd(image.scanContents());
    const again = image.preview(request);
    assert.equal(again.changed, false, JSON.stringify(again));
    this.#judgeRest(image, sources, guestFree);
    while (image.undo());
    image.save();
    assert.ok(fs.readFileSync(path).equals(original), 'undone');
  }

  /** What the scan still finds is shared, or in a cluster that has to stay for its other subclusters. */
  #judgeRest(image: EditableImage, sources: readonly ShrinkSource[], guestFree: readonly GuestRange[]): void {
    const { top } = image.chain;
    const unused = new GuestSet(top.granularity, top.size);
    for (const [start, end] of guestFree) unused.addWhole(start, end);
    const { zeroes, sameAsBacking } = image.scan!;
    const { clusterSize, subclusterSize, size } = top.header;
    const isFound = (at: number): boolean =>
      unused.has(guestOffset(at)) ||
      (sources.includes('zeroes') && zeroes.has(guestOffset(at))) ||
      (sources.includes('sameAsBacking') && sameAsBacking?.has(guestOffset(at)) === true);
    for (let cluster = 0; cluster * clusterSize < size; cluster++) {
      const { meaning: entry, l2 } = top.entryAt(guestCluster(cluster));
      // A table that is leaked once more, by its refcount, counts as shared until leaks are repaired.
      const isShared = l2 !== undefined && top.refcountOf(clusterOf(l2.tableOffset, clusterSize)) > 1;
      const start = guestOffset(cluster * clusterSize);
      const end = Math.min(size, start + clusterSize);
      const hasSnapshots = this.#snapshots.length > 0 || top.header.snapshotCount > 0;
      if (entry.kind === 'compressed' && !hasSnapshots && !isShared)
        assert.ok(unused.bytesWithin(start, guestOffset(end)) < end - start, `cluster ${cluster} is left`);
      if (entry.kind !== 'data') continue;
      let [data, found] = [0, 0];
      top.forEachRun(start, guestOffset(end), (from, length, kind) => {
        if (kind !== RunKind.data) return true;
        for (let at: number = from; at < from + length; at += subclusterSize) {
          data++;
          if (isFound(at)) found++;
        }
        return true;
      });
      if (data === 0 || found < data) continue;
      assert.ok(top.refcountOf(clusterOf(entry.host, clusterSize)) > 1, `cluster ${cluster} is left`);
    }
  }
}

/** @param guest what the disk reads as, which is changed alike */
function stage(image: EditableImage, plan: ImagePlan, edit: Operation, guest: Buffer): void {
  try {
    if (image.apply(requestOf(edit)).changed) applyToModel(guest, plan, edit);
  } catch (error) {
    if (!(error instanceof EngineError && error.problem.code.startsWith('zero.'))) throw error;
  }
}

/** Up to three stretches, ascending. */
function randomRanges(random: Random, size: number): GuestRange[] {
  const places = Array.from({ length: 2 * (1 + random.below(3)) }, () => 512 * random.below(size / 512 + 1));
  const sorted = [...new Set(places)].sort((one, other) => one - other);
  return sorted.flatMap((start, index) =>
    index % 2 === 0 && index + 1 < sorted.length
      ? [[guestOffset(start), guestOffset(sorted[index + 1]!)] as const]
      : [],
  );
}

/** What the guest does not use reads as before, or as zero; everything else as before. */
function judgeGuestFree(before: Buffer, after: Buffer, ranges: readonly GuestRange[]): void {
  const isFree = (at: number): boolean => ranges.some(([start, end]) => at >= start && at < end);
  for (let at = 0; at < before.length; at += 512) {
    const [former, now] = [before, after].map((bytes) => bytes.subarray(at, at + 512));
    if (now!.equals(former!)) continue;
    assert.ok(isFree(at) && now!.every((byte) => byte === 0), `what the guest uses at ${at}`);
  }
}

function isOffered(image: EditableImage, source: ShrinkSource | 'guestFree'): boolean {
  try {
    refuseSource(image.chain, source);
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

function dataUnits(top: Qcow2Image): DataUnits {
  const starts: number[] = [];
  top.forEachRun(guestOffset(0), guestOffset(top.size), (start, length, kind) => {
    if (kind !== RunKind.data) return true;
    for (let at: number = start; at < start + length; at += top.granularity) starts.push(at);
    return true;
  });
  return { unit: top.granularity, starts };
}

/** The clusters that have data, all of which was found. */
function wholeClusters(found: readonly number[], { starts }: DataUnits, clusterSize: number): number[] {
  const clusterOfUnit = (at: number): number => Math.floor(at / clusterSize) * clusterSize;
  const isFound = new Set(found);
  const others = new Set(starts.filter((at) => !isFound.has(at)).map(clusterOfUnit));
  return [...new Set(found.map(clusterOfUnit))].filter((cluster) => !others.has(cluster));
}

function unitsOf(set: GuestSet): number[] {
  const units: number[] = [];
  set.forEachRange((start, end) => {
    for (let at: number = start; at < end; at += set.unit) units.push(at);
  });
  return units;
}

/** The map has what the scan found in every cluster, and in sum. */
function judgeMap(image: EditableImage): void {
  const { layers, top } = image.chain;
  const { clusterSize, size } = top.header;
  const overview = new Overview(layers, clusterSize, image.scan);
  while (!overview.step(Infinity));
  const count = Math.ceil(size / clusterSize);
  const { shares, totals } = overview.cells({ start: 0, bytesPerCell: clusterSize, count });
  const wanted = { dataZero: 0, dataSame: 0 };
  for (let cluster = 0; cluster < count; cluster++) {
    const start = guestOffset(cluster * clusterSize);
    const end = guestOffset(Math.min(size, start + clusterSize));
    const found = inspectCluster(top, layers, start, image.scan).found ?? { zeroes: 0, sameAsBacking: 0 };
    const both = bytesInBoth(image.scan!, start, end);
    const own = { dataZero: found.zeroes, dataSame: found.sameAsBacking - both };
    for (const kind of ['dataZero', 'dataSame'] as const) {
      const share = Math.round((own[kind] / (end - start)) * 255);
      const at = cluster * CELL_KINDS.length + CELL_KINDS.indexOf(kind);
      assert.equal(shares[at], own[kind] === 0 ? 0 : Math.max(1, share), `${kind} in cluster ${cluster}`);
      wanted[kind] += own[kind];
    }
  }
  for (const kind of ['dataZero', 'dataSame'] as const)
    assert.equal(totals.bytes[CELL_KINDS.indexOf(kind)], wanted[kind], kind);
}

function bytesInBoth({ zeroes, sameAsBacking }: ContentScan, start: GuestOffset, end: GuestOffset): number {
  let bytes = 0;
  for (let at = start; at < end; at = guestOffset(at + zeroes.unit)) {
    const unitEnd = guestOffset(Math.min(end, at + zeroes.unit));
    if (zeroes.has(at)) bytes += sameAsBacking?.bytesWithin(at, unitEnd) ?? 0;
  }
  return bytes;
}

/** What the rows of the space report say can be freed is what a shrink frees. */
function judgeRows(image: EditableImage): void {
  const { top } = image.chain;
  const sources = (['zeroes', 'sameAsBacking'] as const).filter((source) => isOffered(image, source));
  const report = spaceReport(HostLayout.of(top, silent), silent, image.scan);
  assert.equal(
    report.rows.reduce((sum, { bytes }) => sum + bytes, 0),
    report.length,
  );
  const rows = report.rows.filter(({ kind }) => kind === 'dataZero' || kind === 'dataSame');
  const promised = rows.reduce((sum, { reclaimable }) => sum + reclaimable, 0);
  const { becameUnallocated, becameZero } = image.preview({
    kind: 'shrink',
    sources,
    policy: 'unallocate',
  });
  const freed = becameUnallocated.clusters + becameZero.clusters;
  // The file may end within its last cluster.
  if (!top.hasDataFile) assert.equal(Math.ceil(promised / top.header.clusterSize), freed, 'clusters freed');
}
