/** A file that was cut off so that only internal snapshots lost data. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImage } from '../../../src/qcow2/check/checkImage';
import type { CheckReport } from '../../../src/qcow2/check/checkReport';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { describeProblem } from '../../../src/qcow2/describeProblem';
import { Overview } from '../../../src/qcow2/map/overview';
import { writeCutSnapshot } from '../../support/cutSnapshot';
import { DamagedFile } from '../../support/damagedFile';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';

describe('what only snapshots have lost', () => {
  let files: Workspace;

  beforeAll(() => {
    files = workspace();
  });

  afterAll(() => {
    files.remove();
  });

  /** What the check and the scan of the disk tell. */
  function told(path: string): { readonly report: CheckReport; readonly ofDisk: readonly string[] } {
    const chain = openChain(path, { followsNames: true });
    try {
      const overview = new Overview(chain.layers, chain.top.header.clusterSize);
      overview.step(Infinity);
      const ofDisk = overview.incompleteFiles.map((problem) => describeProblem(problem));
      return { report: checkImage(chain.top), ofDisk };
    } finally {
      chain.close();
    }
  }

  const words = ({ incomplete }: CheckReport): string | undefined =>
    incomplete === undefined ? undefined : describeProblem(incomplete);

  it('is told by the check, with its size; the disk itself is whole', () => {
    const path = files.path('cut.qcow2');
    writeCutSnapshot(path, 3);
    const { report, ofDisk } = told(path);
    expect(words(report)).toBe(
      'This file is incomplete: it ends at 2.12 MiB, its internal snapshots refer to data up to 2.31 MiB; 192 KiB of their disks are missing. Copy it again before you repair it',
    );
    expect(report.byKind.beyondFile).toBe(3);
    expect(ofDisk).toEqual([]);
  });

  it('is nothing where the file is whole', () => {
    const path = files.path('whole.qcow2');
    writeCutSnapshot(path, 0);
    expect(told(path).report).not.toHaveProperty('incomplete');
  });

  it('is not told where the disk has lost it as well', () => {
    const path = files.path('shared.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '16M']);
    mustQemuIo(path, ['write -P 3 8M 1M', 'write -P 1 0 1M', 'discard 8M 1M']);
    mustQemuImg(['snapshot', '-c', 'one', path]);
    fs.truncateSync(path, fs.statSync(path).size - 2 * 65536);
    const { report, ofDisk } = told(path);
    expect(words(report)).toBeUndefined();
    expect(ofDisk.join()).toContain('128 KiB of the disk are missing');
  });

  it('may be tables: then all that they stand for may be missing, as far as the disk goes', () => {
    const path = files.path('tables.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '16M']);
    mustQemuIo(path, ['write -P 1 0 64k']);
    mustQemuImg(['snapshot', '-c', 'one', path]);
    const { size } = fs.statSync(path);
    // The first table of the snapshot, its L1 table, lies behind the data.
    const first = DamagedFile.do(path, (file) => file.hostCluster(0)) + 1;
    expect(first * 65536).toBeLessThan(size);
    const bytes = fs.readFileSync(path);
    const snapshots = Number(bytes.readBigUInt64BE(64));
    const l1 = Number(bytes.readBigUInt64BE(snapshots));
    // Put behind all else, and cut off.
    const far = Math.ceil(size / 65536) * 65536;
    bytes.writeBigUInt64BE(BigInt(far), snapshots);
    fs.writeFileSync(path, bytes);
    DamagedFile.do(path, (file) => {
      file.setRefcount(far / 65536, 1);
      file.setRefcount(l1 / 65536, 0);
    });
    expect(words(told(path).report)).toMatch(
      /^This file is incomplete: it ends at .*, and tables of its internal snapshots lie beyond; up to 16 MiB of their disks are missing\./,
    );
  });

  it('is nothing where an entry leads to where never anything was: that is damage', () => {
    const path = files.path('damaged.qcow2');
    const size = writeCutSnapshot(path, 4);
    DamagedFile.do(path, (file) => {
      for (let lost = 0; lost < 4; lost++) file.setRefcount(size / 65536 + lost, 0);
    });
    const { report } = told(path);
    expect(report.byKind.beyondFile).toBe(4);
    expect(words(report)).toBeUndefined();
  });
});
