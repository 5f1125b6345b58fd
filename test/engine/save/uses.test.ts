/** What a save takes clusters for, compared with the layout of the file, which the check's whole walk makes. */
import { expect, test } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { readRefcountTable } from '../../../src/qcow2/image/tableEntries';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { HostLayout } from '../../../src/qcow2/map/hostLayout';
import { silent } from '../../../src/qcow2/progress';
import { Ranges } from '../../../src/qcow2/save/clusterRanges';
import { ClusterUses } from '../../../src/qcow2/save/uses';
import { hostCluster, type HostCluster } from '../../../src/qcow2/units';
import { image } from '../../support/imageBuilder';

/** Uses of all clusters. */
function usesOf(opened: Qcow2Image): string[] {
  const { file, header } = opened;
  const count = Math.ceil(file.size / header.clusterSize);
  const touched = new Ranges<HostCluster>();
  touched.add(hostCluster(0), hostCluster(count));
  const uses = new ClusterUses(opened, readRefcountTable(file, header), touched, silent);
  return Array.from({ length: count }, (_, cluster) => uses.of(hostCluster(cluster)) ?? 'none');
}

const sample = () =>
  image({ clusterBits: 9, size: '1M' })
    .data(0, 300)
    .compressed(400)
    .snapshot('one')
    .data(20, 30)
    .bitmap('b0');

test('every structure is what the check finds it to be, and data is none', () => {
  const built = sample().build().toBuffer();
  const [bitmap] = Qcow2Image.open(new MemoryFile('disk.qcow2', built)).bitmaps;
  // A cluster of bits, behind everything else.
  built.writeBigUInt64BE(BigInt(built.length), bitmap!.tableOffset);
  const bytes = Buffer.concat([built, Buffer.alloc(512)]);
  const opened = Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
  const layout = HostLayout.of(opened, silent);
  const uses = usesOf(opened);
  const expected = uses.map((_, cluster) => {
    const { structure = 'none' } = layout.useOf(hostCluster(cluster));
    return structure === 'data' || structure === 'compressed data' ? 'none' : structure;
  });
  expect(uses).toEqual(expected);
  expect(new Set(uses)).toEqual(
    new Set([
      'none',
      'header',
      'L1 table',
      'L2 table',
      'snapshot table',
      'refcount table',
      'refcount block',
      'bitmap directory',
      'bitmap table',
      'bitmap data',
    ]),
  );
});

test('an L1 entry of nothing but flags makes no table of the header', () => {
  const built = sample().build();
  const bytes = built.toBuffer();
  bytes.writeBigUInt64BE(1n << 63n, built.layout.l1Offset + 8 * 31);
  expect(usesOf(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)))[0]).toBe('header');
});
