/** The places of a disk's inside, as the worker tells them for the map. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineClient } from '../../../src/worker/engineClient';
import { CONTENT_KINDS } from '../../../src/worker/contentKinds';
import type { Result } from '../../../src/worker/result';
import { guestOffset } from '../../../src/qcow2/units';
import { EXT_START, makePartitionedDisk } from '../../support/guest/partitioned';
import { mustQemuImg } from '../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace } from '../../support/workspace';

const MiB = 2 ** 20;
const files = workspace();
let worker: BuiltWorker;
const overlay = files.path('overlay.qcow2');
const clients: EngineClient[] = [];

beforeAll(() => {
  worker = buildWorker();
  fs.mkdirSync(files.path('tree/var'), { recursive: true });
  fs.writeFileSync(files.path('tree/var/log'), Buffer.alloc(3 * MiB, 1));
  makePartitionedDisk(files.folder, files.path('tree'));
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', files.path('disk.qcow2'), '-F', 'qcow2', overlay]);
});

afterAll(() => {
  for (const client of clients) void client.dispose();
  worker.remove();
  files.remove();
});

async function open(path: string): Promise<EngineClient['calls']> {
  const client = new EngineClient(worker.script);
  clients.push(client);
  await client.open(path, { generation: 1, followsNames: true });
  return client.calls;
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

describe('the places of the inside in the worker', () => {
  it('are partitions, by name and kind', async () => {
    const calls = await open(overlay);
    expect(value(await calls.guestBands())).toEqual([
      { path: '1', name: 'EFI', holds: 'FAT16', size: 16 * MiB, pieces: Float64Array.of(MiB, 17 * MiB) },
      { path: '2', name: 'root', holds: 'ext4', size: 40 * MiB, pieces: Float64Array.of(17 * MiB, 57 * MiB) },
    ]);
  });

  it('are the extents of a file, and of all files in a folder', async () => {
    const calls = await open(overlay);
    const file = value(await calls.guestFileAt('2', '/var/log'));
    const places = value(await calls.guestFilePlaces('2', file.id, 1));
    expect(places.bytes).toBe(3 * MiB);
    expect(places.first).toBeGreaterThan(EXT_START * 512);
    const bytes = value(await calls.readBytes(places.first!, 100));
    expect(bytes).toEqual(new Uint8Array(100).fill(1));
    const folder = value(await calls.guestFileAt('2', '/var'));
    const all = value(await calls.guestFilePlaces('2', folder.id, 2));
    expect(all.bytes).toBeGreaterThan(places.bytes);
  });

  it('have owners once the index is built, until something is staged', async () => {
    const calls = await open(overlay);
    const file = value(await calls.guestFileAt('2', '/var/log'));
    const { first = guestOffset(0) } = value(await calls.guestFilePlaces('2', file.id, 1));
    expect(value(await calls.guestOwners(first, 4096))).toBeUndefined();
    value(await calls.indexGuestOwners(2));
    const owner = { kind: 'file', part: '2', name: 'root', holds: 'ext4', path: '/var/log', file: file.id };
    expect(value(await calls.guestOwners(first, 4096))).toEqual([{ ...owner, bytes: 4096 }]);
    expect(value(await calls.guestOwners(guestOffset(0), 512))).toEqual([{ kind: 'table', bytes: 512 }]);
    const change = { kind: 'discard', start: guestOffset(30 * MiB), length: MiB } as const;
    value(await calls.apply(change, 'Discard', { generation: 2, operation: 3 }));
    expect(value(await calls.guestOwners(first, 4096))).toBeUndefined();
  });

  it('are coloured by content, with what the top layer stores needlessly', async () => {
    const request = { start: 0, bytesPerCell: 64 * 1024, count: 1024 };
    const totalsOf = async (path: string): Promise<Record<string, number>> => {
      const { totals, complete } = value(await (await open(path)).contentCells(request, 1));
      expect(complete).toBe(true);
      expect(totals.scannedBytes).toBe(64 * MiB);
      return Object.fromEntries(CONTENT_KINDS.map((kind, index) => [kind, totals.bytes[index]! / MiB]));
    };
    const base = await totalsOf(files.path('disk.qcow2'));
    expect(base).toMatchObject({ inDoubt: 0, noSystem: 8 });
    // The file that was written and deleted.
    expect(base['freeStored']).toBeGreaterThanOrEqual(7);
    const above = await totalsOf(overlay);
    expect(above).toMatchObject({ inUse: base['inUse'], freeStored: 0, noSystem: 8 });
  });
});
