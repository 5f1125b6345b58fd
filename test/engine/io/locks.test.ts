/** Locks, with real QEMU processes as the other program. */
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findHolder, findWriter, lockForSave, lockSight } from '../../../src/qcow2/io/qemuLocks';
import { Holder } from '../../support/holder';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { run } from '../../support/process';
import { REPOSITORY } from '../../support/repository';
import { type Workspace, workspace } from '../../support/workspace';

let place: Workspace;
let image: string;
const holders: Holder[] = [];

const holding = async (...options: string[]): Promise<Holder> => held(await Holder.open(image, ...options));
const held = (holder: Holder): Holder => {
  holders.push(holder);
  return holder;
};

beforeEach(() => {
  place = workspace();
  image = place.path('disk.qcow2');
  mustQemuImg(['create', '-q', '-f', 'qcow2', image, '1M']);
});

afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.end();
  vi.unstubAllEnvs();
  place.remove();
});

// Without native calls /proc/locks says the same.
describe.each([
  { words: 'native calls', native: '', sight: 'held' },
  { words: '/proc/locks alone', native: 'off', sight: 'listed' },
])('by $words', ({ native, sight }) => {
  beforeEach(() => {
    vi.stubEnv('QCOW2_NATIVE', native);
  });

  test('knows what can be known', () => {
    expect(lockSight(image)).toBe(sight);
  });

  test('a closed image is not held', () => {
    expect(findHolder(image)).toBeUndefined();
    expect(findWriter(image)).toBeUndefined();
    lockForSave(image).release();
  });

  test('QEMU that writes is a holder and a writer, and keeps a save away', async () => {
    const { pid } = await holding();
    expect(findHolder(image)).toStrictEqual({ pid, program: 'qemu-io' });
    expect(findWriter(image)).toStrictEqual({ pid, program: 'qemu-io' });
    expect(() => lockForSave(image)).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ code: 'lock.held', value: `qemu-io, pid ${pid}` }) as unknown,
      }),
    );
  });

  test('QEMU that only reads is a holder, no writer', async () => {
    const { pid } = await holding('-r');
    expect(findHolder(image)).toStrictEqual({ pid, program: 'qemu-io' });
    expect(findWriter(image)).toBeUndefined();
    expect(() => lockForSave(image)).toThrow(/lock\.held/);
  });

  test('QEMU that reads and lets others write (-U) is none', async () => {
    await holding('-r', '-U');
    expect(findHolder(image)).toBeUndefined();
    lockForSave(image).release();
  });

  test('QEMU that has the image as a backing file is a holder', async () => {
    const overlay = place.path('overlay.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'qcow2', overlay]);
    const { pid } = held(await Holder.serve(overlay, place.path('socket')));
    expect(findHolder(overlay)).toStrictEqual({ pid, program: 'qemu-nbd' });
    expect(findWriter(overlay)).toStrictEqual({ pid, program: 'qemu-nbd' });
    expect(findHolder(image)).toStrictEqual({ pid, program: 'qemu-nbd' });
    expect(findWriter(image)).toBeUndefined();
  });

  test('a server that ended holds nothing any more', async () => {
    const server = held(await Holder.serve(image, place.path('socket')));
    expect(findHolder(image)).toMatchObject({ pid: server.pid });
    await server.end();
    expect(findHolder(image)).toBeUndefined();
    lockForSave(image).release();
  });
});

describe('while a save has its locks', () => {
  const write = (): string => run('qemu-io', ['-c', 'write 0 1', image]).stderr;
  const read = (...options: string[]): string => run('qemu-io', [...options, '-c', 'read 0 1', image]).stderr;

  test('QEMU refuses to write the image, and to open it for reading', () => {
    const locks = lockForSave(image);
    expect(locks.areHeld).toBe(true);
    expect(write()).toMatch(/Failed to get "write" lock/);
    expect(read('-r')).toMatch(/Failed to get shared "write" lock/);
    locks.release();
  });

  test('QEMU still looks at it where it is told not to mind (-U)', () => {
    const locks = lockForSave(image);
    expect(read('-r', '-U')).toBe('');
    locks.release();
  });

  test('QEMU writes again once they are released, and releasing twice does no harm', () => {
    const locks = lockForSave(image);
    locks.release();
    locks.release();
    mustQemuIo(image, ['write 0 512']);
    expect(write()).toBe('');
  });

  test('another save is refused, in this process too', () => {
    const locks = lockForSave(image);
    expect(() => lockForSave(image)).toThrow(/lock\.heldBySomebody/);
    expect(findHolder(image)).toStrictEqual({});
    locks.release();
    lockForSave(image).release();
  });

  test('locks are not taken without native calls, and that is told', () => {
    vi.stubEnv('QCOW2_NATIVE', 'off');
    const locks = lockForSave(image);
    expect(locks.areHeld).toBe(false);
    expect(write()).toBe('');
    locks.release();
  });
});

/** Takes a POSIX write lock on the whole file, says so, and waits for its end. */
const LOCKS_ALL = `
const koffi = require('koffi');
const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
const lock = new Uint8Array(32);
lock[0] = 1; // F_WRLCK
const F_SETLK = 6;
const descriptor = require('node:fs').openSync(process.argv[1], 'r+');
if (fcntl(descriptor, F_SETLK, 'void *', lock) !== 0) process.exit(1);
console.log('held');
process.stdin.resume();
`;

test('a program that locks the whole file for itself keeps a save away', async () => {
  const child = spawn(process.execPath, ['-e', LOCKS_ALL, image], {
    cwd: REPOSITORY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const chunk of child.stdout) if (String(chunk).includes('held')) break;
  expect(() => lockForSave(image)).toThrow(/lock\.held/);
  expect(findHolder(image)).toMatchObject({ pid: child.pid });
  child.kill();
});
