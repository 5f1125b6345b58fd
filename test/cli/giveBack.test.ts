/** `give-back` as a script sees it: output, result, and refusals. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import type { Ran } from '../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');
const MIB = 2 ** 20;

afterAll(() => {
  place.remove();
});

const run = (...args: string[]): Ran => cli(['give-back', ...args], { cwd: place.folder });

const sizes = (): { file: number; storage: number } => {
  const { size, blocks } = fs.statSync(DISK);
  return { file: size, storage: blocks * 512 };
};

beforeEach(() => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', DISK, '16M']);
  mustQemuIo(DISK, ['write -P 1 0 8M']);
  for (const range of [
    ['1M', '2M'],
    ['7M', '1M'],
  ]) {
    expect(cli(['write-zeroes', '--unmap', DISK, ...range]).status).toBe(0);
  }
});

describe('give-back', () => {
  test('gives back what nothing uses, and says how much', () => {
    const before = sizes();
    const { status, stdout, stderr } = run('disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const after = sizes();
    expect(before.file - after.file).toBe(MIB);
    expect(before.storage - after.storage).toBeGreaterThanOrEqual(3 * MIB - 65536);
    expect(String(stdout)).toMatch(
      new RegExp(
        String.raw`^give-back: 3 MiB given back; the file takes [\d.]+ MiB of storage and is ` +
          String.raw`${after.file} bytes long \(was ${before.file}\)\n$`,
      ),
    );
    mustQemuIo(DISK, ['read -P 1 0 1M', 'read -P 0 1M 2M', 'read -P 1 3M 4M', 'read -P 0 7M 1M']);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    expect(fs.readdirSync(place.folder)).toEqual(['disk.qcow2']);
  });

  test('tells what it would come to with --dry-run, and changes nothing', () => {
    const before = fs.readFileSync(DISK);
    fs.chmodSync(DISK, 0o444);
    const { file } = sizes();
    const { status, stdout, stderr } = run('--dry-run', 'disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout)).toBe(
      'give-back: 3 MiB of the file are unused and take 3 MiB of storage; ' +
        `its length would change from ${file} to ${file - MIB} bytes\n`,
    );
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
    fs.chmodSync(DISK, 0o644);
  });

  test('prints JSON', () => {
    const before = sizes();
    const planned = JSON.parse(String(run('--dry-run', '--output=json', 'disk.qcow2').stdout)) as unknown;
    expect(planned).toEqual({
      filename: 'disk.qcow2',
      'free-bytes': 3 * MIB,
      'stored-bytes': 3 * MIB,
      'is-upper-bound': false,
      'can-make-holes': true,
      'actual-size': before.storage,
      'file-size': before.file,
      'new-file-size': before.file - MIB,
    });
    const done = JSON.parse(String(run('--output=json', 'disk.qcow2').stdout)) as unknown;
    expect(done).toEqual({
      filename: 'disk.qcow2',
      changed: true,
      'can-make-holes': true,
      'hole-bytes': 2 * MIB,
      'actual-size': before.storage,
      'new-actual-size': sizes().storage,
      'file-size': before.file,
      'new-file-size': before.file - MIB,
    });
  });

  test('cuts the end off where holes cannot be made, and says so', () => {
    const before = sizes();
    const env = { ...process.env, QCOW2_NATIVE: 'off' };
    const { status, stderr } = cli(['give-back', 'disk.qcow2'], { cwd: place.folder, env });
    expect(status).toBe(0);
    expect(stderr).toContain('holes cannot be made here: only the end of the file can be given back\n');
    expect(before.file - sizes().file).toBe(MIB);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });

  test('names an external data file that it leaves as it is', () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'data_file=data.raw', DISK, '16M'], {
      cwd: place.folder,
    });
    const { status, stderr } = run('disk.qcow2');
    expect(status).toBe(0);
    expect(stderr).toBe(
      'qcow2: disk.qcow2: its external data file data.raw is left as it is: the image does not say which parts of it are unused\n',
    );
    fs.rmSync(place.path('data.raw'));
  });

  test('refuses a damaged image, and leaves it as it is', () => {
    const file = fs.openSync(DISK, 'r+');
    fs.writeSync(file, Buffer.from([0, 0]), 0, 2, 2 * 65536);
    fs.closeSync(file);
    const before = fs.readFileSync(DISK);
    for (const extra of [[], ['--dry-run']]) {
      const { status, stdout, stderr } = run(...extra, 'disk.qcow2');
      expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/^qcow2: disk\.qcow2: The image is damaged .* repair it before .*\n$/);
    }
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  test('recovers a save that was interrupted first', () => {
    fs.writeFileSync(`${DISK}-journal`, '');
    const { status, stderr } = run('disk.qcow2');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr:
        'qcow2: disk.qcow2: a save was interrupted before it changed anything; its journal is removed\n',
    });
    expect(fs.readdirSync(place.folder)).toEqual(['disk.qcow2']);
  });

  test('is wrong usage without a file', () => {
    const { status, stderr } = run();
    expect(status).toBe(64);
    expect(stderr).toContain(
      'usage: qcow2 give-back [-q] [--progress] [--debug] [--dry-run] [--output=human|json] FILE',
    );
  });
});
