/** The inside of a disk, as the worker tells it: as staged, and of the image alone in Restricted Mode. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { GuestEntry, GuestParts } from '../../../src/worker/contentsApi';
import { EngineClient } from '../../../src/worker/engineClient';
import type { Result } from '../../../src/worker/result';
import { guestOffset } from '../../../src/qcow2/units';
import { EXT_START, makePartitionedDisk } from '../../support/guest/partitioned';
import { mustQemuImg } from '../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace } from '../../support/workspace';

const files = workspace();
const clients: EngineClient[] = [];
let worker: BuiltWorker;
const disk = files.path('disk.qcow2');
const overlay = files.path('overlay.qcow2');

beforeAll(() => {
  worker = buildWorker();
  const tree = files.path('tree');
  fs.mkdirSync(`${tree}/etc`, { recursive: true });
  fs.mkdirSync(`${tree}/usr/lib`, { recursive: true });
  fs.writeFileSync(`${tree}/usr/lib/os-release`, 'NAME="Guest"\n');
  fs.symlinkSync('../usr/lib/os-release', `${tree}/etc/os-release`);
  makePartitionedDisk(files.folder, tree);
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'qcow2', overlay]);
});

afterEach(() => {
  for (const client of clients.splice(0)) void client.dispose();
});

afterAll(() => {
  worker.remove();
  files.remove();
});

async function open(path: string, followsNames = true): Promise<EngineClient> {
  const client = new EngineClient(worker.script);
  clients.push(client);
  await client.open(path, { generation: 1, followsNames });
  return client;
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

const systemsOf = ({ parts }: GuestParts): unknown[] =>
  parts.map(({ path, kind, system }) => [path, kind, system?.kind, system?.doubts]);

describe('the inside of a disk in the worker', () => {
  it('has partitions with their file systems', async () => {
    const { calls } = await open(overlay);
    const parts = value(await calls.guestParts(1));
    expect(systemsOf(parts)).toEqual([
      ['1', 'partition', 'FAT16', []],
      ['2', 'partition', 'ext4', []],
    ]);
    expect(parts.parts[1]?.start).toBe(EXT_START * 512);
  });

  it('has folders and files, through links', async () => {
    const { calls } = await open(overlay);
    const root: GuestEntry = value(await calls.guestFileAt('2', '/'));
    const { entries } = value(await calls.guestFolder('2', root.id));
    expect(entries.map(({ name, type }) => [name, type])).toContainEqual(['etc', 'folder']);
    const file = value(await calls.guestFileAt('2', '/etc/os-release'));
    expect(file).toMatchObject({ name: 'os-release', type: 'file', size: 13 });
    expect(Buffer.from(value(await calls.readGuestFile('2', file.id, 6, 100))).toString()).toBe('Guest"\n');
  });

  it('says what is wrong in words of its own', async () => {
    const { calls } = await open(overlay);
    const problem = { kind: 'inside', code: 'guest.noFile', file: overlay };
    expect(await calls.guestFileAt('2', '/gone')).toMatchObject({ ok: false, problem });
    expect(await calls.guestFileAt('7', '/')).toMatchObject({
      problem: { code: 'guest.noPart', value: '7' },
    });
  });

  it('is the inside of what is staged', async () => {
    const { calls } = await open(overlay);
    const request = {
      kind: 'discard',
      start: guestOffset(EXT_START * 512),
      length: 1024 * 1024,
    } as const;
    value(await calls.apply(request, 'Discard', { generation: 2, operation: 1 }));
    expect(systemsOf(value(await calls.guestParts(2)))).toContainEqual([
      '2',
      'partition',
      undefined,
      undefined,
    ]);
    value(await calls.goTo(0, 3));
    expect(systemsOf(value(await calls.guestParts(3)))).toContainEqual(['2', 'partition', 'ext4', []]);
  });

  it('follows no name in Restricted Mode', async () => {
    const alone = await open(disk, false);
    expect(systemsOf(value(await alone.calls.guestParts(1)))).toHaveLength(2);
    const restricted = await open(overlay, false);
    expect(await restricted.calls.guestParts(1)).toMatchObject({
      ok: false,
      problem: { code: 'gate.restricted' },
    });
  });
});
