/**
 * Shrinks a random image, edited or not: the scan finds just those units whose bytes QEMU reads as zero, or as the backing file has them;
 * afterwards QEMU reads the same as before, snapshots too, nothing that could be given up is left, and undo brings the file
 * back byte for byte.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { SHRINK_SOURCES, type ShrinkSource } from '../../../src/qcow2/edit/changeRequest';
import { refuseSource } from '../../../src/qcow2/edit/shrink';
import { EngineError } from '../../../src/qcow2/errors';
import type { GuestSet } from '../../../src/qcow2/guestSet';
import { RunKind } from '../../../src/qcow2/image/layer';
import { HostLayout } from '../../../src/qcow2/map/hostLayout';
import { CELL_KINDS, Overview } from '../../../src/qcow2/map/overview';
import { silent, toEnd } from '../../../src/qcow2/progress';
import { inspectCluster } from '../../../src/qcow2/report/inspect';
import { spaceReport } from '../../../src/qcow2/report/spaceReport';
import type { ContentScan } from '../../../src/qcow2/space/contentScan';
import { clusterOf, guestCluster, guestOffset, type GuestOffset } from '../../../src/qcow2/units';
import { type Random, seededRandom } from '../../support/builder/random';
import { DISK, type ImagePlan, makeImage, QEMU_IO, randomPlan } from '../../support/changes/imagePlan';
import { applyToModel, type Operation, randomOperation, requestOf } from '../../support/changes/operation';
import { run } from '../../support/process';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import type { CasePlace, Counts } from '../kind';

export function shrink(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(seed);
  let plan = randomPlan(random);
  tell?.(JSON.stringify(plan));
  let snapshots = makeImage(plan, random, folder);
  if (plan.backing?.format === 'qcow2' && random.below(2) === 0) makeMiddle(plan, random, folder);
  bloat(plan, random, folder);
  if (snapshots.length === 0 && !plan.bitmaps && random.below(4) === 0) plan = resized(plan, random, folder);
  const isMoved =
    snapshots.length === 0 && !plan.bitmaps && plan.dataFile === 'none' && random.below(6) === 0;
  if (isMoved) moveEnd(folder, random);
  if (snapshots.length > 0 && random.below(4) === 0) {
    loseSnapshots(folder);
    snapshots = [];
  }
  // QEMU 7.2 writes some compressed clusters that it cannot read itself.
  const isReadable = qemuImg(['convert', '-O', 'raw', DISK, 'judge.raw'], { cwd: folder }).status === 0;
  if (!isReadable) return { images: 1 };
  const policy = random.below(4) === 0 ? 'zero-flag' : 'unallocate';
  const edits = isMoved ? [] : Array.from({ length: random.below(4) }, () => randomOperation(plan, random));
  new Shrinking(folder, snapshots, policy, tell).judge(plan, edits, random);
  return { images: 1, operations: 6 };
}

/** Puts a layer with content of its own between the image and its backing file. */
function makeMiddle(plan: ImagePlan, random: Random, folder: string): void {
  fs.renameSync(`${folder}/base`, `${folder}/root`);
  const size = random.below(2) === 0 ? plan.size : 512 * (1 + random.below(plan.size / 256));
  const options = random.pick(['cluster_size=512', 'extended_l2=on', 'compat=0.10,cluster_size=4096']);
  const over = ['-o', options, '-b', 'root', '-F', 'qcow2'];
  mustQemuImg(['create', '-f', 'qcow2', ...over, 'base', String(size)], { cwd: folder });
  const commands = Array.from({ length: 1 + random.below(5) }, () => {
    const start = 512 * random.below(size / 512);
    const length = Math.min(size - start, 512 * (1 + random.below(256)));
    return random.pick([`write -P ${random.below(3)}`, 'write -z', 'write -z -u']) + ` ${start} ${length}`;
  });
  run('qemu-io', [...QEMU_IO, ...commands.flatMap((command) => ['-c', command]), 'base'], { cwd: folder });
}

/** Forgets the snapshots in the header alone: refcounts of what they shared are too high, and the rest leaks. */
function loseSnapshots(folder: string): void {
  const bytes = fs.readFileSync(`${folder}/${DISK}`);
  fs.writeFileSync(`${folder}/${DISK}`, bytes.fill(0, 60, 72));
}

/** Writes zeroes as data, and data that the backing file has. */
function bloat(plan: ImagePlan, random: Random, folder: string): void {
  const commands: string[] = [];
  for (let count = 1 + random.below(6); count > 0; count--) {
    const start = 512 * random.below(plan.size / 512);
    const most = random.below(2) === 0 ? plan.size : 2 ** (plan.clusterBits + 1);
    const length = Math.min(plan.size - start, 512 * (1 + random.below(most / 512)));
    if (plan.backing === undefined || random.below(2) === 0) commands.push(`write -P 0 ${start} ${length}`);
    else if (length > 0) {
      const piece = `piece${count}`;
      fs.writeFileSync(`${folder}/${piece}`, backingBytes(plan, folder).subarray(start, start + length));
      commands.push(`write -s ${piece} ${start} ${length}`);
    }
  }
  run('qemu-io', [...QEMU_IO, ...commands.flatMap((command) => ['-c', command]), DISK], { cwd: folder });
}

