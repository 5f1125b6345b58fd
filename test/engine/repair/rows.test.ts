/**
 * Each kind of damage that `qemu-img check` knows, one image each, and its repair: QEMU finds the image clean afterwards,
 * and everything that could be read reads the same.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import type { RepairActionKind } from '../../../src/qcow2/repairText';
import { image, type BuiltImage, type ImageBuilder } from '../../support/imageBuilder';
import { misusedBySnapshots } from '../../support/misusedBySnapshots';
import { qemuImg } from '../../support/qemu';
import { salvage, unnamedChange } from '../../support/repairJudge';
import { type Workspace, workspace } from '../../support/workspace';

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const CLUSTER = 4096;

let place: Workspace;
beforeAll(() => {
  place = workspace();
});
afterAll(() => {
  place.remove();
});

const plain = (): ImageBuilder =>
  image({ clusterBits: 12, size: '1M' }).data(0, 4).zeroAllocated(5).compressed(7, 2);
const extended = (): ImageBuilder =>
  image({ clusterBits: 14, size: '4M', extendedL2: true }).data(0).subclusters(1, 'DZ.').compressed(4);
const withSnapshot = (extraSize = 24): ImageBuilder =>
  plain().snapshot('one', { extraSize, vmStateSize: 4096 }).data(1);

interface Row {
  readonly name: string;
  readonly make: () => ImageBuilder;
  /** @returns other bytes, where those given do not do */
  readonly damage: (bytes: Buffer, built: BuiltImage) => Buffer | undefined;
  readonly does: RepairActionKind;
  /** Guest bytes that are named as lost. */
  readonly loses?: number;
}

/** The first L2 table. */
const table = ({ layout }: BuiltImage): number => layout.l2Offsets.get(0)!;
const setEntry =
  (index: number, value: (built: BuiltImage, old: bigint) => bigint, size = 8) =>
  (bytes: Buffer, built: BuiltImage): undefined => {
    const at = table(built) + index * size;
    bytes.writeBigUInt64BE(value(built, bytes.readBigUInt64BE(at)), at);
  };
const setWord =
  (at: (built: BuiltImage) => number, value: (built: BuiltImage, old: bigint) => bigint) =>
  (bytes: Buffer, built: BuiltImage): undefined => {
    const offset = at(built);
    bytes.writeBigUInt64BE(value(built, bytes.readBigUInt64BE(offset)), offset);
  };
const setRefcount =
  (guest: number, value: number) =>
  (bytes: Buffer, { layout }: BuiltImage): undefined => {
    bytes.writeUInt16BE(
      value,
      layout.refcountBlockOffsets[0]! + (layout.hostOffsets.get(guest)! / CLUSTER) * 2,
    );
  };
const reftable = ({ layout }: BuiltImage): number => layout.refcountTableOffset;
const beyond = (bytes: Buffer): bigint => BigInt(Math.ceil(bytes.length / CLUSTER) * CLUSTER + 8 * CLUSTER);

