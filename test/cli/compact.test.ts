/** `compact` as a script sees it: output, result, and refusals. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { image } from '../support/imageBuilder';
import type { Ran } from '../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');

afterAll(() => {
  place.remove();
});

const run = (...args: string[]): Ran => cli(['compact', ...args], { cwd: place.folder });
const length = (): number => fs.statSync(DISK).size;

beforeEach(() => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', DISK, '16M']);
  mustQemuIo(DISK, ['write -P 1 0 8M']);
  mustQemuIo(DISK, ['discard 1M 2M'], {}, ['-d', 'unmap']);
});

describe('compact', () => {
  test('makes the file shorter, and says how much it moved', () => {
    const before = length();
    const { status, stdout, stderr } = run('disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const after = length();
    expect(after).toBeLessThanOrEqual(before - 2 * 2 ** 20);
    expect(String(stdout)).toMatch(
      new RegExp(
        String.raw`^compact: [\d.]+ MiB moved; the file is ${after} bytes long \(was ${before}\)\n$`,
      ),
    );
    mustQemuIo(DISK, ['read -P 1 0 1M', 'read -P 0 1M 2M', 'read -P 1 3M 5M']);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    expect(fs.readdirSync(place.folder)).toEqual(['disk.qcow2']);
    expect(String(run('disk.qcow2').stdout)).toBe('compact: nothing to compact\n');
  });

  test('tells what it would come to with --dry-run, and changes nothing', () => {
    const before = fs.readFileSync(DISK);
    const { status, stdout, stderr } = run('--dry-run', '--output=json', 'disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const told = JSON.parse(String(stdout)) as Record<string, number>;
    expect(String(run('--dry-run', 'disk.qcow2').stdout)).toMatch(
      /^compact: [\d.]+ MiB would be moved; the length of the file would change from \d+ to about \d+ bytes\n$/,
    );
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
    const done = JSON.parse(String(run('--output=json', 'disk.qcow2').stdout)) as Record<string, unknown>;
    expect(done).toMatchObject({
      filename: 'disk.qcow2',
      changed: true,
      'moved-bytes': told['move-bytes'],
      'file-size': before.length,
      'new-file-size': told['new-file-size'],
    });
    expect(String(run('--dry-run', 'disk.qcow2').stdout)).toBe('compact: the file cannot become shorter\n');
  });

  test('refuses in one line what it cannot move', () => {
    image().data(0, 4).extension(0x12345678, 'what').writeTo(DISK);
    for (const args of [[], ['--dry-run']]) {
      const { status, stdout, stderr } = run(...args, 'disk.qcow2');
      expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toBe(
        'qcow2: disk.qcow2: The header has an extension of unknown type 0x12345678: an image cannot be compacted ' +
          'unless everything that refers to clusters is known\n',
      );
    }
  });
});
