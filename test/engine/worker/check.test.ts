/** The check in the worker: on the image as staged, with progress, and cancellable. */
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Operations } from '../../../src/editor/model/operations';
import type { OpenOptions } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import { DamagedFile } from '../../support/damagedFile';
import { writeGiantImage } from '../../support/giantImages';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../support/worker';
import { workspace, type Workspace } from '../../support/workspace';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

const OPTIONS: OpenOptions = { generation: 1, followsNames: true };

describe('a look at the whole image in the worker', () => {
  let worker: BuiltWorker;
  let files: Workspace;
  let image: string;
  const clients: EngineClient[] = [];

  beforeAll(() => {
    worker = buildWorker();
  });

  afterAll(() => {
    worker.remove();
  });

  beforeEach(() => {
    files = workspace();
    image = files.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '16M']);
    mustQemuIo(image, ['write -P 1 0 1M']);
  });

  afterEach(() => {
    for (const client of clients.splice(0)) void client.dispose();
    files.remove();
  });

  async function open(
    path: string,
    ...args: ConstructorParameters<typeof EngineClient> extends [string, ...infer Rest] ? Rest : never
  ): Promise<EngineClient> {
    const client = new EngineClient(worker.script, ...args);
    clients.push(client);
    await client.open(path, OPTIONS);
    return client;
  }

  it('does not judge an image that was changed after it was opened', async () => {
    const client = await open(image);
    mustQemuIo(image, ['write -P 2 4M 1M']);
    const problem = { code: 'read.changed', file: image };
    expect(await client.calls.check(1)).toMatchObject({ ok: false, problem });
    const destination = files.path('map.json');
    expect(await client.calls.exportMap({ destination, form: 'json' }, 2)).toMatchObject({
      ok: false,
      problem,
    });
    expect(existsSync(destination)).toBe(false);
  });

  it('finds what is wrong with each cluster, and says of which state', async () => {
    const host = DamagedFile.do(image, (file) => {
      const cluster = file.hostCluster(3);
      file.setRefcount(cluster, 0);
      file.leak(2);
      return cluster * file.clusterSize;
    });
    const checked = await (await open(image)).calls.check(1);
    expect(checked).toMatchObject({
      ok: true,
      value: { generation: 1, report: { corruptions: 2, leaks: 2, needsRebuild: true } },
    });
    const findings = checked.ok ? checked.value.report.findings : [];
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: 'refcountTooLow', host, found: 0, expected: 1 }),
    );
  });

  it('is of the image as staged', async () => {
    const engine = await open(image);
    const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
    const change = { kind: 'writeZeroes', start: guestOffset(0), length: 2 ** 19, options } as const;
    await engine.calls.apply(change, 'zero', { generation: 2, operation: 1 });
    expect(await engine.calls.check(2)).toMatchObject({
      ok: true,
      value: { generation: 2, report: { corruptions: 0, leaks: 0, allocatedClusters: 8 } },
    });
  });

  it('tells how far it is, and stops within milliseconds when told', async () => {
    const giant = files.path('giant.qcow2');
    writeGiantImage(giant, { size: 2 ** 40, pattern: 'alternating' });
    const seen: number[] = [];
    const engine = await open(giant, {
      operationProgress: (operation, done, total) => {
        seen.push(operation, done / total);
        engine.cancelOperation(operation);
      },
    });
    const checked = await engine.calls.check(7);
    expect(checked).toMatchObject({ ok: false, problem: { kind: 'cancelled' } });
    await until('it was told', () => seen.length > 0);
    expect(seen[0]).toBe(7);
    expect(seen[1]).toBeLessThan(1);
  });

  it('of one cluster of the file ends where the same page asks for another one', async () => {
    const engine = await open(image);
    const operations = new Operations((operation) => {
      engine.cancelOperation(operation);
    });
    // Asked only when all of them wait: the engine, a thread of its own, could answer the first before the second exists.
    let ask = (): void => undefined;
    const allWait = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const inspect = (offset: number, key: symbol) =>
      operations.run(
        async (operation) => {
          await allWait;
          return await engine.calls.inspectHost(hostOffset(offset), operation);
        },
        { key, stopsOlder: true },
      );
    await operations.run((operation) =>
      engine.calls.hostCells({ start: 0, bytesPerCell: 65536, count: 1 }, operation),
    );
    const [page, other] = [Symbol('page'), Symbol('other page')];
    const asked = [inspect(0, page), inspect(0x10000, page), inspect(0x20000, page), inspect(0x30000, other)];
    ask();
    const reports = await Promise.all(asked);
    const told = reports.map((report) => (report.ok ? report.value.hostOffset : report.problem.kind));
    expect(told).toEqual(['cancelled', 'cancelled', 0x20000, 0x30000]);
  });
});
