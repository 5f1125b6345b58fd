/** Findings: place, kind, owner, and which repair fixes them. */
import { describe, expect, test } from 'vitest';
import { checkImage } from '../../../src/qcow2/check/checkImage';
import { isSound, type CheckReport } from '../../../src/qcow2/check/checkReport';
import { CancelledError } from '../../../src/qcow2/errors';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { MemoryFile, SparseMemoryFile } from '../../../src/qcow2/io/memoryFile';
import { silent } from '../../../src/qcow2/progress';
import { image, type ImageBuilder } from '../../support/imageBuilder';
import { misusedBySnapshots } from '../../support/misusedBySnapshots';
import { hostOffset } from '../../../src/qcow2/units';

const COPIED = 1n << 63n;
const CLUSTER = 4096;
const plain = (): ImageBuilder => image({ clusterBits: 12 }).data(0, 4);

/** The report on an image of which entries were overwritten. */
function checked(
  builder: ImageBuilder,
  entries: readonly (readonly [offset: number, value: bigint])[],
): CheckReport {
  const bytes = builder.toBuffer();
  for (const [offset, value] of entries) bytes.writeBigUInt64BE(value, offset);
  return checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)));
}

describe('an overlap is named with all who claim the cluster', () => {
  const { layout } = plain().build();
  const table = layout.l2Offsets.get(0)!;

  test('data and the refcount table', () => {
    const report = checked(plain(), [[table + 8, COPIED | BigInt(layout.refcountTableOffset)]]);
    expect(report.findings.find(({ kind }) => kind === 'overlap')).toMatchObject({
      host: layout.refcountTableOffset,
      severity: 'defect',
      claims: [
        { structure: 'data', at: table + 8, guest: CLUSTER },
        { structure: 'refcount table', at: 48 },
      ],
    });
    expect(report.byKind).toMatchObject({ refcountTooLow: 1, refcountTooHigh: 1, overlap: 1 });
  });

  test('two guest clusters', () => {
    const host = layout.hostOffsets.get(0)!;
    const report = checked(plain(), [[table + 8, COPIED | BigInt(host)]]);
    expect(report.findings.find(({ kind }) => kind === 'overlap')).toMatchObject({
      host,
      claims: [
        { structure: 'data', at: table, guest: 0 },
        { structure: 'data', at: table + 8, guest: CLUSTER },
      ],
    });
  });

  test('data and metadata whose refcount allows for both, which QEMU finds clean', () => {
    const bytes = plain().toBuffer();
    const l1 = layout.l1Offset;
    bytes.writeBigUInt64BE(BigInt(l1), table + 5 * 8);
    bytes.writeUInt16BE(2, layout.refcountBlockOffsets[0]! + (l1 / CLUSTER) * 2);
    const report = checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)));
    expect(report).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0, defects: 1 });
    expect(report.findings[0]).toMatchObject({ kind: 'overlap', host: l1 });
    expect(isSound(report)).toBe(false);
  });

  test('what snapshots share is none', () => {
    const report = checked(plain().snapshot('one').data(1).snapshot('two').compressed(6, 2), []);
    expect(report).toMatchObject({ findings: [], defects: 0 });
  });

  test('two snapshots that have one cluster for two places of the disk', () => {
    const { bytes, host, entry } = misusedBySnapshots();
    const report = checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)));
    expect(report.findings.find(({ kind }) => kind === 'overlap')).toMatchObject({
      host,
      claims: [
        { structure: 'data', guest: 0, snapshot: 0 },
        { structure: 'data', guest: CLUSTER, snapshot: 1, at: entry },
      ],
    });
  });

  test('a refcount that is too low is none where a snapshot shares the cluster', () => {
    const builder = plain().snapshot('one').data(1);
    const shared = builder.build().layout.hostOffsets.get(0)!;
    const bytes = builder.toBuffer();
    bytes.writeUInt16BE(1, builder.build().layout.refcountBlockOffsets[0]! + (shared / CLUSTER) * 2);
    const report = checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)));
    expect(report.byKind).toMatchObject({ refcountTooLow: 1 });
    expect(report.byKind.overlap).toBeUndefined();
  });
});