const ROWS: readonly Row[] = [
  { name: 'a leaked cluster', make: plain, damage: setRefcount(1, 3), does: 'refcountLowered' },
  {
    name: 'a refcount below the references',
    make: withSnapshot,
    damage: setRefcount(2, 1),
    does: 'refcountRaised',
  },
  { name: 'a refcount of 0', make: plain, damage: setRefcount(2, 0), does: 'refcountRaised' },
  {
    name: 'COPIED of an L1 entry',
    make: plain,
    damage: setWord(
      ({ layout }) => layout.l1Offset,
      (_, old) => old ^ COPIED,
    ),
    does: 'copiedFlag',
  },
  {
    name: 'COPIED of an L2 entry',
    make: plain,
    damage: setEntry(1, (_, old) => old ^ COPIED),
    does: 'copiedFlag',
  },
  {
    name: 'data beyond the end of the file',
    make: plain,
    damage: (bytes, built) => {
      setEntry(1, () => COPIED | beyond(bytes))(bytes, built);
    },
    does: 'entryUnallocated',
    loses: CLUSTER,
  },
  {
    name: 'an L2 table beyond the end of the file',
    make: plain,
    damage: (bytes, built) => {
      setWord(
        ({ layout }) => layout.l1Offset,
        () => COPIED | beyond(bytes),
      )(bytes, built);
    },
    does: 'l1EntryCleared',
    loses: 2 ** 20,
  },
  {
    name: 'reserved bits of an L1 entry',
    make: plain,
    damage: setWord(
      ({ layout }) => layout.l1Offset,
      (_, old) => old | 6n,
    ),
    does: 'reservedBitsCleared',
  },
  {
    name: 'reserved bits of an L2 entry',
    make: plain,
    damage: setEntry(1, (_, old) => old | (1n << 57n) | 4n),
    does: 'reservedBitsCleared',
  },
  {
    name: 'an L2 table that is not aligned',
    make: plain,
    damage: setWord(
      ({ layout }) => layout.l1Offset,
      (_, old) => old | 512n,
    ),
    does: 'l1EntryCleared',
    loses: 2 ** 20,
  },
  {
    name: 'data that is not aligned',
    make: plain,
    damage: setEntry(1, (_, old) => old | 512n),
    does: 'entryUnallocated',
    loses: CLUSTER,
  },
  {
    name: 'a zero cluster whose allocation is not aligned',
    make: plain,
    damage: setEntry(5, (_, old) => old | 512n),
    does: 'entryZeroed',
  },
  {
    name: 'COPIED of a compressed cluster',
    make: plain,
    damage: setEntry(7, (_, old) => old | COPIED),
    does: 'reservedBitsCleared',
  },
  {
    name: 'a compressed cluster with a subcluster bitmap',
    make: extended,
    damage: (bytes, built) => {
      bytes.writeUInt32BE(5, table(built) + 4 * 16 + 12);
      return undefined;
    },
    does: 'subclustersRepaired',
  },
  {
    name: 'subclusters that are allocated and zero',
    make: extended,
    damage: (bytes, built) => {
      bytes.writeUInt32BE(0x80000001, table(built) + 8);
      return undefined;
    },
    does: 'subclustersRepaired',
  },
  {
    name: 'allocated subclusters of an unallocated cluster',
    make: extended,
    damage: (bytes, built) => {
      bytes.writeUInt32BE(6, table(built) + 9 * 16 + 12);
      return undefined;
    },
    does: 'subclustersRepaired',
    loses: 1024,
  },
  {
    name: 'a compressed cluster that ends beyond the file',
    make: plain,
    damage: (bytes, built) => {
      const at = table(built) + 9 * 8;
      bytes.writeBigUInt64BE(COMPRESSED | (15n << 58n) | BigInt(bytes.length - 512), at);
      return undefined;
    },
    does: 'compressedCut',
  },
  {
    name: 'reserved bits of a refcount table entry',
    make: plain,
    damage: setWord(reftable, (_, old) => old | 1n),
    does: 'refcountsRebuilt',
  },
  {
    name: 'a refcount block that is not aligned',
    make: plain,
    damage: setWord(reftable, (_, old) => old + 512n),
    does: 'refcountsRebuilt',
  },
  {
    name: 'a refcount block beyond the end of the file',
    make: plain,
    damage: (bytes, built) => {
      setWord(reftable, () => 1n << 40n)(bytes, built);
    },
    does: 'refcountsRebuilt',
  },
  {
    name: 'a refcount block on the L1 table',
    make: plain,
    damage: setWord(reftable, ({ layout }) => BigInt(layout.l1Offset)),
    does: 'refcountsRebuilt',
  },
  {
    name: 'a refcount table with nothing in it',
    make: plain,
    damage: setWord(reftable, () => 0n),
    does: 'refcountsRebuilt',
  },
  {
    name: 'data on the refcount table',
    make: plain,
    damage: setEntry(1, ({ layout }) => COPIED | BigInt(layout.refcountTableOffset)),
    does: 'dataCopied',
  },
  {
    name: 'data on a refcount block',
    make: plain,
    damage: setEntry(1, ({ layout }) => COPIED | BigInt(layout.refcountBlockOffsets[0]!)),
    does: 'dataCopied',
  },
  {
    name: 'data on the header',
    make: plain,
    damage: setEntry(5, () => COPIED | 0n),
    does: 'refcountLowered',
  },
  {
    name: 'data on its own L2 table',
    make: plain,
    damage: setEntry(1, (built) => COPIED | BigInt(table(built))),
    does: 'dataCopied',
  },
  {
    name: 'data on the L1 table',
    make: plain,
    damage: setEntry(1, ({ layout }) => COPIED | BigInt(layout.l1Offset)),
    does: 'dataCopied',
  },
  {
    name: 'data on other data',
    make: plain,
    damage: setEntry(1, ({ layout }) => COPIED | BigInt(layout.hostOffsets.get(3)!)),
    does: 'dataCopied',
  },
  {
    name: 'data on a compressed cluster',
    make: plain,
    damage: (bytes, built) => {
      const entry = bytes.readBigUInt64BE(table(built) + 7 * 8);
      const host = entry & ((1n << 50n) - 1n);
      bytes.writeBigUInt64BE(COPIED | (host - (host % BigInt(CLUSTER))), table(built) + 8);
      return undefined;
    },
    does: 'dataCopied',
  },
  {
    name: 'an L2 table on the refcount block',
    make: plain,
    damage: setWord(
      ({ layout }) => layout.l1Offset,
      ({ layout }) => COPIED | BigInt(layout.refcountBlockOffsets[0]!),
    ),
    does: 'structureCopied',
  },
  {
    name: 'an incomplete snapshot',
    make: () => withSnapshot(8),
    damage: () => undefined,
    does: 'snapshotCompleted',
  },
  {
    name: 'a snapshot with too much extra data',
    make: () => withSnapshot(2000),
    damage: () => undefined,
    does: 'snapshotExtraDataCut',
  },
  {
    name: 'a snapshot whose L1 table is not aligned',
    make: withSnapshot,
    damage: setWord(
      ({ layout }) => layout.snapshotTableOffset!,
      (_, old) => old + 512n,
    ),
    does: 'snapshotRemoved',
    loses: 2 ** 20,
  },
  {
    name: 'a snapshot whose L1 table is on that of the active layer',
    make: withSnapshot,
    damage: setWord(
      ({ layout }) => layout.snapshotTableOffset!,
      ({ layout }) => BigInt(layout.l1Offset),
    ),
    does: 'structureCopied',
  },
  {
    name: 'an L1 entry that has a flag and no table',
    make: plain,
    damage: setWord(
      ({ layout }) => layout.l1Offset,
      () => COPIED,
    ),
    does: 'l1EntryCleared',
  },
  {
    name: 'a cluster that two snapshots have for two places of the disk',
    make: plain,
    damage: () => misusedBySnapshots().bytes,
    does: 'dataCopied',
  },
  {
    name: 'the file cut off in the middle of its data',
    make: plain,
    damage: (bytes, { layout }) => Buffer.from(bytes.subarray(0, layout.hostOffsets.get(2)! + 100)),
    does: 'entryUnallocated',
  },
];

describe('an image with', () => {
  test.each(ROWS)('$name is repaired', ({ make, damage, does, loses = 0 }) => {
    const built = make().build();
    const bytes = built.toBuffer();
    const path = place.path('disk.qcow2');
    fs.writeFileSync(path, damage(bytes, built) ?? bytes);
    const before = salvage(place.folder, 'disk.qcow2');
    const options = { followsNames: true, scratchPath: place.path('scratch') };
    const editable = EditableImage.open(path, options);
    const report = editable.applyRepair('all');
    expect(report.actions.map(({ kind }) => kind)).toContain(does);
    if (loses > 0) expect(report.lostBytes).toBe(loses);
    editable.save();
    editable.close();
    const judge = qemuImg(['check', path]);
    expect(`${String(judge.stdout)}${judge.stderr}`).toMatch(/^No errors were found/);
    const after = salvage(place.folder, 'disk.qcow2');
    expect(after).toBeDefined();
    // Too much extra data keeps QEMU from opening it.
    if (before !== undefined && after !== undefined) {
      expect(unnamedChange(before, after, report.losses)).toBeUndefined();
    }
  });
});
