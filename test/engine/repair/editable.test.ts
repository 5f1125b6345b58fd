/** A repair as an edit: staged, undone, redone, saved, undone after the save, backed up; afterwards other edits are possible. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { image, type ImageBuilder } from '../../support/imageBuilder';
import { guestBytes } from '../../support/inProcess';
import { abortQemuIo, mustQemuImg, qemuImg } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

const COPIED = 1n << 63n;
const CLUSTER = 4096;

let place: Workspace;
let path: string;
const opened: EditableImage[] = [];
beforeEach(() => {
  place = workspace();
  path = place.path('disk.qcow2');
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
  place.remove();
});

function open(): EditableImage {
  const editable = EditableImage.open(path, { followsNames: true, scratchPath: place.path('scratch') });
  opened.push(editable);
  return editable;
}

const plain = (): ImageBuilder => image({ clusterBits: 12, size: '1M' }).data(0, 6);

/** Two guest clusters on one host cluster, and a cluster that is leaked for it. */
function overlapping(): Buffer {
  const { layout } = plain().build();
  const bytes = plain().toBuffer();
  bytes.writeBigUInt64BE(COPIED | BigInt(layout.hostOffsets.get(0)!), layout.l2Offsets.get(0)! + 8);
  fs.writeFileSync(path, bytes);
  return bytes;
}

const status = (): number => qemuImg(['check', path]).status;
const codes = (editable: EditableImage): string[] =>
  editable
    .obstacles()
    .map(({ problem }) => problem.code)
    .filter((code) => code.startsWith('guard.'));

test('what a preview shows is what is done, and staging it changes nothing on disk', () => {
  const bytes = overlapping();
  const editable = open();
  const preview = editable.previewRepair('all');
  expect(editable.edits).toStrictEqual({ undoable: 0, redoable: 0, unsaved: 0 });
  expect(editable.check().corruptions).toBe(preview.before.corruptions);
  expect(preview).toMatchObject({ mode: 'all', changed: true, losses: [], lossCount: 0, lostBytes: 0 });
  expect(preview.actions.map(({ kind, count }) => [kind, count])).toContainEqual(['dataCopied', 1]);
  expect(editable.applyRepair('all', 'Repair')).toStrictEqual(preview);
  expect(editable.edits.unsaved).toBe(1);
  expect(editable.check()).toMatchObject({ corruptions: 0, leaks: 0, defects: 0 });
  expect(fs.readFileSync(path)).toEqual(bytes);
});

test('a repair of an image that is sound makes no edit', () => {
  plain().writeTo(path);
  const editable = open();
  expect(editable.applyRepair('all')).toMatchObject({ changed: false, actions: [] });
  expect(editable.applyRepair('leaks').changed).toBe(false);
  expect(editable.edits.undoable).toBe(0);
});

test('saved, it is clean for QEMU; undone and saved again, it is what it was, byte for byte', () => {
  const bytes = overlapping();
  const guest = guestBytes(path);
  const editable = open();
  editable.applyRepair('all');
  editable.save();
  expect(status()).toBe(0);
  expect(guestBytes(path)).toEqual(guest);
  const repaired = fs.readFileSync(path);
  expect(editable.undo()).toBe(true);
  expect(editable.check().corruptions).toBeGreaterThan(0);
  // Damaged again, it cannot be changed, but saved.
  expect(codes(editable)).toStrictEqual(['guard.unsound']);
  editable.save();
  expect(fs.readFileSync(path)).toEqual(bytes);
  expect(editable.redo()).toBe(true);
  expect(codes(editable)).toStrictEqual([]);
  editable.save();
  expect(fs.readFileSync(path)).toEqual(repaired);
});

test('once it is repaired, a damaged image can be changed, and both are saved at once', () => {
  overlapping();
  const editable = open();
  expect(codes(editable)).toStrictEqual(['guard.unsound']);
  editable.applyRepair('all');
  expect(codes(editable)).toStrictEqual([]);
  editable.apply({ kind: 'write', start: guestOffset(40_000), bytes: Buffer.alloc(9000, 7) });
  editable.apply({ kind: 'discard', start: guestOffset(0), length: 2 * CLUSTER });
  editable.save();
  expect(status()).toBe(0);
  expect(guestBytes(path, 40_000, 9000)).toEqual(Buffer.alloc(9000, 7));
  expect(guestBytes(path, 0, 2 * CLUSTER)).toEqual(Buffer.alloc(2 * CLUSTER));
});

test('where it differs from the disk is found, broken entries or not', () => {
  const { layout } = plain().build();
  const bytes = plain().toBuffer();
  bytes.writeBigUInt64BE(COPIED | 0x1234200n, layout.l2Offsets.get(0)! + 16);
  fs.writeFileSync(path, bytes);
  const editable = open();
  const report = editable.applyRepair('all');
  expect(report.losses).toMatchObject([
    { guest: 2 * CLUSTER, length: CLUSTER, why: 'dataMisaligned', reads: 'zeroes', wasReadable: false },
  ]);
  const ranges: number[][] = [];
  editable.forEachDifference((start, length) => {
    ranges.push([start, length]);
    return undefined;
  });
  expect(ranges).toStrictEqual([[2 * CLUSTER, CLUSTER]]);
});

