/** `qcow2 space` as text and as JSON, and images of which no report can be made. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { DamagedFile } from '../support/damagedFile';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');

afterAll(() => {
  place.remove();
});

const run = (...args: string[]) => cli(['space', ...args], { cwd: place.folder });

beforeAll(() => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', DISK, '16M']);
  mustQemuIo(DISK, ['write -P 1 0 4M', 'write -z 0 1M']);
  mustQemuImg(['snapshot', '-c', 'before \u202eupgrade', DISK]);
  mustQemuIo(DISK, ['write -P 2 2M 1M']);
});

describe('space', () => {
  test('lists the parts of a file, and what each snapshot holds alone', () => {
    const { status, stdout, stderr } = run('disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = String(stdout).split('\n');
    expect(lines[0]).toMatch(/^disk\.qcow2: [\d.]+ MiB, [\d.]+ MiB allocated on the host$/);
    expect(lines.find((line) => line.endsWith('  data'))).toMatch(/^ +3 MiB +\d+ % +3 MiB +- /);
    // The snapshot shares them.
    expect(lines.find((line) => line.includes('zero clusters'))).toMatch(/^ +1 MiB +\d+ % +1 MiB +- /);
    expect(lines.find((line) => line.includes('(ID 1)'))).toBe(
      String.raw`  1.12 MiB  before \u202eupgrade (ID 1)`,
    );
  });

  test('as JSON has the same in bytes', () => {
    const { status, stdout } = run('--output=json', 'disk.qcow2');
    expect(status).toBe(0);
    const report = JSON.parse(String(stdout)) as {
      length: number;
      rows: { kind: string; bytes: number; reclaimable: number }[];
      snapshots: unknown;
    };
    expect(report.length).toBe(fs.statSync(DISK).size);
    expect(report.rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.length);
    // A MiB of data, its L2 table and its L1 table.
    const bytes = 2 ** 20 + 2 * 2 ** 16;
    expect(report.snapshots).toEqual([{ id: '1', name: 'before \u202eupgrade', bytes }]);
  });

  test('tells of leaks, and that a repair would free them', () => {
    const leaky = place.path('leaky.qcow2');
    fs.copyFileSync(DISK, leaky);
    DamagedFile.do(leaky, (file) => file.leak(2));
    const { stdout, status } = run('leaky.qcow2');
    expect(status).toBe(0);
    expect(String(stdout)).toMatch(/ 128 KiB +[\d.]+ % +\S+ \S+ +128 KiB {2}leaked\n/);
  });

  test('refuses what is no image, in one line', () => {
    fs.writeFileSync(place.path('text.qcow2'), 'Dear diary');
    const { status, stdout, stderr } = run('text.qcow2');
    expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^qcow2: text\.qcow2: [^\n]+\n$/);
  });
});
