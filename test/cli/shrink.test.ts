/** `qcow2 shrink`: what it lists, what it frees, and what it refuses. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { DamagedFile } from '../support/damagedFile';
import { Holder } from '../support/holder';
import { abortQemuIo, mustQemuImg, mustQemuIo } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

let place: Workspace;
const run = (...args: string[]) => cli(['shrink', ...args], { cwd: place.folder });
const bytes = (): Buffer => fs.readFileSync(place.path('disk.qcow2'));

beforeEach(() => {
  place = workspace();
  mustQemuImg(['create', '-q', '-f', 'qcow2', 'disk.qcow2', '64M'], { cwd: place.folder });
  mustQemuIo('disk.qcow2', ['write -P 1 0 1M', 'write -P 0 1M 8M', 'write -P 2 16M 4M', 'write -z 16M 4M'], {
    cwd: place.folder,
  });
  DamagedFile.do(place.path('disk.qcow2'), (file) => file.leak(4));
});
afterEach(() => {
  place.remove();
});

describe('shrink', () => {
  test('lists what each source would free, and changes nothing', () => {
    const before = bytes();
    const { status, stdout, stderr } = run('disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout).split('\n')).toEqual([
      'What giving up would free:',
      '    8 MiB  --zeroes            data that is all zero',
      '        -  --same-as-backing   data that the backing file has as well: The image has no backing file that could be compared with it',
      '    4 MiB  --allocated-zeroes  space that zero clusters keep',
      '        -  --vm-state          VM state that an applied snapshot left behind',
      '  256 KiB  --leaks             leaked clusters',
      "        -  --guest-free        what the guest's file systems do not use",
      '',
    ]);
    expect(bytes().equals(before)).toBe(true);
    expect(JSON.parse(String(run('--output=json', 'disk.qcow2').stdout))).toMatchObject({
      filename: 'disk.qcow2',
      sources: [
        { source: 'zeroes', 'freed-bytes': 8 * 2 ** 20 },
        { source: 'same-as-backing' },
        {},
        {},
        {},
        { source: 'guest-free' },
      ],
    });
  });

  test('frees it, and returns it to the host', () => {
    const before = fs.statSync(place.path('disk.qcow2'));
    const options = ['--zeroes', '--allocated-zeroes', '--leaks'];
    const dry = run('--dry-run', ...options, 'disk.qcow2');
    expect(String(dry.stdout)).toBe('shrink: 12.2 MiB would be freed\n');
    const { status, stdout, stderr } = run(...options, '--holes', 'disk.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout)).toMatch(
      /^shrink: 12\.2 MiB freed in the file; the file takes [\d.]+ MiB of storage and is \d+ bytes long \(was \d+\)\n$/,
    );
    const after = fs.statSync(place.path('disk.qcow2'));
    expect(after.size).toBeLessThan(before.size - 10 * 2 ** 20);
    mustQemuImg(['check', 'disk.qcow2'], { cwd: place.folder });
    mustQemuIo('disk.qcow2', ['read -P 1 0 1M', 'read -P 0 1M 63M'], { cwd: place.folder });
    expect(String(run(...options, 'disk.qcow2').stdout)).toBe('shrink: nothing to free\n');
  });

  test('makes the file as short as it can be', () => {
    const { status, stdout, stderr } = run(
      '--zeroes',
      '--allocated-zeroes',
      '--leaks',
      '--compact',
      'disk.qcow2',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout)).toMatch(
      /^shrink: 12\.2 MiB freed in the file; the file takes .* long \(was \d+\)\n$/,
    );
    // The data, the header, the L1 table, an L2 table, a refcount table and a block.
    expect(fs.statSync(place.path('disk.qcow2')).size).toBe(2 ** 20 + 5 * 65536);
    mustQemuImg(['check', 'disk.qcow2'], { cwd: place.folder });
    mustQemuIo('disk.qcow2', ['read -P 1 0 1M', 'read -P 0 1M 63M'], { cwd: place.folder });
  });

  test('without --compact and --holes says how the file becomes shorter', () => {
    expect(String(run('--zeroes', 'disk.qcow2').stdout)).toBe(
      'shrink: 8 MiB freed in the file; "qcow2 compact" makes the file shorter\n',
    );
  });

  test('looks at an image that was not closed properly, which is repaired with the change', () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', 'dirty.qcow2', '4M'], {
      cwd: place.folder,
    });
    abortQemuIo('dirty.qcow2', ['write -P 0 0 128k', 'write -P 1 1M 64k'], { cwd: place.folder });
    const before = fs.readFileSync(place.path('dirty.qcow2'));
    expect(String(run('dirty.qcow2').stdout)).toContain('  128 KiB  --zeroes ');
    expect(String(run('--zeroes', '--dry-run', 'dirty.qcow2').stdout)).toBe(
      'shrink: 128 KiB would be freed\n',
    );
    expect(fs.readFileSync(place.path('dirty.qcow2')).equals(before)).toBe(true);
    expect(String(run('--zeroes', 'dirty.qcow2').stdout)).toContain('shrink: 128 KiB freed');
    mustQemuImg(['check', 'dirty.qcow2'], { cwd: place.folder });
  });

  test('is refused for an image that others use as their base, but not a look at it', () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', 'disk.qcow2', '-F', 'qcow2', 'top.qcow2'], {
      cwd: place.folder,
    });
    const before = bytes();
    expect(run('--zeroes', 'disk.qcow2')).toMatchObject({
      status: 1,
      stderr:
        'qcow2: disk.qcow2: Not shrunk: other images use it as their backing file (top.qcow2); --dry-run says what it would free\n',
    });
    expect(bytes().equals(before)).toBe(true);
    expect(run('--zeroes', '--dry-run', 'disk.qcow2').status).toBe(0);
  });

  test('names the file of the chain that is missing', () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-u', '-b', 'gone.qcow2', '-F', 'qcow2', 'top.qcow2', '1M'], {
      cwd: place.folder,
    });
    for (const options of [[], ['--dry-run']]) {
      const refused = run('--same-as-backing', ...options, 'top.qcow2');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/^qcow2: top\.qcow2: [^\n]*gone\.qcow2[^\n]*\n$/);
    }
  });

  test('is refused for an image that is held, and for a damaged one', async () => {
    const holder = await Holder.open(place.path('disk.qcow2'));
    try {
      const refused = run('--zeroes', 'disk.qcow2');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]*locked[^\n]*\n$/);
    } finally {
      await holder.end();
    }
    const corrupt = bytes();
    corrupt[79]! |= 2;
    fs.writeFileSync(place.path('disk.qcow2'), corrupt);
    for (const options of [[], ['--zeroes'], ['--zeroes', '--dry-run']]) {
      const refused = run(...options, 'disk.qcow2');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]*corrupt[^\n]*\n$/);
    }
  });
});
