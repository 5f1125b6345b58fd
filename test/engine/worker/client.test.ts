/** The engine in its thread: it answers while it scans, can be cancelled, and its death is reported as a problem. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MapForm, OpenOptions, Problem } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import { IndexClient } from '../../../src/worker/indexClient';
import { writeGiantImage } from '../../support/giantImages';
import { image } from '../../support/imageBuilder';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../support/worker';
import { workspace, type Workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

const TIB = 2 ** 40;
const OPTIONS: OpenOptions = { generation: 1, followsNames: true };

describe('an engine in its thread', () => {
  let worker: BuiltWorker;
  let giants: Workspace;
  let giant: string;
  let files: Workspace;
  const clients: EngineClient[] = [];

  beforeAll(() => {
    worker = buildWorker();
    giants = workspace();
    giant = giants.path('giant.qcow2');
    writeGiantImage(giant, { size: TIB, pattern: 'alternating' });
  });

  afterAll(() => {
    worker.remove();
    giants.remove();
  });

  beforeEach(() => {
    files = workspace();
  });

  afterEach(() => {
    for (const client of clients.splice(0)) void client.dispose();
    files.remove();
  });

  function client(
    ...args: ConstructorParameters<typeof EngineClient> extends [string, ...infer Rest] ? Rest : never
  ) {
    const created = new EngineClient(worker.script, ...args);
    clients.push(created);
    return created;
  }

  it('may be disposed of at any moment: native calls that are being bound do not end the process', async () => {
    const path = files.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '1M']);
    for (let round = 0; round < 60; round++) {
      const engine = client();
      const opened = engine.open(path, OPTIONS).then(() => engine.calls.obstacles(1));
      // Its thread takes some tens of milliseconds to this point.
      await new Promise((resolve) => setTimeout(resolve, 20 + (round % 30) * 3));
      await engine.dispose();
      await opened;
    }
  });

  it('answers questions within tens of milliseconds while it scans a terabyte', async () => {
    let scanned = 0;
    const engine = client({ scanProgress: (done) => (scanned = done) });
    const state = await engine.open(giant, OPTIONS);
    expect(state.summary?.virtualSize).toBe(TIB);
    const waits: number[] = [];
    while (scanned < TIB) {
      const start = performance.now();
      const report = await engine.calls.inspect(guestOffset(Math.floor(TIB / 3)));
      waits.push(performance.now() - start);
      expect(report.ok).toBe(true);
    }
    expect(waits.length).toBeGreaterThan(3);
    expect(Math.max(...waits)).toBeLessThan(100);
  });

  it('answers questions within tens of milliseconds while it scans the contents of a terabyte', async () => {
    const engine = client();
    await engine.open(giant, OPTIONS);
    const scanned = engine.calls.scanContents(1);
    const waits: number[] = [];
    const end = performance.now() + 3000;
    while (performance.now() < end) {
      const start = performance.now();
      const report = await engine.calls.inspect(guestOffset(Math.floor(TIB / 3)));
      waits.push(performance.now() - start);
      expect(report.ok).toBe(true);
    }
    engine.cancelOperation(1);
    expect(await scanned).toMatchObject({ ok: false, problem: { kind: 'cancelled' } });
    expect(waits.length).toBeGreaterThan(10);
    const [longest = Infinity] = waits.sort((one, other) => other - one).slice(2);
    expect(longest).toBeLessThan(100);
  });

  it('has totals that cover the disk when the scan is done', async () => {
    let isDone = false;
    const engine = client({ scanProgress: (done, total) => (isDone = done === total) });
    await engine.open(giant, OPTIONS);
    await until('the scan', () => isDone);
    const cells = await engine.calls.cells({ start: 0, bytesPerCell: TIB / 1024, count: 1024 });
    if (!cells.ok) throw new Error(cells.problem.code);
    expect(cells.value.complete).toBe(true);
    expect(cells.value.totals.bytes[0]).toBe(TIB / 2);
    expect(cells.value.shares).toHaveLength(1024 * cells.value.totals.bytes.length);
    expect(cells.value.shares.buffer.byteLength).toBe(cells.value.shares.length);
  });

  it('stops an export when it is told to, and leaves no file behind', async () => {
    const destination = files.path('map.json');
    const started: number[] = [];
    const engine = client({ operationProgress: (_, done) => started.push(done) });
    await engine.open(giant, OPTIONS);
    const exported = engine.calls.exportMap({ destination, form: 'json' }, 1);
    await until('the export to begin', () => started.length > 0);
    const cancelled = performance.now();
    engine.cancel();
    expect(await exported).toMatchObject({ ok: false, problem: { kind: 'cancelled' } });
    expect(performance.now() - cancelled).toBeLessThan(200);
    expect(readdirSync(files.folder)).toEqual([]);
  });

  it('that is disposed of in an export ends once its unfinished file is gone', async () => {
    const destination = files.path('map.json');
    const started: number[] = [];
    const engine = client({ operationProgress: (_, done) => started.push(done) });
    await engine.open(giant, OPTIONS);
    const exported = engine.calls.exportMap({ destination, form: 'json' }, 1);
    await until('the export to begin', () => started.length > 0);
    expect(readdirSync(files.folder)).toHaveLength(1);
    await engine.dispose();
    expect(await exported).toMatchObject({ ok: false, problem: { kind: 'cancelled' } });
    expect(readdirSync(files.folder)).toEqual([]);
  });

  it.each<MapForm>(['json', 'text'])('exports a map as qemu-img prints it: %s', async (form) => {
    const image = files.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '64M']);
    mustQemuIo(image, ['write -P 1 1M 3M', 'write -z 10M 1M']);
    const engine = client();
    await engine.open(image, OPTIONS);
    const destination = files.path('map');
    expect(await engine.calls.exportMap({ destination, form }, 1)).toMatchObject({ ok: true });
    const output = form === 'json' ? 'json' : 'human';
    expect(readFileSync(destination)).toEqual(mustQemuImg(['map', `--output=${output}`, image]));
  });

  it('does not wait for anything when it is disposed, and answers what was asked', async () => {
    const engine = client();
    const opened = engine.open(giant, OPTIONS);
    const start = performance.now();
    void engine.dispose();
    expect(performance.now() - start).toBeLessThan(50);
    expect((await opened).problem?.code).toBe('cancelled');
    expect(await engine.calls.inspect(guestOffset(0))).toMatchObject({
      ok: false,
      problem: { code: 'cancelled' },
    });
  });

  it('whose thread dies ends its calls in a problem, and tells', async () => {
    const script = files.path('dies.js');
    writeFileSync(script, 'setTimeout(() => process.exit(3), 100)');
    const told: Problem[] = [];
    const engine = new EngineClient(script, {}, (problem) => told.push(problem));
    const state = await engine.open('disk.qcow2', OPTIONS);
    expect(state.problem).toEqual({
      kind: 'io',
      code: 'thread.ended',
      file: 'disk.qcow2',
      value: 'exit code 3',
    });
    expect(told).toEqual([state.problem]);
    expect(engine.hasEnded).toBe(true);
  });

  it('sees that a file has changed, has come, or has gone', async () => {
    const base = files.path('base.qcow2');
    const overlay = files.path('overlay.qcow2');
    const create = (): void => {
      mustQemuImg(['create', '-q', '-f', 'qcow2', base, '1M']);
    };
    mustQemuImg(['create', '-q', '-u', '-f', 'qcow2', '-b', base, '-F', 'qcow2', overlay, '1M']);
    const engine = client();
    const changesAfter = async (action: () => void): Promise<unknown> => {
      await engine.open(overlay, OPTIONS);
      expect(await engine.calls.hasChanged()).toEqual({ ok: true, value: false });
      action();
      const answer = await engine.calls.hasChanged();
      return answer.ok && answer.value;
    };
    expect(await changesAfter(create)).toBe(true);
    expect(
      await changesAfter(() => {
        mustQemuIo(base, ['write -P 1 0 64k']);
      }),
    ).toBe(true);
    expect(
      await changesAfter(() => {
        writeFileSync(overlay, 'no image any more');
      }),
    ).toBe(true);
    expect(await changesAfter(() => undefined)).toBe(false);
  });

  it('opens nothing that a header names where names are not followed', async () => {
    const [base, overlay] = [files.path('base.qcow2'), files.path('overlay.qcow2')];
    mustQemuImg(['create', '-q', '-f', 'qcow2', base, '1M']);
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', overlay]);
    const state = await client().open(overlay, { generation: 1, followsNames: false });
    expect(state.chain?.layers.map((layer) => layer.state)).toEqual(['open', 'notOpened']);
    expect(state.warnings.map(({ code }) => code)).toEqual(['gate.restricted']);
  });

  it('does not even look for a data file where names are not followed', async () => {
    const [data, disk] = [files.path('data.raw'), files.path('disk.qcow2')];
    image({ size: '1M', dataFile: { name: data } }).writeTo(disk);
    const engine = client();
    for (const followsNames of [true, false]) {
      rmSync(data, { force: true });
      const state = await engine.open(disk, { generation: 1, followsNames });
      expect(state.chain?.layers[0]?.dataFilePath).toBe(followsNames ? data : undefined);
      writeFileSync(data, 'it has come');
      expect(await engine.calls.hasChanged()).toEqual({ ok: true, value: followsNames });
    }
  });

  it('reads an image from its bytes alone', async () => {
    const image = files.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '1M']);
    mustQemuIo(image, ['write -P 9 0 64k']);
    const bytes = new Uint8Array(readFileSync(image));
    const engine = client();
    const state = await engine.open('disk.qcow2', { generation: 7, followsNames: false, bytes });
    expect(state).toMatchObject({ path: 'disk.qcow2', fileSize: bytes.length, generation: 7 });
    expect(await engine.calls.readBytes(guestOffset(65535), 2)).toEqual({
      ok: true,
      value: Uint8Array.of(9, 0),
    });
  });
});

describe('the reader of headers', () => {
  it('answers for each path in order, with what the header says or what is wrong', async () => {
    const worker = buildWorker();
    const files = workspace();
    const index = new IndexClient(worker.script);
    try {
      mustQemuImg(['create', '-q', '-f', 'qcow2', files.path('base.qcow2'), '1M']);
      mustQemuImg([
        'create',
        '-q',
        '-f',
        'qcow2',
        '-b',
        'base.qcow2',
        '-F',
        'qcow2',
        files.path('top.qcow2'),
      ]);
      writeFileSync(files.path('plain.raw'), 'bytes');
      const names = ['top.qcow2', 'missing.qcow2', 'plain.raw', 'base.qcow2'];
      const images = await index.readHeaders(names.map((name) => files.path(name)));
      expect(images.map(({ format }) => format)).toEqual(['qcow2', 'unknown', 'raw', 'qcow2']);
      expect(images[0]?.backing).toEqual({
        nameAsWritten: 'base.qcow2',
        format: 'qcow2',
        path: files.path('base.qcow2'),
      });
      expect(images[1]?.problem?.code).toBe('file.missing');
      expect(images[3]?.summary).toMatchObject({ version: 3, virtualSize: 2 ** 20 });
      expect(existsSync(files.path('top.qcow2'))).toBe(true);
    } finally {
      index.dispose();
      files.remove();
      worker.remove();
    }
  });
});
