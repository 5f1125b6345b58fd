/** What the guest does not use, as the worker finds it: offered by part, given up as one edit, and found once more in each state. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeGuest } from '../../../src/inside/describeGuest';
import { guestOffset } from '../../../src/qcow2/units';
import type { ChangeRequest, GuestSpace, GuestSpaceName } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import type { Result } from '../../../src/worker/result';
import { bitmapBits } from '../../support/changes/bitmapBits';
import { EXT_BYTES, EXT_START, makePartitionedDisk } from '../../support/guest/partitioned';
import { makeTwoSystems, UNPARTITIONED_BYTES } from '../../support/guest/twoSystems';
import { must } from '../../support/process';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace } from '../../support/workspace';

const MIB = 2 ** 20;
const ROOT: GuestSpaceName = { source: 'fileSystem', path: '2' };
const files = workspace();
const original = files.path('disk.qcow2');
const disk = files.path('shrunk.qcow2');
const clients: EngineClient[] = [];
let worker: BuiltWorker;
let generation = 1;

beforeAll(() => {
  worker = buildWorker();
  const tree = files.path('tree');
  fs.mkdirSync(`${tree}/etc`, { recursive: true });
  fs.writeFileSync(`${tree}/etc/hostname`, 'guest\n'.repeat(1000));
  makePartitionedDisk(files.folder, tree);
});

beforeEach(() => {
  fs.copyFileSync(original, disk);
});

afterEach(() => {
  for (const client of clients.splice(0)) void client.dispose();
});

afterAll(() => {
  worker.remove();
  files.remove();
});

async function open(path = disk): Promise<EngineClient> {
  const client = new EngineClient(worker.script);
  clients.push(client);
  await client.open(path, { generation: ++generation, followsNames: true });
  return client;
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

async function look({ calls }: EngineClient): Promise<readonly GuestSpace[]> {
  value(await calls.lookForGuestFree('unallocate', 1));
  return known(await calls.shrinkOffers('unallocate', 2)) ?? [];
}

const known = (offers: Awaited<ReturnType<EngineClient['calls']['shrinkOffers']>>) =>
  value(offers).guestFree.spaces;

const freedOf = (spaces: readonly GuestSpace[], path: string): number =>
  spaces.find((space) => space.path === path && space.part !== undefined)?.freed ?? NaN;

const shrink = (...guestFree: readonly GuestSpaceName[]): ChangeRequest => ({
  kind: 'shrink',
  sources: [],
  policy: 'unallocate',
  guestFree,
});

const stage = async ({ calls }: EngineClient, change: ChangeRequest): Promise<number> =>
  value(await calls.apply(change, '', { generation: ++generation, operation: 3 })).tally.freedBytes;

const save = async ({ calls }: EngineClient): Promise<unknown> =>
  value(await calls.save({ generation: ++generation, operation: 4 }));

/** Changes the second partition as its own tools do. */
function changeExt(change: (path: string) => void): void {
  const [raw, ext] = [files.path('changed.raw'), files.path('changed.ext')];
  mustQemuImg(['convert', '-O', 'raw', disk, raw]);
  fs.writeFileSync(ext, fs.readFileSync(raw).subarray(EXT_START * 512, EXT_START * 512 + EXT_BYTES));
  change(ext);
  const whole = fs.openSync(raw, 'r+');
  fs.writeSync(whole, fs.readFileSync(ext), 0, null, EXT_START * 512);
  fs.closeSync(whole);
  mustQemuImg(['convert', '-O', 'qcow2', raw, disk]);
}

function expectSound(): void {
  mustQemuImg(['check', disk]);
  changeExt((ext) => {
    must('e2fsck', ['-fn', ext]);
    expect(must('debugfs', ['-R', 'cat /etc/hostname', ext]).toString()).toContain('guest\n'.repeat(1000));
  });
}

