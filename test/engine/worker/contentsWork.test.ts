/** Searches and copies inside a disk, in the worker: found as they go on, cancelled without traces. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { GuestFound } from '../../../src/worker/contentsApi';
import { EngineClient } from '../../../src/worker/engineClient';
import type { Result } from '../../../src/worker/result';
import { makePartitionedDisk } from '../../support/guest/partitioned';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace } from '../../support/workspace';

const MIB = 1024 * 1024;
const files = workspace();
const clients: EngineClient[] = [];
let worker: BuiltWorker;
const disk = files.path('disk.qcow2');

beforeAll(() => {
  worker = buildWorker();
  const tree = files.path('tree');
  fs.mkdirSync(`${tree}/var/log/journal`, { recursive: true });
  fs.mkdirSync(`${tree}/srv`);
  fs.writeFileSync(`${tree}/var/log/journal/System.journal`, Buffer.alloc(3 * MIB, 'j'));
  fs.writeFileSync(`${tree}/var/log/syslog`, Buffer.alloc(MIB, 's'));
  fs.writeFileSync(`${tree}/srv/big`, Buffer.alloc(2 * MIB, 'b'));
  fs.linkSync(`${tree}/srv/big`, `${tree}/var/again`);
  // Reaches far, and holds nothing.
  fs.writeFileSync(`${tree}/srv/sparse`, '');
  fs.truncateSync(`${tree}/srv/sparse`, 20 * MIB);
  for (let number = 0; number < 300; number++) fs.writeFileSync(`${tree}/var/many-${number}`, '');
  makePartitionedDisk(files.folder, tree);
});

afterEach(() => {
  for (const client of clients.splice(0)) void client.dispose();
});

afterAll(() => {
  worker.remove();
  files.remove();
});

async function open(found: GuestFound[] = []): Promise<EngineClient> {
  const client = new EngineClient(worker.script, {
    guestFound: (_, more) => {
      found.push(...more);
    },
  });
  clients.push(client);
  await client.open(disk, { generation: 1, followsNames: true });
  return client;
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

describe('a search by name', () => {
  async function find(text: string, most = 100): Promise<[found: string[], report: unknown]> {
    const found: GuestFound[] = [];
    const { calls } = await open(found);
    const report = value(await calls.findGuestFiles({ text, most }, 1));
    return [found.map(({ part, path, type }) => `${part}:${path} ${type}`), report];
  }

  it('goes through all file systems, in any case', async () => {
    const [found, report] = await find('BoOt');
    expect(found).toEqual(['1:/EFI/BOOT folder', '1:/EFI/BOOT/BOOTX64.EFI file']);
    expect(report).toEqual({ found: 2, isCut: false, unread: 0 });
    expect((await find('journal'))[0]).toEqual([
      '2:/var/log/journal folder',
      '2:/var/log/journal/System.journal file',
    ]);
  });

  it('looks for a part of the path where there is a slash in it', async () => {
    expect((await find('log/journal/sys'))[0]).toEqual(['2:/var/log/journal/System.journal file']);
  });

  it('ends where enough was found, and says so', async () => {
    const [found, report] = await find('many-', 250);
    expect(found).toHaveLength(250);
    expect(report).toMatchObject({ found: 250, isCut: true });
    expect((await find('many-', 300))[1]).toMatchObject({ found: 300, isCut: false });
  });

  it('ends when it is cancelled', async () => {
    const client = await open();
    client.cancelOperation(1);
    expect(await client.calls.findGuestFiles({ text: 'x', most: 9 }, 1)).toMatchObject({
      problem: { kind: 'cancelled' },
    });
  });
});

describe('the largest files and folders', () => {
  it('are told by what they take, each file once, folders with all below them', async () => {
    const { calls } = await open();
    const { folders, files: largest, total } = value(await calls.largestGuestFiles('2', 1));
    expect(largest.slice(0, 3).map(({ path, allocated }) => [path, allocated])).toEqual([
      ['/var/log/journal/System.journal', 3 * MIB],
      [expect.stringMatching(/^\/(srv\/big|var\/again)$/), 2 * MIB],
      ['/var/log/syslog', MIB],
    ]);
    // Files that take nothing are not among them.
    expect(largest).toHaveLength(3);
    const sizes = new Map(folders.map(({ path, allocated }) => [path, allocated]));
    const [log, journal] = [sizes.get('/var/log') ?? 0, sizes.get('/var/log/journal') ?? 0];
    expect(journal).toBeGreaterThanOrEqual(3 * MIB);
    expect(journal).toBeLessThan(3 * MIB + 65536);
    expect(log - journal).toBeGreaterThanOrEqual(MIB);
    expect(log - journal).toBeLessThan(MIB + 65536);
    const both = (sizes.get('/srv') ?? 0) + (sizes.get('/var') ?? 0);
    expect(both).toBeGreaterThanOrEqual(6 * MIB);
    expect(both).toBeLessThan(6 * MIB + 131072);
    expect(total).toBeGreaterThanOrEqual(both);
    expect([...folders].sort((one, other) => other.allocated - one.allocated)).toEqual(folders);
  });
});

describe('a copy out of the disk', () => {
  it('is made of a folder, whole', async () => {
    const { calls } = await open();
    const { id } = value(await calls.guestFileAt('2', '/var'));
    const destination = files.path('var');
    const report = value(await calls.copyGuestFile({ part: '2', file: id, destination }, 1));
    expect(report).toMatchObject({ files: 303, folders: 2, bytes: 6 * MIB, problems: [] });
    expect(fs.readFileSync(`${destination}/log/syslog`).equals(Buffer.alloc(MIB, 's'))).toBe(true);
  });

  it('leaves nothing where it is cancelled or fails', async () => {
    const client = await open();
    const { id } = value(await client.calls.guestFileAt('2', '/srv/big'));
    const folder = files.path('empty');
    fs.mkdirSync(folder);
    client.cancelOperation(1);
    const copy = { part: '2', file: id, destination: `${folder}/big` };
    expect(await client.calls.copyGuestFile(copy, 1)).toMatchObject({ problem: { kind: 'cancelled' } });
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('is not made over what exists, not even over a link that leads nowhere', async () => {
    const { calls } = await open();
    const { id } = value(await calls.guestFileAt('2', '/srv/big'));
    const folder = files.path('taken');
    fs.mkdirSync(folder);
    fs.writeFileSync(`${folder}/file`, 'mine');
    fs.symlinkSync('nowhere', `${folder}/link`);
    for (const name of ['file', 'link']) {
      const copy = { part: '2', file: id, destination: `${folder}/${name}` };
      expect(await calls.copyGuestFile(copy, 1)).toMatchObject({ problem: { code: 'copy.exists' } });
    }
    expect(fs.readFileSync(`${folder}/file`, 'utf8')).toBe('mine');
    expect(fs.readdirSync(folder)).toEqual(['file', 'link']);
  });
});
