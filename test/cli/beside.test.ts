/** Reading beside programs that change the image: the output is one state of it, and the notes are true. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeSaverToKill, type SaverToKill } from '../faults/saverToKill';
import { CLI, cli } from '../support/cli';
import { Holder } from '../support/holder';
import type { Ran } from '../support/process';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { StoppedSaver } from '../support/stoppedSaver';
import { workspace } from '../support/workspace';

const MIB = 1024 * 1024;
const place = workspace();
const image = place.path('disk.qcow2');
const command = (...args: string[]): Ran => cli(args, { cwd: place.folder });

const SAVING = /^qcow2: disk\.qcow2: The image is being saved right now \(process \d+\): [^\n]+\n$/;
const CHANGED = 'qcow2: disk.qcow2: Another program changed the file while it was being read: try again\n';

/** The only note besides the output says that the image is being saved. */
const expectTrue = ({ stderr }: Ran): void => {
  if (stderr !== '') expect(stderr).toMatch(SAVING);
};

let saver: SaverToKill;
const ended: (() => Promise<void>)[] = [];
beforeAll(async () => {
  saver = await makeSaverToKill(place);
});
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
  fs.rmSync(`${image}-journal`, { force: true });
});
afterAll(() => {
  place.remove();
});

describe('beside a saver that runs', () => {
  // Behind the head of the journal, before its seal, among the groups, and before and behind the commit.
  test.each([2, 4, 8, 14, 22, 26])(
    'that has come to call %i the image is what it was before',
    async (call) => {
      fs.copyFileSync(saver.before, image);
      const saving = await StoppedSaver.process(saver, image, call);
      ended.push(() => saving.end());
      const map = command('map', '--output=json', 'disk.qcow2');
      expect(map).toMatchObject({ status: 0, stderr: expect.stringMatching(SAVING) as unknown });
      expect(JSON.parse(String(map.stdout))).toEqual(
        JSON.parse(String(mustQemuImg(['map', '--output=json', saver.before]))),
      );
      expect(command('check', 'disk.qcow2').status).toBe(0);
      const write = command('write-zeroes', 'disk.qcow2', '0', '4k');
      expect(write.status).toBe(1);
      expect(write.stderr).toMatch(
        /^qcow2: [^\n]*being saved or recovered right now \(process \d+\)[^\n]*\n$/,
      );
    },
  );

  test('each read is one of the states that were saved, and nothing wrong is said', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '8M']);
    mustQemuIo(image, [`write -P 1 0 ${MIB}`]);
    const states = [1, 2, 3].map((byte) => Buffer.alloc(MIB, byte));
    const over = new AbortController();
    const savers = (async () => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const child = spawn(process.execPath, [CLI, 'write', image, '0'], {
          stdio: ['pipe', 'ignore', 'pipe'],
        });
        child.stdin.end(states[turn % states.length]);
        const [code] = (await once(child, 'exit')) as [number];
        if (code !== 0) return `saver ${turn}: exit code ${code}`;
      }
      return 'all saved';
    })();
    const read = (...args: string[]): Promise<Ran> => besides(args);
    for (let turn = 0; turn < 6; turn++) {
      const [bytes, map, check] = await Promise.all([
        read('read', 'disk.qcow2', '0', '1M'),
        read('map', '--output=json', 'disk.qcow2'),
        read('check', 'disk.qcow2'),
      ]);
      for (const ran of [bytes, map, check]) {
        // Five times in a row a save may have come between.
        if (ran.status === 1) expect(ran.stderr).toBe(CHANGED);
        else {
          expect(ran.status).toBe(0);
          expectTrue(ran);
        }
      }
      if (bytes.status === 0) expect(states.some((state) => state.equals(bytes.stdout))).toBe(true);
    }
    over.abort();
    expect(await savers).toBe('all saved');
  });
});

describe('beside QEMU', () => {
  test('a check of an image whose refcounts it keeps to itself says nothing about the image', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', image, '8M']);
    const holder = await Holder.open(image);
    ended.push(() => holder.end());
    const wrote = holder.said(/wrote/);
    holder.tell('write -P 5 0 2M');
    holder.tell('flush');
    await wrote;
    const check = command('check', 'disk.qcow2');
    expect(check).toMatchObject({ status: 1, stderr: expect.stringMatching(/^qcow2: [^\n]+\n$/) as unknown });
    expect(String(check.stdout)).toBe('');
    expect(check.stderr).toMatch(/open for writing \(qemu-io, pid \d+\)|Another program changed the file/);
  });

  test('a check of an image that it writes never calls it damaged', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', image, '256M']);
    const holder = await Holder.open(image);
    ended.push(() => holder.end());
    holder.child.stdin?.on('error', () => undefined);
    let at = 0;
    const writing = setInterval(() => {
      for (let piece = 0; piece < 32; piece++) {
        at = (at + 37) % 65536;
        holder.tell(`write -P 6 ${at * 4096} 4k`);
      }
    }, 2);
    const seen = new Set<number>();
    for (let turn = 0; turn < 4; turn++) {
      const ran = await besides(['check', 'disk.qcow2']);
      seen.add(ran.status);
      expect([0, 1]).toContain(ran.status);
      if (ran.status === 1)
        expect(ran.stderr).toMatch(/^qcow2: [^\n]*(Another program changed|Not checked: )[^\n]+\n$/);
      const map = await besides(['map', 'disk.qcow2']);
      expect(map.stderr).toMatch(/has the image open for writing/);
      expect(map.status).toBe(0);
    }
    clearInterval(writing);
    expect(seen).toContain(1);
  });
});

/** The command beside which the test goes on. */
async function besides(args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: place.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status: status ?? -1, stdout: Buffer.concat(stdout), stderr: String(Buffer.concat(stderr)) };
}