test('neighbours with the same trouble are one finding', () => {
  const { layout } = plain().build();
  const first = layout.hostOffsets.get(0)!;
  const bytes = plain().toBuffer();
  bytes.fill(0, layout.l2Offsets.get(0), layout.l2Offsets.get(0)! + 32);
  const report = checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)));
  expect(report.leaks).toBe(4);
  expect(report.findings).toStrictEqual([
    {
      kind: 'refcountTooHigh',
      severity: 'leak',
      repair: 'leaks',
      times: 4,
      host: first,
      clusters: 4,
      found: 1,
      expected: 0,
    },
  ]);
  expect(isSound(report)).toBe(true);
  expect(report.needsRebuild).toBe(false);
});

test('a cluster in use without a refcount asks for a rebuild', () => {
  const { layout } = plain().build();
  const bytes = plain().toBuffer();
  bytes.writeUInt16BE(0, layout.refcountBlockOffsets[0]! + (layout.hostOffsets.get(2)! / CLUSTER) * 2);
  expect(checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes))).needsRebuild).toBe(true);
});

/** Knows how often each place was read. */
class CountingFile extends SparseMemoryFile {
  readonly reads = new Map<number, number>();

  override read(target: Uint8Array, offset: number): void {
    this.reads.set(offset, (this.reads.get(offset) ?? 0) + 1);
    super.read(target, hostOffset(offset));
  }
}

describe('a hostile image', () => {
  const builder = image({ clusterBits: 16, size: '64M' }).data(0, 1000);
  const table = builder.build().layout.l2Offsets.get(0)!;

  /** L1 entries that all name one full L2 table, in a file that is long and mostly empty. */
  function repetitive(l1Entries: number): CountingFile {
    const bytes = builder.toBuffer();
    const l1 = hostOffset(Math.ceil(bytes.length / 65536) * 65536);
    const file = new CountingFile('disk.qcow2', 2 ** 44);
    bytes.writeUInt32BE(l1Entries, 36);
    bytes.writeBigUInt64BE(BigInt(l1), 40);
    file.put(hostOffset(0), bytes);
    const entries = Buffer.alloc(l1Entries * 8);
    for (let at = 0; at < entries.length; at += 8) entries.writeBigUInt64BE(COPIED | BigInt(table), at);
    file.put(l1, entries);
    return file;
  }

  test('that names one table half a million times has it read twice, and its entries counted as often', () => {
    const file = repetitive(2 ** 19);
    const report = checkImage(Qcow2Image.open(file));
    // Once to count, once to see who claims what.
    expect(file.reads.get(table)).toBe(2);
    expect(report.allocatedClusters).toBe(1000 * 2 ** 19);
    // 16-bit counts stop at 65535.
    expect(report.byKind.refcountOverflow).toBe(1001 * (2 ** 19 - 65535));
  });

  test('can be cancelled while it is walked', () => {
    let calls = 0;
    const checkCancelled = (): void => {
      if (++calls > 3) throw new CancelledError('disk.qcow2');
    };
    expect(() => checkImage(Qcow2Image.open(repetitive(2 ** 19)), { ...silent, checkCancelled })).toThrow(
      CancelledError,
    );
  });
});

test('progress goes up to the end, in damaged images too', () => {
  const reports: (readonly [number, number])[] = [];
  const builder = plain().snapshot('one');
  const bytes = builder.toBuffer();
  // Data on the refcount table: who claims it is looked up in a second pass.
  bytes.writeBigUInt64BE(COPIED | 4096n, builder.build().layout.l2Offsets.get(0)! + 8);
  const open = Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
  checkImage(open, {
    checkCancelled: () => undefined,
    report: (done, total) => reports.push([done, total]),
  });
  const [last, total] = reports.at(-1)!;
  expect(last).toBe(total);
  for (const [index, [done]] of reports.entries()) {
    expect(done).toBeGreaterThanOrEqual(reports[index - 1]?.[0] ?? 0);
  }
});
