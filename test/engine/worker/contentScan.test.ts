/** What a content scan has found, as the editor's worker shows it: on the map, in reports, and only as long as it holds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CELL_KINDS, type CellKind } from '../../../src/qcow2/map/overview';
import { guestOffset } from '../../../src/qcow2/units';
import type { KindTotals, Result } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../support/worker';
import { workspace } from '../../support/workspace';

const CLUSTER = 65536;
const SIZE = 64 * CLUSTER;

describe('what a content scan has found', () => {
  const files = workspace();
  let worker: BuiltWorker;
  let engine: EngineClient;
  let scanned = 0;
  let told = 0;
  let generation = 1;

  beforeAll(async () => {
    worker = buildWorker();
    const cwd = files.folder;
    mustQemuImg(['create', '-q', '-f', 'raw', 'base', String(SIZE)], { cwd });
    mustQemuIo('base', ['write -P 1 0 1M'], { cwd }, ['-f', 'raw']);
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', 'disk.qcow2'], { cwd });
    // Zeroes over ones, the same ones, other data, and zeroes over zeroes.
    const writes = ['write -P 0 0 128k', 'write -P 1 128k 192k', 'write -P 2 1M 64k', 'write -P 0 3M 64k'];
    mustQemuIo('disk.qcow2', writes, { cwd });
    engine = new EngineClient(worker.script, {
      scanProgress: (done) => (scanned = done),
      contentsScanned: () => told++,
    });
    await engine.open(files.path('disk.qcow2'), { generation, followsNames: true });
    await whole();
  });

  afterAll(async () => {
    await engine.dispose();
    worker.remove();
    files.remove();
  });

  /** Waits until the map is complete. */
  async function whole(): Promise<void> {
    await until('the disk is scanned', () => scanned === SIZE);
    scanned = 0;
  }

  function valueOf<T>(result: Result<T>): T {
    if (!result.ok) throw new Error(JSON.stringify(result.problem));
    return result.value;
  }

  const bytesOf = ({ bytes }: KindTotals, ...kinds: readonly CellKind[]): number[] =>
    kinds.map((kind) => (bytes[CELL_KINDS.indexOf(kind)] ?? 0) / CLUSTER);

  const onMap = async (): Promise<number[]> => {
    const cells = valueOf(await engine.calls.cells({ start: 0, bytesPerCell: CLUSTER, count: 64 }));
    return bytesOf(cells.totals, 'data', 'dataZero', 'dataSame');
  };

  it('is on the map, in totals of a range and in the report of a cluster', async () => {
    expect(await onMap()).toEqual([7, 0, 0]);
    valueOf(await engine.calls.scanContents(1));
    expect(told).toBe(1);
    await whole();
    // What is both counts as zero.
    expect(await onMap()).toEqual([1, 3, 3]);
    const totals = valueOf(await engine.calls.totals(guestOffset(CLUSTER), 2 * CLUSTER));
    expect(bytesOf(totals, 'data', 'dataZero', 'dataSame')).toEqual([0, 1, 1]);
    const report = async (cluster: number): Promise<unknown> => {
      const { cellKind, found } = valueOf(await engine.calls.inspect(guestOffset(cluster * CLUSTER)));
      return { cellKind, found };
    };
    expect(await report(0)).toEqual({ cellKind: 'dataZero', found: { zeroes: CLUSTER, sameAsBacking: 0 } });
    expect(await report(2)).toEqual({ cellKind: 'dataSame', found: { zeroes: 0, sameAsBacking: CLUSTER } });
    expect(await report(16)).toEqual({ cellKind: 'data' });
    expect(await report(48)).toEqual({
      cellKind: 'dataZero',
      found: { zeroes: CLUSTER, sameAsBacking: CLUSTER },
    });
  });

  it('has rows of its own in the space of the file', async () => {
    const { rows } = valueOf(await engine.calls.space(2));
    const row = (kind: string): unknown => rows.find((each) => each.kind === kind);
    expect(row('data')).toMatchObject({ bytes: CLUSTER, reclaimable: 0 });
    expect(row('dataZero')).toMatchObject({ bytes: 3 * CLUSTER, reclaimable: 3 * CLUSTER });
    expect(row('dataSame')).toMatchObject({ bytes: 3 * CLUSTER, reclaimable: 3 * CLUSTER });
  });

  it('is gone once something is staged, and back once that is undone', async () => {
    const change = { kind: 'write', start: guestOffset(0), bytes: new Uint8Array(512).fill(9) } as const;
    valueOf(await engine.calls.apply(change, 'Write', { generation: ++generation, operation: 3 }));
    await whole();
    expect(await onMap()).toEqual([7, 0, 0]);
    expect(valueOf(await engine.calls.space(4)).rows.map(({ kind }) => kind)).not.toContain('dataZero');
    valueOf(await engine.calls.goTo(0, ++generation));
    await whole();
    expect(await onMap()).toEqual([1, 3, 3]);
  });
});
