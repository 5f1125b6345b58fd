/** The use of each cluster of the image file, compared with the check, qemu-img and images made by hand. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImage } from '../../../src/qcow2/check/checkImage';
import { EngineError, UnsupportedError } from '../../../src/qcow2/errors';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import type { BlockFile } from '../../../src/qcow2/io/blockFile';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { HOST_KINDS, HostLayout, type HostKind } from '../../../src/qcow2/map/hostLayout';
import { inspectHost } from '../../../src/qcow2/report/hostReport';
import { silent } from '../../../src/qcow2/progress';
import { writeCutSnapshot } from '../../support/cutSnapshot';
import { DamagedFile } from '../../support/damagedFile';
import { seededRandom } from '../../support/builder/random';
import { damage, patients } from '../../support/damage';
import { writeGiantImage } from '../../support/giantImages';
import { misusedBySnapshots } from '../../support/misusedBySnapshots';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace, type Workspace } from '../../support/workspace';
import { guestOffset, hostCluster, hostOffset } from '../../../src/qcow2/units';

/** Clusters of each kind in the whole file. */
function kindsOf(layout: HostLayout): Partial<Record<HostKind, number>> {
  const { clusterSize } = layout.image.header;
  return Object.fromEntries(
    HOST_KINDS.map((kind, at) => [kind, (layout.totals.bytes[at] ?? 0) / clusterSize] as const).filter(
      ([, clusters]) => clusters > 0,
    ),
  );
}

/** The kind of each cluster, as the finest view has it. */
function cellsOf(layout: HostLayout): HostKind[] {
  const { clusterSize } = layout.image.header;
  const count = layout.size / clusterSize;
  const { shares } = layout.cells({ start: guestOffset(0), bytesPerCell: clusterSize, count });
  return Array.from({ length: count }, (_, cell) => {
    const own = [...shares.subarray(cell * HOST_KINDS.length, (cell + 1) * HOST_KINDS.length)];
    expect(own.filter((share) => share > 0)).toEqual([255]);
    return HOST_KINDS[own.indexOf(255)] ?? 'free';
  });
}