describe('what the guest does not use', () => {
  it('is offered by part once it was looked for, and given up as one edit', async () => {
    const client = await open();
    expect(known(await client.calls.shrinkOffers('unallocate', 1))).toBeUndefined();
    const spaces = await look(client);
    expect(spaces).toMatchObject([
      { source: 'fileSystem', path: '1', part: 'partition', system: 'FAT16', label: 'EFI' },
      { source: 'fileSystem', path: '2', part: 'partition', system: 'ext4', label: 'root' },
      { source: 'unpartitioned', path: '', freed: 0 },
    ]);
    expect(value(await client.calls.space(2)).guestFree).toEqual({ spaces });
    const freed = freedOf(spaces, '2');
    // Whole clusters of what the deleted file had.
    expect(freed).toBeGreaterThanOrEqual(8 * MIB - 2 * 65536);
    expect(freed).toBeLessThanOrEqual(8 * MIB);
    expect(value(await client.calls.preview(shrink(ROOT), 3)).freedBytes).toBe(freed);
    expect(await stage(client, shrink(ROOT))).toBe(freed);
    await save(client);
    expectSound();
    // Nothing of it is left to give up.
    expect(freedOf(await look(await open()), '2')).toBe(0);
  });

  it('comes back with undo, byte for byte', async () => {
    const before = fs.readFileSync(disk);
    const client = await open();
    await stage(client, shrink(ROOT));
    await save(client);
    expect(fs.readFileSync(disk).equals(before)).toBe(false);
    value(await client.calls.goTo(0, ++generation));
    await save(client);
    expect(fs.readFileSync(disk).subarray(0, before.length).equals(before)).toBe(true);
  });

  it('is found once more in each state', async () => {
    const gone = fs.readFileSync(files.path('disk.raw')).indexOf(Buffer.alloc(65536, 0x5a));
    const client = await open();
    const freed = freedOf(await look(client), '2');
    const start = guestOffset(Math.ceil(gone / 65536) * 65536);
    await stage(client, { kind: 'discard', start, length: 2 * MIB });
    expect(known(await client.calls.shrinkOffers('unallocate', 1))).toBeUndefined();
    expect(freedOf(await look(client), '2')).toBe(freed - 2 * MIB);
    expect(await stage(client, shrink(ROOT))).toBe(freed - 2 * MIB);
    // The file system is another one by then.
    value(await client.calls.goTo(0, ++generation));
    expect(freedOf(await look(client), '2')).toBe(freed);
    await stage(client, { kind: 'discard', start: guestOffset(EXT_START * 512), length: MIB });
    expect(
      await client.calls.apply(shrink(ROOT), '', { generation: ++generation, operation: 5 }),
    ).toMatchObject({
      ok: false,
      problem: { kind: 'inside', code: 'disk.nothing', file: disk },
    });
  });

  it('is not believed of a file system that was not closed, which is named with what to do', async () => {
    changeExt((ext) => {
      must('debugfs', ['-w', '-R', 'set_super_value state 0', ext]);
    });
    const client = await open();
    const space = (await look(client)).find(({ path }) => path === '2');
    expect(space).toMatchObject({ system: 'ext4', problem: { code: 'ext.unclean' } });
    expect(space?.freed).toBeUndefined();
    expect(space?.problem && describeGuest(space.problem)).toContain('start and shut down the guest');
    const run = { generation: ++generation, operation: 5 };
    expect(await client.calls.apply(shrink(ROOT), '', run)).toMatchObject({
      problem: { code: 'ext.unclean' },
    });
  });

  it('is not given up where another program has changed the file since', async () => {
    const client = await open();
    await look(client);
    mustQemuIo(disk, [`write -P 0 ${EXT_START * 512 + 4 * MIB} 64k`]);
    const run = { generation: ++generation, operation: 5 };
    expect(await client.calls.apply(shrink(ROOT), '', run)).toMatchObject({
      problem: { code: 'guard.changed' },
    });
  });

  it('is given up in swap areas and outside partitions where that is asked for, beside other sources', async () => {
    makeTwoSystems(disk);
    const client = await open();
    const spaces = await look(client);
    const freed = new Map(spaces.map((space) => [`${space.source}:${space.path}`, space.freed]));
    expect([...freed.keys()]).toEqual(['fileSystem:1', 'fileSystem:2', 'swap:3', 'unpartitioned:']);
    // All but the cluster of its header.
    expect(freed.get('swap:3')).toBe(MIB - 65536);
    expect(freed.get('unpartitioned:')).toBe(UNPARTITIONED_BYTES);
    const names = spaces.filter((space) => space.freed !== undefined && space.source !== 'fileSystem');
    const change: ChangeRequest = {
      ...shrink(...names),
      kind: 'shrink',
      sources: ['leaks'],
      policy: 'unallocate',
    };
    expect(await stage(client, change)).toBe(MIB - 65536 + UNPARTITIONED_BYTES);
    expect(freedOf(await look(client), '1')).toBe(freed.get('fileSystem:1'));
  });

  it('is not looked for any longer once that is cancelled', async () => {
    const client = await open();
    client.cancelOperation(7);
    expect(await client.calls.lookForGuestFree('unallocate', 7)).toMatchObject({
      problem: { code: 'cancelled' },
    });
    expect(known(await client.calls.shrinkOffers('unallocate', 8))).toBeUndefined();
  });

  it('is marked in dirty bitmaps', async () => {
    mustQemuImg(['bitmap', '--add', disk, 'backup']);
    const client = await open();
    const freed = await stage(client, shrink(ROOT));
    await save(client);
    const marked = (bitmapBits(disk).get('backup') ?? '').replaceAll('0', '').length;
    expect(marked * 65536).toBe(freed);
    mustQemuImg(['check', disk]);
  });

  it.each([
    [
      'over a backing file in version 2',
      'compat=0.10',
      ['-b', 'disk.qcow2', '-F', 'qcow2'],
      'shrink.version2Backing',
    ],
    ['with an external data file', 'data_file=data', ['4M'], 'shrink.dataFile'],
  ])('is not looked for in an image %s', async (_, options, more, code) => {
    const [name, ...rest] = ['refused.qcow2', ...more.filter((each) => each === '4M')];
    const backing = more.filter((each) => each !== '4M');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, ...backing, name, ...rest], {
      cwd: files.folder,
    });
    const { calls } = await open(files.path(name));
    expect(value(await calls.shrinkOffers('unallocate', 1)).guestFree).toMatchObject({ problem: { code } });
    expect(await calls.lookForGuestFree('unallocate', 2)).toMatchObject({ problem: { code } });
  });
});
