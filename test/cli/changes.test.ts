/** The verbs that change an image, as a script sees them; QEMU judges the result. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { once } from 'node:events';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import type { Ran } from '../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');
const MIB = 1024 * 1024;

afterAll(() => {
  place.remove();
});

beforeEach(() => {
  mustQemuImg(['create', '-f', 'qcow2', DISK, '16M']);
  mustQemuIo(DISK, ['write -P 1 0 4M']);
});

const run = (args: readonly string[], input = ''): Ran => cli(args, { cwd: place.folder, input });

/** What qemu-img map says, in short. */
function map(): string[] {
  const json = String(mustQemuImg(['map', '--output=json', DISK]));
  const extents = JSON.parse(json) as { start: number; length: number; zero: boolean; present: boolean }[];
  return extents.map(
    ({ start, length, zero, present }) =>
      `${start / MIB}+${length / MIB} ${present ? (zero ? 'zero' : 'data') : 'unallocated'}`,
  );
}

function expectSound(): void {
  expect(qemuImg(['check', DISK]).status).toBe(0);
  expect(fs.readdirSync(place.folder).filter((name) => name.includes('journal'))).toEqual([]);
}

describe('write-zeroes', () => {
  test('with unmap leaves clusters unallocated where nothing is below', () => {
    expect(run(['write-zeroes', '--unmap', 'disk.qcow2', '0', '1M'])).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(map()).toEqual(['0+1 unallocated', '1+3 data', '4+12 unallocated']);
    expectSound();
  });

  test('with policy zero-flag leaves the zero flag', () => {
    run(['write-zeroes', '--unmap', '--policy=zero-flag', 'disk.qcow2', '0', '1M']);
    expect(map()).toEqual(['0+1 zero', '1+3 data', '4+12 unallocated']);
    expectSound();
  });

  test('says what it did, in one line, and -q does not', () => {
    const { stdout } = run(['write-zeroes', 'disk.qcow2', '0', '64k']);
    expect(String(stdout)).toBe('write-zeroes at 0x0, 64 KiB: 1 cluster (64 KiB) zero, allocation kept\n');
    expect(run(['write-zeroes', '-q', 'disk.qcow2', '64k', '64k']).stdout).toHaveLength(0);
  });

  test('refuses explicit zeroes where they are forbidden, and changes nothing', () => {
    const before = fs.readFileSync(DISK);
    const ran = run(['write-zeroes', '--no-fallback', 'disk.qcow2', '100', '100']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]+\n$/);
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  test.each([
    ['16M', '1'],
    ['0', '17M'],
  ])('refuses what lies beyond the end of the disk: %s %s', (offset, length) => {
    const before = fs.readFileSync(DISK);
    expect(run(['write-zeroes', 'disk.qcow2', offset, length])).toMatchObject({ status: 1 });
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  test('does not touch the file where everything is zero already', () => {
    run(['write-zeroes', '--unmap', 'disk.qcow2', '0', '16M']);
    const { mtimeMs } = fs.statSync(DISK);
    expect(String(run(['write-zeroes', '--unmap', 'disk.qcow2', '0', '16M']).stdout)).toContain('unchanged');
    expect(fs.statSync(DISK).mtimeMs).toBe(mtimeMs);
  });
});

test('discard says what it leaves alone', () => {
  const { stdout } = run(['discard', 'disk.qcow2', '64k', '100k']);
  expect(String(stdout)).toContain('left alone (only whole clusters are discarded)');
  expectSound();
});

test('write takes bytes until its input ends', () => {
  const input = 'x'.repeat(5 * MIB);
  expect(run(['write', 'disk.qcow2', '0x100001'], input).status).toBe(0);
  const { stdout } = cli(['read', 'disk.qcow2', '0x100000', String(5 * MIB + 2)], { cwd: place.folder });
  expect(stdout[0]).toBe(1);
  expect(stdout.subarray(1, -1).equals(Buffer.from(input))).toBe(true);
  expect(stdout.at(-1)).toBe(0);
  expectSound();
});

describe('batch', () => {
  test('makes all changes in one save, and prints a line for each', () => {
    const lines = ['# what is done', 'write-zeroes --unmap 0 1M', '', 'discard 1M 64k', 'write 8M 414243'];
    const ran = run(['batch', 'disk.qcow2'], `${lines.join('\n')}\n`);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(String(ran.stdout).trimEnd().split('\n')).toHaveLength(3);
    const read = run(['read', 'disk.qcow2', '8M', '4']).stdout;
    expect(String(read)).toBe('ABC\0');
    expectSound();
  });

  test('makes none of them where one cannot be, and says which', () => {
    const before = fs.readFileSync(DISK);
    const ran = run(['batch', 'disk.qcow2'], 'write-zeroes 0 1M\nwrite 1G 00\n');
    expect(ran).toMatchObject({ status: 1 });
    expect(ran.stderr).toMatch(/^qcow2: disk\.qcow2: line 2: [^\n]+\n$/);
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  test.each(['zero 0 1', 'write 0 4', 'write 0 xx', 'discard 0', 'write-zeroes --policy=x 0 1'])(
    'is used wrongly by the line: %s',
    (line) => {
      const ran = run(['batch', 'disk.qcow2'], `${line}\n`);
      expect(ran.status).toBe(64);
      expect(ran.stderr).toMatch(/^usage: qcow2 batch [^\n]+line 1: [^\n]+\n$/);
    },
  );
});

describe('an image that is not to be changed', () => {
  test('because QEMU holds it is refused by the name of the process', async () => {
    const holder = spawn('qemu-nbd', ['-r', '-k', place.path('socket'), DISK]);
    try {
      while (!fs.existsSync(place.path('socket'))) await new Promise((resolve) => setTimeout(resolve, 20));
      const ran = run(['write-zeroes', 'disk.qcow2', '0', '64k']);
      expect(ran.status).toBe(1);
      expect(ran.stderr).toContain(`qemu-nbd, pid ${holder.pid}`);
    } finally {
      holder.kill();
      await once(holder, 'exit');
    }
    expect(run(['write-zeroes', 'disk.qcow2', '0', '64k']).status).toBe(0);
  });

  test('because it is damaged stays as it is', () => {
    const file = fs.openSync(DISK, 'r+');
    // The refcount of the first data cluster: 0 instead of 1.
    fs.writeSync(file, Buffer.from([0, 0]), 0, 2, 0x20000 + 2 * 5);
    fs.closeSync(file);
    const before = fs.readFileSync(DISK);
    const ran = run(['write-zeroes', 'disk.qcow2', '0', '64k']);
    expect(ran.status).toBe(1);
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });
});

describe('recover', () => {
  test('has nothing to do where no save was interrupted', () => {
    expect(run(['recover', 'disk.qcow2'])).toMatchObject({ status: 0, stderr: '' });
  });

  test('finds that there is no such file', () => {
    expect(run(['recover', 'gone.qcow2'])).toMatchObject({
      status: 1,
      stderr: 'qcow2: gone.qcow2: No such file\n',
    });
  });
});
