/** Save As: the image as staged in another file, which shows what the first one shows, or nothing at all. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/client';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace, type Workspace } from '../../support/workspace';

describe('an image saved as another file', () => {
  let worker: BuiltWorker;
  let files: Workspace;
  let engine: EngineClient;

  beforeAll(() => {
    worker = buildWorker();
  });

  afterAll(() => {
    worker.remove();
  });

  beforeEach(() => {
    files = workspace();
    mkdirSync(files.path('other'));
    mustQemuImg(['create', '-q', '-f', 'qcow2', files.path('base.qcow2'), '4M']);
    mustQemuIo(files.path('base.qcow2'), ['write -P 1 0 1M']);
    engine = new EngineClient(worker.script);
  });

  afterEach(() => {
    void engine.dispose();
    files.remove();
  });

  /** Opens `image.qcow2` over a backing file, zeroes its first cluster, and saves it under another name. */
  async function saveAs(backing: string | undefined, target: string): Promise<Result<undefined>> {
    const image = files.path('image.qcow2');
    const over = backing === undefined ? [] : ['-u', '-b', backing, '-F', 'qcow2'];
    mustQemuImg(['create', '-q', '-f', 'qcow2', ...over, image, '4M']);
    return save(image, target);
  }

  async function save(image: string, target: string): Promise<Result<undefined>> {
    const scratchFolder = files.folder;
    await engine.open(image, { generation: 1, followsNames: true, scratchFolder });
    const options = { unmap: false, fallback: true, thorough: false, policy: 'unallocate' } as const;
    const change = { kind: 'writeZeroes', start: 0, length: 65536, options } as const;
    await engine.apply(change, 'Zero', { generation: 2, operation: 1 });
    return engine.saveAs(files.path(target), { generation: 3, operation: 2 });
  }

  it('beside the first one has the same backing file, and what was staged', async () => {
    expect(await saveAs('base.qcow2', 'copy.qcow2')).toEqual({ ok: true });
    mustQemuIo(files.path('copy.qcow2'), ['read -P 0 0 64k', 'read -P 1 64k 960k']);
    mustQemuIo(files.path('image.qcow2'), ['read -P 1 0 1M']);
  });

  it('in another folder has it where the name leads there as well', async () => {
    expect(await saveAs(files.path('base.qcow2'), 'other/copy.qcow2')).toEqual({ ok: true });
    mustQemuIo(files.path('other/copy.qcow2'), ['read -P 0 0 64k', 'read -P 1 64k 960k']);
    void engine.dispose();
    engine = new EngineClient(worker.script);
    const json = { driver: 'qcow2', file: { driver: 'file', filename: files.path('base.qcow2') } };
    expect(await saveAs(`json:${JSON.stringify(json)}`, 'other/json.qcow2')).toEqual({ ok: true });
  });

  it('is refused where the name would lead elsewhere', async () => {
    for (const name of ['base.qcow2', 'file:base.qcow2']) {
      expect(await saveAs(name, 'other/copy.qcow2')).toMatchObject({
        ok: false,
        problem: { code: 'copy.backing', value: name },
      });
    }
    expect(readdirSync(files.path('other'))).toEqual([]);
  });

  it('is refused over a layer of its own chain, which stays as it is', async () => {
    const before = readFileSync(files.path('base.qcow2'));
    expect(await saveAs('base.qcow2', 'base.qcow2')).toMatchObject({ problem: { code: 'copy.ontoChain' } });
    expect(readFileSync(files.path('base.qcow2'))).toEqual(before);
  });

  it('is refused where its data is in an external file', async () => {
    const image = files.path('ext.qcow2');
    const data = `data_file=${files.path('ext.raw')}`;
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', data, image, '4M']);
    expect(await save(image, 'copy.qcow2')).toMatchObject({ problem: { code: 'copy.dataFile' } });
  });
});
