/** Raw disks in the worker: map from holes, contents, bytes; and what is not taken for one. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CELL_KINDS } from '../../../src/qcow2/map/overview';
import { guestOffset } from '../../../src/qcow2/units';
import type { ImageState } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import type { Result } from '../../../src/worker/result';
import { makePartitionedDisk } from '../../support/guest/partitioned';
import { must } from '../../support/process';
import { mustQemuImg } from '../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace } from '../../support/workspace';

const MIB = 2 ** 20;
const files = workspace();
const clients: EngineClient[] = [];
let worker: BuiltWorker;
const disk = files.path('disk.raw');

beforeAll(() => {
  worker = buildWorker();
  fs.mkdirSync(files.path('tree'));
  fs.writeFileSync(files.path('tree/hello'), 'hello');
  makePartitionedDisk(files.folder, files.path('tree'));
});

afterEach(() => {
  for (const client of clients.splice(0)) void client.dispose();
});

afterAll(() => {
  worker.remove();
  files.remove();
});

async function open(path: string): Promise<{ state: ImageState; calls: EngineClient['calls'] }> {
  const client = new EngineClient(worker.script);
  clients.push(client);
  return { state: await client.open(path, { generation: 1, followsNames: true }), calls: client.calls };
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

describe('a raw disk', () => {
  it('opens with its size, says what it is, and cannot be changed', async () => {
    const { state, calls } = await open(disk);
    expect(state).toMatchObject({ raw: { virtualSize: 64 * MIB, clusterSize: 65536 } });
    expect(state.warnings.map(({ code }) => code)).toEqual(['foreign.gpt']);
    for (const absent of ['problem', 'summary', 'header', 'chain', 'edits'] as const)
      expect(state[absent]).toBeUndefined();
    const change = { kind: 'discard', start: guestOffset(0), length: MIB } as const;
    expect(await calls.apply(change, 'Discard', { generation: 2, operation: 1 })).toMatchObject({
      ok: false,
    });
    for (const asked of [
      await calls.check(2),
      await calls.info(),
      await calls.space(3),
      await calls.inspect(guestOffset(0)),
    ])
      expect(asked).toMatchObject({ ok: false, problem: { code: 'raw.noImage' } });
  });

  it('has the map that its holes make, as QEMU sees them', async () => {
    const { calls } = await open(disk);
    const count = (64 * MIB) / 65536;
    const request = { start: 0, bytesPerCell: 65536, count };
    let answer = value(await calls.cells(request));
    while (!answer.complete) answer = value(await calls.cells(request));
    const json = String(mustQemuImg(['map', '--output=json', '-f', 'raw', disk]));
    const extents = JSON.parse(json) as { length: number; data: boolean }[];
    const stored = extents.filter(({ data }) => data).reduce((sum, { length }) => sum + length, 0);
    expect(answer.totals.bytes[CELL_KINDS.indexOf('data')]).toBe(stored);
    expect(answer.totals.bytes[CELL_KINDS.indexOf('unallocated')]).toBe(64 * MIB - stored);
  });

  it('has bytes, places, an exported map and contents', async () => {
    const { calls } = await open(disk);
    expect(Buffer.from(value(await calls.readBytes(guestOffset(512), 8))).toString()).toBe('EFI PART');
    expect(value(await calls.inspectRaw(guestOffset(600)))).toMatchObject({
      guestOffset: 0,
      length: 65536,
      hostOffset: 0,
      cellKind: 'data',
    });
    expect(await calls.inspectRaw(guestOffset(64 * MIB))).toMatchObject({
      problem: { code: 'offset.beyondDisk' },
    });
    const destination = files.path('map.json');
    value(await calls.exportMap({ destination, form: 'json' }, 1));
    expect(fs.readFileSync(destination, 'utf8')).toBe(
      String(mustQemuImg(['map', '--output=json', '-f', 'raw', disk])),
    );
    const { parts } = value(await calls.guestParts(2));
    expect(parts.map(({ system }) => system?.kind)).toEqual(['FAT16', 'ext4']);
    const file = value(await calls.guestFileAt('2', '/hello'));
    expect(Buffer.from(value(await calls.readGuestFile('2', file.id, 0, 9))).toString()).toBe('hello');
  });

  it('is recognised by a file system alone, with a last sector that is not whole', async () => {
    const ext = files.path('ext4.img');
    must('mke2fs', ['-q', '-F', '-t', 'ext4', ext, '4M']);
    fs.appendFileSync(ext, 'x');
    const { state, calls } = await open(ext);
    expect(state.raw?.virtualSize).toBe(4 * MIB + 512);
    expect(value(await calls.readBytes(guestOffset(4 * MIB), 512))[0]).toBe('x'.charCodeAt(0));
    expect(value(await calls.totals(guestOffset(0), 4 * MIB + 512)).totalBytes).toBe(4 * MIB + 512);
  });

  it('notices that its file has changed', async () => {
    const copy = files.path('copy.raw');
    fs.copyFileSync(disk, copy);
    const { calls } = await open(copy);
    expect(await calls.hasChanged()).toEqual({ ok: true, value: false });
    fs.appendFileSync(copy, Buffer.alloc(MIB));
    expect(await calls.hasChanged()).toEqual({ ok: true, value: true });
  });

  it.each([
    ['zeroes', Buffer.alloc(MIB), 'foreign.zeroes'],
    ['noise', Buffer.alloc(MIB, 0xfe), 'header.magic'],
    ['a VMDK', Buffer.concat([Buffer.from('KDMV'), Buffer.alloc(MIB)]), 'foreign.vmdk'],
  ])('is not what has neither partition table nor file system: %s', async (_, bytes, code) => {
    const path = files.path('other.img');
    fs.writeFileSync(path, bytes);
    const { state } = await open(path);
    expect(state.raw).toBeUndefined();
    expect(state.problem?.code).toBe(code);
  });
});
