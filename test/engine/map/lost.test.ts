/** Files that end before data that their tables refer to: what is reported, and files that only look like this. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { describeProblem } from '../../../src/qcow2/describeProblem';
import { CELL_KINDS, Overview } from '../../../src/qcow2/map/overview';
import { inspectCluster } from '../../../src/qcow2/report/inspect';
import { readGuest } from '../../../src/qcow2/image/read';
import { DamagedFile } from '../../support/damagedFile';
import { image } from '../../support/imageBuilder';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';
import { guestCluster, guestOffset } from '../../../src/qcow2/units';

const CLUSTER = 65536;
const MIB = 2 ** 20;

let files: Workspace;
beforeEach(() => {
  files = workspace();
});
afterEach(() => {
  files.remove();
});

interface Picture {
  readonly kinds: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly names: readonly string[];
}

function pictureOf(path: string): Picture {
  const chain = openChain(path, { followsNames: true });
  try {
    const overview = new Overview(chain.layers, chain.top.header.clusterSize);
    overview.step(Infinity);
    const { totals } = overview.cells({
      start: guestOffset(0),
      bytesPerCell: chain.top.header.clusterSize,
      count: 0,
    });
    const kinds = CELL_KINDS.map((kind, index) => [kind, totals.bytes[index] ?? 0] as const);
    return {
      kinds: Object.fromEntries(kinds.filter(([, bytes]) => bytes > 0)),
      problems: overview.incompleteFiles.map((problem) => describeProblem(problem)),
      names: overview.incompleteFiles.map(({ file }) => file),
    };
  } finally {
    chain.close();
  }
}

function create(name: string, size: string, options: readonly string[], ...commands: string[]): string {
  const path = files.path(name);
  mustQemuImg(['create', '-q', '-f', 'qcow2', ...options, path, size]);
  if (commands.length > 0) mustQemuIo(path, commands);
  return path;
}

describe('a file that was cut off', () => {
  test('shows what is past its end as a kind of its own, and says how much', () => {
    const path = create('disk.qcow2', '64M', [], 'write -P 1 0 32M');
    const { size } = fs.statSync(path);
    fs.truncateSync(path, size - 20 * MIB);
    const { kinds, problems } = pictureOf(path);
    expect(kinds).toEqual({ data: 12 * MIB, missing: 20 * MIB, unallocated: 32 * MIB });
    expect(problems).toEqual([
      'This file is incomplete: it ends at 12.3 MiB, its tables refer to data up to 32.3 MiB; 20 MiB of the disk are missing. Copy it again before you repair it',
    ]);
  });

  test('tells of each cluster whether it is there', () => {
    const path = create('disk.qcow2', '4M', [], 'write -P 1 0 4M');
    const last = DamagedFile.do(path, (file) => file.hostCluster(32));
    fs.truncateSync(path, last * CLUSTER);
    const chain = openChain(path, { followsNames: true });
    const [there, lost] = [31, 32].map((cluster) =>
      inspectCluster(chain.top, chain.layers, guestOffset(cluster * CLUSTER)),
    );
    expect(there).toMatchObject({ kind: 'data', cellKind: 'data' });
    expect(lost).toMatchObject({ kind: 'data', cellKind: 'missing' });
    chain.close();
  });

  test('has no data missing where a cluster begins in it', () => {
    const path = create('disk.qcow2', '4M', [], 'write -P 1 0 4M');
    const last = DamagedFile.do(path, (file) => file.hostCluster(63));
    fs.truncateSync(path, last * CLUSTER + 512);
    expect(pictureOf(path)).toMatchObject({ kinds: { data: 4 * MIB }, problems: [] });
  });

  test('loses compressed clusters and subclusters as well', () => {
    const path = create(
      'disk.qcow2',
      '8M',
      ['-o', 'extended_l2=on'],
      'write -P 1 0 1M',
      'write -P 2 2M 2k',
      'write -c -P 3 4M 64k',
    );
    const first = DamagedFile.do(path, (file) => file.clusterSize * 5);
    fs.truncateSync(path, first);
    const { kinds, problems } = pictureOf(path);
    // The L2 table itself lies at the fifth cluster or before it.
    expect(kinds['missing']).toBeGreaterThanOrEqual(MIB);
    expect(kinds['compressed']).toBeUndefined();
    expect(problems).toHaveLength(1);
  });

  test('loses what an L2 table past its end would say, and says so', () => {
    const path = create('disk.qcow2', '2G', [], 'write -P 1 0 1M', 'write -P 2 1G 1M');
    const table = DamagedFile.do(path, (file) => file.entryAt(16384));
    fs.truncateSync(path, table);
    const { kinds, problems } = pictureOf(path);
    expect(kinds['missing']).toBe(512 * MIB);
    expect(kinds['invalid']).toBeUndefined();
    expect(problems.join()).toContain(
      'tables that it refers to lie beyond; up to 512 MiB of the disk are missing',
    );
  });

  test('is named where it is a layer of the chain', () => {
    const base = create('base.qcow2', '8M', [], 'write -P 1 0 8M');
    const top = create('top.qcow2', '8M', ['-b', base, '-F', 'qcow2'], 'write -P 2 0 1M');
    fs.truncateSync(base, fs.statSync(base).size - 4 * MIB);
    const { kinds, names } = pictureOf(top);
    expect(kinds).toEqual({ data: MIB, backing1: 3 * MIB, missing: 4 * MIB });
    expect(names).toEqual([base]);
  });

  test('is named where it is the external data file', () => {
    const data = files.path('disk.data');
    const path = create('disk.qcow2', '8M', ['-o', `data_file=${data}`], 'write -P 1 0 8M');
    fs.truncateSync(data, 6 * MIB);
    const { kinds, names, problems } = pictureOf(path);
    expect(kinds).toEqual({ data: 6 * MIB, missing: 2 * MIB });
    expect(names).toEqual([data]);
    expect(problems.join()).toMatch(/^This data file is incomplete: it ends at 6 MiB/);
  });
});

describe('no file that is incomplete', () => {
  test.each(['metadata', 'falloc', 'full'])('is one that QEMU has preallocated: %s', (preallocation) => {
    const path = create('disk.qcow2', '16M', ['-o', `preallocation=${preallocation}`]);
    expect(pictureOf(path).problems).toEqual([]);
  });

  test('is one whose raw data file QEMU has made, or preallocated', () => {
    const options = (name: string): string => `data_file=${files.path(name)},data_file_raw=on`;
    const fresh = create('fresh.qcow2', '16M', ['-o', options('fresh.raw')], 'write -P 1 1M 64k');
    const whole = create('whole.qcow2', '16M', ['-o', `${options('whole.raw')},preallocation=metadata`]);
    expect([fresh, whole].flatMap((path) => pictureOf(path).problems)).toEqual([]);
  });

  test('is one whose zero clusters keep places past its end, or whose leaks lie there', () => {
    const path = create('disk.qcow2', '8M', [], 'write -P 1 0 4M', 'write -z 2M 2M');
    const first = DamagedFile.do(path, (file) => {
      file.leak(4);
      return file.hostCluster(32);
    });
    fs.truncateSync(path, first * CLUSTER);
    const { kinds, problems } = pictureOf(path);
    expect(kinds['missing']).toBeUndefined();
    expect(problems).toEqual([]);
  });

  test('is one with an entry that leads nowhere: that is damage', () => {
    const path = create('disk.qcow2', '1G', [], 'write -P 1 0 4M', 'write -P 1 600M 64k');
    DamagedFile.do(path, (file) => {
      file.setEntry(9, (1n << 63n) | (1n << 40n));
      file.setEntry(10, (1n << 63n) | (200n << 16n));
    });
    const { kinds, problems } = pictureOf(path);
    expect(kinds['missing']).toBe(2 * CLUSTER);
    expect(problems).toEqual([]);
  });

  test('is one whose raw backing file is shorter', () => {
    const raw = files.path('base.raw');
    fs.writeFileSync(raw, Buffer.alloc(MIB, 1));
    const path = create('disk.qcow2', '8M', ['-b', raw, '-F', 'raw'], 'write -P 1 4M 64k');
    expect(pictureOf(path).problems).toEqual([]);
  });
});

test('an entry before the end of a file that ends within its table is what it is, compressed or not', () => {
  const path = files.path('disk.qcow2');
  const built = image({ clusterBits: 12, size: '2M' }).compressed(0, 2).data(3).build();
  const table = built.layout.l2Offsets.get(0)!;
  fs.writeFileSync(path, built.toBuffer().subarray(0, table + 2048));
  const chain = openChain(path, { followsNames: true });
  try {
    const { top } = chain;
    expect([0, 3, 300].map((cluster) => top.entryAt(guestCluster(cluster)).meaning.kind)).toEqual([
      'compressed',
      'data',
      'invalid',
    ]);
    for (const guest of [0, 3 * 4096]) {
      expect(() => {
        readGuest(chain.layers, new Uint8Array(512), guestOffset(guest));
      }).toThrow(/beyondFile/);
    }
  } finally {
    chain.close();
  }
});
