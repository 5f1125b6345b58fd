/** `qcow2 space`: where the bytes of an image file are. */
import { HostLayout } from '../qcow2/map/hostLayout';
import { spaceReport, type SpaceKind, type SpaceReport } from '../qcow2/report/spaceReport';
import { ByteWriter } from '../text/byteWriter';
import { printable } from '../text/printable';
import { type JsonValue, writeQemuJson } from '../text/qemuJson';
import { shareText } from '../text/shareText';
import { sizeText } from '../text/sizeText';
import { writeTable } from './textTable';
import { reportFaults, type Run, withChain } from './verb';

const NAMES: Readonly<Record<SpaceKind, string>> = {
  data: 'data',
  dataZero: 'data, all zeroes',
  dataSame: 'data that the backing file has as well',
  zeroAllocated: 'zero clusters that keep their space',
  compressed: 'compressed data',
  snapshots: 'held by snapshots only',
  vmState: 'VM state that an applied snapshot left behind',
  header: 'header',
  refcountTable: 'refcount table',
  refcountBlocks: 'refcount blocks',
  l1Table: 'L1 table',
  l2Tables: 'L2 tables',
  snapshotTable: 'snapshot table',
  bitmaps: 'bitmaps',
  usedTwice: 'used twice',
  leaked: 'leaked',
  free: 'free',
};

export const space: Run<'space'> = (args) =>
  withChain(args.operands.FILE, false, ({ top }) => {
    top.refuseFaults('repair');
    const progress = args.progress();
    try {
      const report = spaceReport(HostLayout.of(top, progress), progress);
      const output = new ByteWriter(args.output);
      const write = (text: string): void => {
        output.text(text);
      };
      if (args.options.output === 'json') {
        writeQemuJson(spaceJson(report), write);
        write('\n');
      } else {
        writeText(report, write);
      }
      output.flush();
    } finally {
      progress.clear();
    }
    return reportFaults(top, 'check');
  });

function spaceJson(report: SpaceReport): JsonValue {
  return {
    filename: report.file,
    length: report.length,
    'actual-size': report.allocated,
    rows: report.rows.map(({ kind, bytes, allocated, reclaimable }) => ({
      kind,
      bytes,
      allocated,
      reclaimable,
    })),
    snapshots: report.snapshots.map(({ id, name, bytes }) => ({ id, name, bytes })),
    'allocated-clusters': report.allocatedClusters,
    'fragmented-clusters': report.fragmentedClusters,
    'compressed-clusters': report.compressedClusters,
  };
}

function writeText(report: SpaceReport, write: (text: string) => void): void {
  const { file, length, allocated, rows, snapshots, allocatedClusters, fragmentedClusters } = report;
  write(`${printable(file)}: ${sizeText(length)}, ${sizeText(allocated)} allocated on the host\n\n`);
  const cells = rows.map((row) => [
    sizeText(row.bytes),
    shareText(row.bytes, length),
    row.allocated === undefined ? '?' : sizeText(row.allocated),
    row.reclaimable === 0 ? '-' : sizeText(row.reclaimable),
    NAMES[row.kind],
  ]);
  const numbers = ['right', 'right', 'right', 'right', 'left'] as const;
  writeTable([['size', 'share', 'on host', 'can free', ''], ...cells], numbers, write, '  ');
  if (snapshots.length > 0) {
    write('\nHeld by one snapshot alone:\n');
    writeTable(
      snapshots.map(({ id, name, bytes }) => [sizeText(bytes), `${printable(name)} (ID ${printable(id)})`]),
      ['right', 'left'],
      write,
      '  ',
    );
  }
  const share = shareText(fragmentedClusters, allocatedClusters);
  write(`\nFragmented: ${share} of ${allocatedClusters.toLocaleString('en-US')} allocated clusters\n`);
}