describe('the layout of an image file', () => {
  let files: Workspace;

  beforeAll(() => {
    files = workspace();
  });

  afterAll(() => {
    files.remove();
  });

  function layoutOf(path: string, open: (path: string) => BlockFile = openLocalFile): HostLayout {
    return HostLayout.of(Qcow2Image.open(open(path)), silent);
  }

  /** As QEMU sees the holes of a file, which it takes for a raw disk. */
  function holesOf(path: string): readonly { readonly start: number; readonly length: number }[] {
    const printed = mustQemuImg(['map', '--output=json', '-f', 'raw', path]);
    const extents = JSON.parse(String(printed)) as { start: number; length: number; data: boolean }[];
    return extents.filter(({ data }) => !data);
  }

  it('names the use of each cluster', () => {
    const path = files.path('uses.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '64M']);
    mustQemuIo(path, ['write -P 1 0 128k', 'write -c -P 2 1M 64k']);
    mustQemuImg(['bitmap', '--add', path, 'b0']);
    const layout = layoutOf(path);
    expect(cellsOf(layout).slice(0, 8)).toEqual([
      'header',
      'refcountTable',
      'refcountBlock',
      'l1',
      'l2',
      'data',
      'data',
      'compressed',
    ]);
    expect(kindsOf(layout)).toMatchObject({ data: 2, compressed: 1, bitmap: 2 });
  });

  it('tells what snapshots share from what they misuse', () => {
    const { bytes, host } = misusedBySnapshots();
    const layout = HostLayout.of(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)), silent);
    const conflicts = Array.from({ length: layout.size / 4096 }, (_, cluster) => cluster).filter(
      (cluster) => layout.useOf(hostCluster(cluster)).kind === 'conflict',
    );
    expect(conflicts).toEqual([host / 4096]);
    expect(inspectHost(layout, hostOffset(host), silent).claims).toMatchObject([
      { snapshot: 0 },
      { snapshot: 1 },
    ]);
  });

  it('sets apart what only snapshots hold', () => {
    const path = files.path('snapshots.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '64M']);
    mustQemuIo(path, ['write -P 1 0 256k']);
    mustQemuImg(['snapshot', '-c', 'one', path]);
    mustQemuIo(path, ['write -P 2 0 64k']);
    mustQemuImg(['snapshot', '-c', 'two', path]);
    // One cluster of data, an L2 table, two L1 tables, and the snapshot table.
    const layout = layoutOf(path);
    expect(kindsOf(layout)).toMatchObject({ snapshot: 5, data: 4, l2: 1, l1: 1 });
    expect(kindsOf(layout)).not.toHaveProperty('conflict');
    const own = cellsOf(layout).flatMap((kind, cluster) =>
      kind === 'snapshot' ? [layout.useOf(hostCluster(cluster))] : [],
    );
    expect(own.map(({ structure }) => structure).sort()).toEqual([
      'L1 table',
      'L1 table',
      'L2 table',
      'data',
      'snapshot table',
    ]);
  });

  it('sets apart the VM state that an applied snapshot has left past the end of the disk', () => {
    const path = files.path('state.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', path, '256k']);
    mustQemuIo(path, ['write -P 1 0 256k']);
    const bytes = fs.readFileSync(path);
    bytes.writeBigUInt64BE(128n * 1024n, 24);
    fs.writeFileSync(path, bytes);
    // Half of the data, with its L2 tables.
    expect(kindsOf(layoutOf(path))).toMatchObject({ data: 256, l2: 4, vmState: 256 + 4 });
  });

  it.each([
    ['preallocated', 'preallocation=metadata,cluster_size=64k'],
    ['with clusters smaller than a page', 'preallocation=metadata,cluster_size=512'],
  ])('has the holes of the file by kind, where QEMU sees them (%s)', (_name, options) => {
    const path = files.path('holes.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, path, '4M']);
    mustQemuIo(path, ['write -P 1 1M 512k', 'write -P 1 3M 6k']);
    const layout = layoutOf(path);
    const { clusterSize } = layout.image.header;
    const wanted = new Float64Array(HOST_KINDS.length);
    const inClusters = new Map<number, number>();
    for (const { start, length } of holesOf(path)) {
      for (let at = start; at < start + length; at += 512) {
        const cluster = Math.floor(at / clusterSize);
        wanted[HOST_KINDS.indexOf(layout.useOf(hostCluster(cluster)).kind)]! += 512;
        inClusters.set(cluster, (inClusters.get(cluster) ?? 0) + 512);
      }
    }
    expect(wanted[HOST_KINDS.indexOf('data')]).toBeGreaterThan(2 ** 20);
    expect(layout.totals.holes).toEqual([...wanted]);
    const count = layout.size / clusterSize;
    const { shares, holes = [] } = layout.cells({ start: 0, bytesPerCell: clusterSize, count });
    for (let cluster = 0; cluster < count; cluster++) {
      const hollow = inClusters.get(cluster) ?? 0;
      const kind = HOST_KINDS.indexOf(layout.useOf(hostCluster(cluster)).kind);
      const at = cluster * HOST_KINDS.length + kind;
      const share = hollow === 0 ? 0 : Math.max(1, Math.round((hollow / clusterSize) * 255));
      expect([cluster, shares[at], holes[at]]).toEqual([cluster, 255, share]);
    }
    for (const cluster of [0, count - 2]) {
      expect(inspectHost(layout, hostOffset(cluster * clusterSize), silent)).toMatchObject({
        holeBytes: inClusters.get(cluster) ?? 0,
      });
    }
  });

  it('tells of no holes where there are none, or where they cannot be seen', () => {
    const path = files.path('solid.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '1M']);
    mustQemuIo(path, ['write -P 1 0 1M']);
    fs.writeFileSync(path, fs.readFileSync(path));
    const layouts = [layoutOf(path), layoutOf(path, (file) => new MemoryFile(path, fs.readFileSync(file)))];
    for (const layout of layouts) {
      expect(layout.totals).not.toHaveProperty('holes');
      expect(layout.cells({ start: 0, bytesPerCell: 65536, count: 8 })).not.toHaveProperty('holes');
    }
    expect(inspectHost(layouts[0]!, hostOffset(0), silent)).toMatchObject({ holeBytes: 0 });
    expect(inspectHost(layouts[1]!, hostOffset(0), silent)).not.toHaveProperty('holeBytes');
  });

  it('tells of a cluster past the end of the file who refers to it, and what for', () => {
    const path = files.path('cut.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '16M']);
    mustQemuIo(path, ['write -P 1 0 1M']);
    const last = DamagedFile.do(path, (file) => file.hostCluster(15)) * 65536;
    fs.truncateSync(path, last);
    const layout = layoutOf(path);
    expect(inspectHost(layout, hostOffset(last + 5), silent)).toMatchObject({
      kind: 'missing',
      structure: 'data',
      isSnapshotOnly: false,
      hostOffset: last,
      length: 65536,
      refcount: 1,
      references: 1,
      claims: [{ structure: 'data', guest: 15 * 65536 }],
    });
    const nothing = inspectHost(layout, hostOffset(2 ** 40), silent);
    expect(nothing).toMatchObject({ kind: 'missing', refcount: 0, references: 0, claims: [] });
    expect(nothing).not.toHaveProperty('structure');
    for (const wrong of [-1, NaN, Infinity]) {
      expect(() => inspectHost(layout, hostOffset(wrong), silent)).toThrow(EngineError);
    }
  });

  it('tells of a cluster past the end of the file that only a snapshot has it', () => {
    const path = files.path('cutSnapshot.qcow2');
    const size = hostOffset(writeCutSnapshot(path, 2));
    expect(inspectHost(layoutOf(path), size, silent)).toMatchObject({
      kind: 'missing',
      structure: 'data',
      isSnapshotOnly: true,
      refcount: 1,
      claims: [{ structure: 'data', guest: 14 * 65536, snapshot: 0 }],
    });
  });

  it('tells leaked clusters from free ones, and clusters that are claimed twice', () => {
    const path = files.path('damaged.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '16M']);
    mustQemuIo(path, ['write -P 1 0 1M']);
    const { leaked, shared } = DamagedFile.do(path, (file) => {
      const first = file.leak(3);
      file.setRefcount(first + 1, 0);
      file.setEntry(7, file.entry(6));
      return { leaked: first, shared: file.hostCluster(6) };
    });
    const kinds = cellsOf(layoutOf(path));
    expect(kinds.slice(leaked, leaked + 3)).toEqual(['leaked', 'free', 'leaked']);
    expect(kinds[shared]).toBe('conflict');
    expect(kinds.filter((kind) => kind === 'conflict')).toHaveLength(1);
  });

  it('says of a cluster who refers to it, and what its refcount is and should be', () => {
    const path = files.path('claims.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '16M']);
    mustQemuIo(path, ['write -P 1 0 1M']);
    mustQemuImg(['snapshot', '-c', 'one', path]);
    mustQemuIo(path, ['write -P 2 64k 64k']);
    const { shared, table, entry } = DamagedFile.do(path, (file) => ({
      shared: file.hostCluster(3) * file.clusterSize,
      table: hostOffset(file.entryAt(0)),
      entry: file.entryAt(3),
    }));
    const layout = layoutOf(path);
    const report = inspectHost(layout, hostOffset(shared + 5), silent);
    expect(report).toMatchObject({
      kind: 'data',
      hostOffset: shared,
      length: 65536,
      refcount: 2,
      references: 2,
    });
    expect(report.claims).toEqual([
      { structure: 'data', at: entry, guest: 0x30000 },
      { structure: 'data', at: expect.any(Number) as number, guest: 0x30000, snapshot: 0 },
    ]);
    const own = inspectHost(layout, table, silent);
    expect(own).toMatchObject({ kind: 'l2', structure: 'L2 table', refcount: 1, references: 1 });
    expect(own.claims).toEqual([{ structure: 'L2 table', at: 3 * 65536, guest: 0 }]);
    expect(inspectHost(layout, hostOffset(layout.size), silent)).toMatchObject({
      kind: 'missing',
      claims: [],
    });
    expect(() => inspectHost(layout, hostOffset(-1), silent)).toThrow('offset.beyondFile');
  });

  it('agrees with the check about what is leaked, whatever was damaged', () => {
    const everybody = patients();
    let leaked = 0;
    for (let seed = 0; seed < 400; seed++) {
      const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
      const patient = random.pick(everybody);
      const { bytes, what } = damage(patient, random);
      let image: Qcow2Image;
      try {
        image = Qcow2Image.open(new MemoryFile(patient.name, bytes));
      } catch (error) {
        if (error instanceof EngineError) continue;
        throw error;
      }
      const layout = HostLayout.of(image, silent);
      const report = checkImage(image);
      const unused = report.findings
        .filter(({ kind, expected }) => kind === 'refcountTooHigh' && expected === 0)
        .reduce((sum, { host = 0, clusters = 1 }) => {
          const first = host / image.header.clusterSize;
          return sum + Math.max(0, Math.min(clusters, layout.uses.clusters - first));
        }, 0);
      expect([seed, what, kindsOf(layout).leaked ?? 0]).toEqual([seed, what, unused]);
      leaked += unused;
      // Every byte of the file has exactly one use.
      expect(layout.totals.bytes.reduce((sum, each) => sum + each, 0)).toBe(layout.size);
      cellsOf(layout);
    }
    expect(leaked).toBeGreaterThan(100);
  });

  it('finds nothing claimed twice in images that are sound', () => {
    for (const { name, built } of patients()) {
      const layout = HostLayout.of(Qcow2Image.open(new MemoryFile(name, built.toBuffer())), silent);
      expect([name, kindsOf(layout).conflict, kindsOf(layout).leaked]).toEqual([name, undefined, undefined]);
    }
  });

  it('takes no longer than a check for a terabyte, and has it in 2^18 cells', () => {
    const path = files.path('giant.qcow2');
    writeGiantImage(path, { size: 2 ** 40, pattern: 'contiguous' });
    const start = performance.now();
    const layout = layoutOf(path);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(kindsOf(layout)).toMatchObject({ data: 2 ** 24, l2: 2048 });
    let bytesPerCell = 65536;
    while (layout.size / bytesPerCell > 2 ** 18) bytesPerCell *= 2;
    const { shares } = layout.cells({ start: guestOffset(0), bytesPerCell, count: 2 ** 17 });
    expect(shares).toHaveLength(2 ** 17 * HOST_KINDS.length);
  });

  it('refuses a file of more clusters than are checked, at once', () => {
    const path = files.path('endless.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', path, '1M']);
    const file = new MemoryFile('endless', new Uint8Array(0));
    const image = Qcow2Image.open(openLocalFile(path));
    Object.defineProperty(file, 'size', { value: 2 ** 45 });
    expect(() => HostLayout.of(Object.assign(Object.create(image) as Qcow2Image, { file }), silent)).toThrow(
      UnsupportedError,
    );
  });
});