test('it is in a backup, and with it that the image is sound', () => {
  overlapping();
  const first = open();
  first.applyRepair('all', 'Repair');
  first.apply({ kind: 'write', start: guestOffset(0), bytes: Buffer.alloc(512, 1) }, 'Write');
  first.backUp(place.path('backup.json'));
  first.close();
  opened.length = 0;
  const second = open();
  const { edits } = second.restore(place.path('backup.json'));
  expect(edits.map(({ label }) => label)).toStrictEqual(['Repair', 'Write']);
  expect(codes(second)).toStrictEqual([]);
  second.save();
  expect(status()).toBe(0);
  expect(guestBytes(path, 0, 512)).toEqual(Buffer.alloc(512, 1));
});

describe('an image that was not closed (lazy refcounts)', () => {
  function dirty(): void {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on,cluster_size=4k', path, '4M']);
    abortQemuIo(path, ['write -P 5 0 100k', 'write -P 6 1M 64k', 'flush']);
  }

  test('is repaired, and its dirty bit cleared, before it can be changed', () => {
    dirty();
    const editable = open();
    expect(codes(editable)).toContain('guard.dirty');
    const report = editable.applyRepair('all');
    expect(report.actions.map(({ kind }) => kind)).toContain('dirtyCleared');
    expect(codes(editable)).toStrictEqual([]);
    editable.apply({ kind: 'write', start: guestOffset(2 ** 21), bytes: Buffer.alloc(5000, 9) });
    editable.save();
    expect(status()).toBe(0);
    expect(open().onDisk.top.features.dirty).toBe(false);
    expect(guestBytes(path, 0, 100 * 1024)).toEqual(Buffer.alloc(100 * 1024, 5));
  });

  test('keeps its dirty bit where a repair of leaks cannot make its refcounts right', () => {
    dirty();
    const before = fs.readFileSync(path);
    const report = open().applyRepair('leaks');
    expect(report).toMatchObject({ changed: false, after: { needsRebuild: true } });
    expect(fs.readFileSync(path)).toEqual(before);
  });
});

test('a repair of leaks lowers refcounts and leaves an overlap alone', () => {
  const bytes = overlapping();
  const editable = open();
  const report = editable.applyRepair('leaks');
  expect(report.actions.map(({ kind, count }) => [kind, count])).toStrictEqual([['refcountLowered', 1]]);
  expect(report.after).toMatchObject({ leaks: 0, corruptions: report.before.corruptions });
  editable.save();
  expect(status()).toBe(2);
  const after = fs.readFileSync(path);
  const changed = [...after.keys()].filter((at) => after[at] !== bytes[at]);
  expect(changed).toHaveLength(1);
});

describe('an image whose snapshot table no program opens', () => {
  const bytes = image({ clusterBits: 12, size: '1M' })
    .data(0, 6)
    .snapshot('one', { extraSize: 2000 })
    .data(2)
    .toBuffer();

  test('is shown and checked, and refuses every change but the repair', () => {
    fs.writeFileSync(path, bytes);
    expect(status()).toBe(1);
    const editable = open();
    expect(editable.chain.top.faults).toMatchObject([
      { part: 'snapshot table', blocks: 'check', problem: { code: 'snapshot.extraData', limit: 1024 } },
    ]);
    expect(editable.chain.top.snapshots).toHaveLength(1);
    expect(editable.check()).toMatchObject({ corruptions: 1, byKind: { snapshotExtraData: 1 } });
    const [first] = editable.obstacles();
    expect(first).toMatchObject({
      severity: 'refuse',
      isDamage: true,
      problem: { code: 'snapshot.extraData' },
    });
    expect(editable.repairObstacles().filter(({ severity }) => severity === 'refuse')).toEqual([]);
    const discard = { kind: 'discard', start: guestOffset(0), length: CLUSTER } as const;
    expect(() => editable.apply(discard)).toThrow('snapshot.extraData');
    expect(() => editable.previewRepair('leaks')).toThrow('snapshot.extraData');
    expect(fs.readFileSync(path)).toEqual(bytes);
  });

  test('is repaired, and damaged again once that is taken back', () => {
    fs.writeFileSync(path, bytes);
    const editable = open();
    const report = editable.applyRepair('all', 'Repair');
    expect(report.after).toMatchObject({ corruptions: 0, leaks: 0, defects: 0 });
    expect(editable.chain.top.faults).toEqual([]);
    expect(editable.obstacles().filter(({ severity }) => severity === 'refuse')).toEqual([]);
    editable.save();
    expect(status()).toBe(0);
    expect(editable.undo()).toBe(true);
    expect(editable.chain.top.faults).toHaveLength(1);
    editable.save();
    expect(fs.readFileSync(path)).toEqual(bytes);
  });
});

test('rebuilt refcounts describe themselves, behind the pages of what was counted', () => {
  // Those have 32768 clusters: the new blocks, one for every 256 clusters here, do not fit into the last one.
  const built = image({ clusterBits: 9, size: '16M' }).data(0, 32_060).build();
  const bytes = built.toBuffer();
  expect(bytes.length / 512).toBeGreaterThan(32_768 - 128);
  expect(bytes.length / 512).toBeLessThan(32_768);
  bytes.fill(0, built.layout.refcountTableOffset, built.layout.refcountTableOffset + 1024);
  fs.writeFileSync(path, bytes);
  const editable = open();
  const { after, lossCount } = editable.applyRepair('all', 'Repair');
  expect(after).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0, defects: 0 });
  expect(lossCount).toBe(0);
  editable.save({ keepsUndo: false });
  expect(status()).toBe(0);
});
