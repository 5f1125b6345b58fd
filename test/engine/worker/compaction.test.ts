/** Compaction in the thread of an image: it answers meanwhile, refuses what would change the image, and ends soundly. */
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageState, Result } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import { guestOffset } from '../../../src/qcow2/units';
import { mustQemuImg, mustQemuIo, qemuImg } from '../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../support/worker';
import { workspace, type Workspace } from '../../support/workspace';

const MIB = 2 ** 20;
const SIZE = 96 * MIB;

describe('a compaction in its thread', () => {
  let worker: BuiltWorker;
  let original: Workspace;
  let files: Workspace;
  let engine: EngineClient;
  let disk: string;
  /** Bytes moved, for each report. */
  let moved: number[];
  let generation = 0;
  const events = { operationProgress: (_: number, done: number): unknown => moved.push(done) };

  /** 8 MiB make a batch. */
  beforeAll(() => {
    worker = buildWorker();
    original = workspace();
    const made = original.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=1k', made, String(SIZE)]);
    mustQemuIo(made, ['write -P 1 0 40M', 'write -P 2 40M 48M', 'discard 1M 38M'], {}, ['-d', 'unmap']);
  });

  afterAll(() => {
    worker.remove();
    original.remove();
  });

  beforeEach(async () => {
    files = workspace();
    disk = files.path('disk.qcow2');
    copyFileSync(original.path('disk.qcow2'), disk);
    moved = [];
    engine = new EngineClient(worker.script, events);
    await engine.open(disk, { generation: ++generation, followsNames: true });
  });

  afterEach(async () => {
    await engine.dispose();
    files.remove();
  });

  /** Stretches of the disk by whether they have data, wherever that is. */
  function kindsOf(map: Uint8Array): (readonly [start: number, data: boolean])[] {
    const extents = JSON.parse(Buffer.from(map).toString()) as { start: number; data: boolean }[];
    const isNew = (index: number): boolean => extents[index]?.data !== extents[index - 1]?.data;
    return extents.flatMap(({ start, data }, index) => (isNew(index) ? [[start, data] as const] : []));
  }

  function watched<T>(call: Promise<T>): readonly [isOver: () => boolean, call: Promise<T>] {
    let isOver = false;
    const watchedCall = call.finally(() => {
      isOver = true;
    });
    return [() => isOver, watchedCall];
  }

  const run = (operation: number) => ({ generation: ++generation, operation });

  const codeOf = (result: Result<unknown>): string => (result.ok ? 'done' : result.problem.code);

  function mustBeSound(): void {
    expect(qemuImg(['check', disk]).status).toBe(0);
    expect(readdirSync(files.folder).filter((name) => name.includes('journal'))).toEqual([]);
    mustQemuIo(disk, ['read -P 1 0 1M', 'read -P 0 1M 38M', 'read -P 1 39M 1M', 'read -P 2 40M 48M']);
  }

  it('tells first what it would do', async () => {
    const preview = await engine.calls.compactPreview(1);
    if (!preview.ok) throw new Error(preview.problem.code);
    const { fileSize, newFileSize, moveBytes, roomBytes, leakedBytes } = preview.value;
    expect(fileSize).toBe(statSync(disk).size);
    expect(fileSize - newFileSize).toBeGreaterThan(37 * MIB);
    expect(moveBytes).toBeGreaterThan(30 * MIB);
    expect(moveBytes).toBeLessThan(40 * MIB);
    expect(roomBytes).toBeGreaterThan(moveBytes);
    expect(leakedBytes).toBe(0);
  });

  it('answers between its batches as the last one has left the image, and shows the file becoming shorter', async () => {
    const before = statSync(disk).size;
    const states: ImageState[] = [];
    const [isOver, compacted] = watched(engine.calls.compact(run(1)));
    let asked = 0;
    while (!isOver()) {
      const at = (asked * 13 * MIB) % SIZE;
      const bytes = await engine.calls.readBytes(guestOffset(at), MIB);
      if (!bytes.ok) throw new Error(bytes.problem.code);
      const expected = at < MIB ? 1 : at < 39 * MIB ? 0 : at < 40 * MIB ? 1 : at < 88 * MIB ? 2 : 0;
      expect(bytes.value.every((byte) => byte === expected)).toBe(true);
      const report = await engine.calls.inspect(guestOffset(45 * MIB));
      if (!report.ok) throw new Error(report.problem.code);
      const { hostOffset: at45 } = report.value;
      // By then, another batch may have moved it.
      if (at45 !== undefined && (await engine.calls.inspectHost(at45, 2)).ok) asked++;
      const soFar = await engine.calls.compactedSoFar(++generation);
      if (soFar.ok && soFar.value !== undefined) states.push(soFar.value);
      asked++;
    }
    const done = await compacted;
    if (!done.ok) throw new Error(done.problem.code);
    expect(asked).toBeGreaterThan(2);
    const { report, state } = done.value;
    expect(report.stopped).toBeUndefined();
    expect(state.fileSize).toBe(statSync(disk).size);
    expect(before - state.fileSize).toBeGreaterThan(37 * MIB);
    expect(state.access?.held).toBeUndefined();
    for (const each of states) {
      expect(each.fileSize).toBeLessThanOrEqual(before);
      // It is this program that has it locked.
      expect(each.access).toEqual({});
    }
    expect(await engine.calls.hasChanged()).toEqual({ ok: true, value: false });
    mustBeSound();
  });

  it('refuses what would change the image, in one line, and lets a map be exported', async () => {
    const compacted = engine.calls.compact(run(1));
    await until('it has begun', () => moved.length > 0);
    const { calls } = engine;
    const discard = { kind: 'discard', start: guestOffset(0), length: MIB } as const;
    const map = { destination: files.path('map.json'), form: 'json' } as const;
    const answers = await Promise.all([
      calls.apply(discard, '', run(2)),
      calls.preview(discard, 3),
      calls.repair('all', '', run(4)),
      calls.previewRepair('all', 5),
      calls.goTo(1, ++generation),
      calls.save(run(6)),
      calls.saveAs(files.path('copy.qcow2'), {}, run(7)),
      calls.freeSpace(8),
      calls.giveBack(run(9)),
      calls.compactPreview(10),
      calls.compact(run(11)),
      calls.revert(++generation),
      calls.backUp(files.path('backup'), 'history'),
      calls.recover({}, ++generation),
      calls.scanContents(12),
      calls.access(),
      calls.hasChanged(),
      calls.exportMap(map, 13),
    ]);
    const obstacles = await calls.obstacles(14);
    const done = await compacted;
    expect(done.ok && done.value.report.stopped === undefined).toBe(true);
    const codes = answers.map((answer) => codeOf(answer));
    expect(codes.slice(0, 15)).toEqual(new Array(15).fill('space.compacting'));
    expect(codes.slice(15)).toEqual(['done', 'done', 'done']);
    expect(answers.slice(15, 17)).toEqual([
      { ok: true, value: {} },
      { ok: true, value: false },
    ]);
    expect(obstacles.ok && obstacles.value.map(({ problem }) => problem.code)).toEqual(['space.compacting']);
    expect(kindsOf(readFileSync(map.destination))).toEqual(
      kindsOf(mustQemuImg(['map', '--output=json', disk])),
    );
    expect(existsSync(files.path('copy.qcow2'))).toBe(false);
    mustBeSound();
  });

  it('that is stopped keeps what it gained', async () => {
    const before = statSync(disk).size;
    const compacted = engine.calls.compact(run(1));
    await until('something is moved', () => moved.some((bytes) => bytes > 8 * MIB));
    engine.cancelOperation(1);
    const done = await compacted;
    if (!done.ok) throw new Error(done.problem.code);
    expect(done.value.report).toMatchObject({ changed: true, stopped: { kind: 'cancelled' } });
    expect(done.value.state.fileSize).toBe(statSync(disk).size);
    expect(statSync(disk).size).toBeLessThan(before);
    mustBeSound();
    const rest = await engine.calls.compact(run(2));
    expect(rest.ok && rest.value.report.stopped === undefined).toBe(true);
    expect(statSync(disk).size).toBeLessThan(before - 37 * MIB);
    mustBeSound();
  });

  it('whose image is closed ends after its batch, at any moment', async () => {
    const before = statSync(disk).size;
    for (let round = 0; round < 4; round++) {
      moved = [];
      const [isOver, compacted] = watched(engine.calls.compact(run(1)));
      await until('so many batches are done', () => moved.length >= round || isOver());
      const ended = engine.dispose();
      expect(codeOf(await compacted)).toMatch(/^(cancelled|done)$/);
      await ended;
      mustBeSound();
      engine = new EngineClient(worker.script, events);
      const state = await engine.open(disk, { generation: ++generation, followsNames: true });
      expect(state.journal).toBeUndefined();
    }
    expect(statSync(disk).size).toBeLessThan(before);
  });

  it('ends after its batch where the image is opened again', async () => {
    const compacted = engine.calls.compact(run(1));
    await until('something is moved', () => moved.length > 0);
    const state = await engine.open(disk, { generation: ++generation, followsNames: true });
    expect(state.problem).toBeUndefined();
    expect(codeOf(await compacted)).toBe('cancelled');
    expect(codeOf(await engine.calls.save(run(2)))).toBe('done');
    expect(await engine.calls.hasChanged()).toEqual({ ok: true, value: false });
    mustBeSound();
  });
});