/** What the backing file gives for the whole disk; zeroes past its end. */
function backingBytes(plan: { readonly size: number }, folder: string): Buffer {
  const bytes = Buffer.alloc(plan.size);
  if (!fs.existsSync(`${folder}/base`)) return bytes;
  const format = fs.readFileSync(`${folder}/base`).toString('latin1', 0, 3) === 'QFI' ? 'qcow2' : 'raw';
  mustQemuImg(['convert', '-f', format, '-O', 'raw', 'base', 'base.judge'], { cwd: folder });
  fs.readFileSync(`${folder}/base.judge`).copy(bytes);
  return bytes;
}

/** Makes the disk smaller, or larger: entries of its last cluster stay. */
function resized(plan: ImagePlan, random: Random, folder: string): ImagePlan {
  const size = 512 * (1 + random.below((plan.size / 512) * 2));
  const { status } = qemuImg(['resize', '--shrink', DISK, String(size)], { cwd: folder });
  return status === 0 ? { ...plan, size } : plan;
}

/** Makes the disk smaller in the header alone: what was behind its end looks like VM state. */
function moveEnd(folder: string, random: Random): void {
  const bytes = fs.readFileSync(`${folder}/${DISK}`);
  const size = Number(bytes.readBigUInt64BE(24));
  bytes.writeBigUInt64BE(BigInt(512 * (1 + random.below(size / 512))), 24);
  fs.writeFileSync(`${folder}/${DISK}`, bytes);
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
      this.#judgeScan(image, guest);
      judgeMap(image);
      judgeRows(image);
      const sources = SHRINK_SOURCES.filter((source) => isOffered(image, source) && random.below(5) > 0);
      this.#tell?.(`${sources.join()}, ${this.#policy}`);
      this.#judgeShrink(image, guest, sources);
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

  #judgeScan(image: EditableImage, guest: Buffer): void {
    const { top } = image.chain;
    const backing = backingBytes(top, this.#folder);
    const wanted = { zeroes: [] as number[], same: [] as number[] };
    top.forEachRun(guestOffset(0), guestOffset(top.size), (start, length, kind) => {
      if (kind !== RunKind.data) return true;
      for (let at: number = start; at < start + length; at += top.granularity) {
        const end = Math.min(at + top.granularity, top.size);
        const bytes = guest.subarray(at, end);
        if (bytes.every((byte) => byte === 0)) wanted.zeroes.push(at);
        if (bytes.equals(backing.subarray(at, end))) wanted.same.push(at);
      }
      return true;
    });
    const { zeroes, sameAsBacking } = image.scan!;
    assert.deepEqual(unitsOf(zeroes), wanted.zeroes, 'zeroes');
    assert.equal(sameAsBacking !== undefined, top.namesBacking);
    if (sameAsBacking !== undefined) assert.deepEqual(unitsOf(sameAsBacking), wanted.same, 'same as backing');
  }

  /** @param guest what the disk reads as */
  #judgeShrink(image: EditableImage, guest: Buffer, sources: readonly ShrinkSource[]): void {
    const request = { kind: 'shrink', sources, policy: this.#policy } as const;
    const path = `${this.#folder}/${DISK}`;
    const original = fs.readFileSync(path);
    const contents = [guest, ...this.#readSnapshots()];
    const { size } = image.chain.top.file;
    assert.equal(image.preview({ ...request, sources: [] }).changed, false, 'nothing was asked for');
    const preview = image.preview(request);
    assert.deepEqual(image.apply(request), preview);
    assert.equal(preview.allocatedClusters, 0);
    const used = image.check();
    image.save();
    assert.ok(fs.statSync(path).size <= Math.max(size, original.length));
    const check = qemuImg(['check', DISK], { cwd: this.#folder });
    const leaves = sources.includes('leaks') ? 0 : used.leaks > 0 ? 3 : 0;
    const errors = check.stderr.replace(/^Leaked cluster .*\n/gm, '');
    assert.equal(`${check.status} ${errors}`, `${leaves} `, String(check.stdout));
    [this.#read(), ...this.#readSnapshots()].forEach((content, index) => {
      assert.ok(content.equals(contents[index]!), `content ${index}`);
    });
    toEnd(image.scanContents());
    const again = image.preview(request);
    assert.equal(again.changed, false, JSON.stringify(again));
    this.#judgeRest(image, sources);
    while (image.undo());
    image.save();
    assert.ok(fs.readFileSync(path).equals(original), 'undone');
  }

  /** What the scan still finds is shared, or in a cluster that has to stay for its other subclusters. */
  #judgeRest(image: EditableImage, sources: readonly ShrinkSource[]): void {
    const { top } = image.chain;
    const { zeroes, sameAsBacking } = image.scan!;
    const { clusterSize, subclusterSize, size } = top.header;
    const isFound = (at: number): boolean =>
      (sources.includes('zeroes') && zeroes.has(guestOffset(at))) ||
      (sources.includes('sameAsBacking') && sameAsBacking?.has(guestOffset(at)) === true);
    for (let cluster = 0; cluster * clusterSize < size; cluster++) {
      const entry = top.entryAt(guestCluster(cluster)).meaning;
      if (entry.kind !== 'data') continue;
      let [data, found] = [0, 0];
      const end = Math.min(size, (cluster + 1) * clusterSize);
      top.forEachRun(guestOffset(cluster * clusterSize), guestOffset(end), (start, length, kind) => {
        if (kind !== RunKind.data) return true;
        for (let at: number = start; at < start + length; at += subclusterSize) {
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

function isOffered(image: EditableImage, source: ShrinkSource): boolean {
  try {
    refuseSource(image.chain, source);
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
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
