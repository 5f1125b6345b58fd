import { spawn, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLI, cli } from '../support/cli';
import { image } from '../support/imageBuilder';
import type { Ran } from '../support/process';
import type { Workspace } from '../support/workspace';
import { workspace } from '../support/workspace';

let place: Workspace;
const run = (...args: string[]): Ran => cli(args, { cwd: place.folder });

beforeAll(() => {
  place = workspace();
  image({ size: '1M' }).data(0, 2).writeTo(place.path('disk.qcow2'));
  image({ size: '1M', backing: { name: 'gone.qcow2', format: 'qcow2' } }).writeTo(place.path('orphan.qcow2'));
});
afterAll(() => {
  place.remove();
});

test('prints its version', () => {
  expect(run('--version').stdout.toString()).toMatch(/^qcow2 \d+\.\d+\.\d+\n$/);
});

describe('wrong usage is one usage line and exit code 64', () => {
  test.each(
    [
      [],
      ['repair', 'disk.qcow2'],
      ['map'],
      ['map', 'disk.qcow2', 'other.qcow2'],
      ['map', '--output=xml', 'disk.qcow2'],
      ['map', '--start-offset=ten', 'disk.qcow2'],
      ['info', '--nonsense', 'disk.qcow2'],
      ['read', 'disk.qcow2', '0'],
      ['read', 'disk.qcow2', '0', '1.5'],
      ['map', '-s', '-1', 'disk.qcow2'],
      ['map', 'disk.qcow2', '-s'],
      ['map', '--max-length=8E', 'disk.qcow2'],
    ].map((args) => ({ args, title: `qcow2 ${args.join(' ')}` })),
  )('$title', ({ args }) => {
    const ran = run(...args);
    expect(ran.status).toBe(64);
    expect(ran.stdout).toHaveLength(0);
    expect(ran.stderr).toMatch(/^usage: qcow2 [^\n]+\n$/);
  });
});

test('options are taken in both forms, and before and after the file', () => {
  const { stdout } = run('map', '--output=json', '--start-offset=64k', '--max-length=0x10000', 'disk.qcow2');
  expect(run('map', 'disk.qcow2', '--output', 'json', '-s', '65536', '-l', '64K').stdout).toEqual(stdout);
  expect(JSON.parse(String(stdout))).toMatchObject([{ start: 65536, length: 65536 }]);
});

test('-q silences what the verb prints, not what is wrong', () => {
  expect(run('info', '-q', 'disk.qcow2')).toMatchObject({ status: 0, stderr: '' });
  expect(run('info', '-q', 'disk.qcow2').stdout).toHaveLength(0);
  expect(run('info', '-q', 'missing.qcow2')).toMatchObject({
    status: 1,
    stderr: 'qcow2: missing.qcow2: No such file\n',
  });
});

describe('--debug', () => {
  test('adds the stack to what went wrong, and changes nothing else', () => {
    const plain = run('info', 'missing.qcow2');
    for (const args of [
      ['info', '--debug', 'missing.qcow2'],
      ['info', 'missing.qcow2', '--debug'],
    ]) {
      const { status, stderr } = run(...args);
      expect(status).toBe(plain.status);
      expect(stderr.startsWith(plain.stderr)).toBe(true);
      expect(stderr.slice(plain.stderr.length)).toMatch(
        /^FileError: file\.missing \(missing\.qcow2\)\n( {4}at .+\n)+$/,
      );
    }
    expect(run('info', '--debug', 'disk.qcow2')).toMatchObject({ status: 0, stderr: '' });
  });

  test('adds it to wrong usage, too', () => {
    expect(run('map', '--debug', '--output=xml', 'disk.qcow2').stderr).toMatch(
      /^usage: qcow2 map [^\n]+\nError: --output is [^\n]+\n {4}at /,
    );
  });

  test('behind -- is the name of a file', () => {
    expect(run('info', '--', '--debug').stderr).toBe('qcow2: --debug: No such file\n');
  });
});

describe('a read', () => {
  test('gives exactly the bytes asked for', () => {
    const whole = run('read', 'disk.qcow2', '0', '1M').stdout;
    expect(whole).toHaveLength(1024 * 1024);
    expect(run('read', 'disk.qcow2', '65000', '1000').stdout).toEqual(whole.subarray(65000, 66000));
    expect(run('read', 'disk.qcow2', '1M', '0').stdout).toHaveLength(0);
  });

  test('past the end of the disk is refused before anything is printed', () => {
    const ran = run('read', 'disk.qcow2', '1023k', '2k');
    expect(ran).toMatchObject({ status: 1 });
    expect(ran.stdout).toHaveLength(0);
    expect(ran.stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]*1048576[^\n]*\n$/);
  });
});

test('numbers beyond every disk are numbers', () => {
  const whole = run('map', '--output=json', 'disk.qcow2').stdout;
  expect(run('map', '--output=json', '-l', '7E', 'disk.qcow2').stdout).toEqual(whole);
  expect(run('map', '--output=json', '-s', '7E', 'disk.qcow2')).toMatchObject({ status: 0, stderr: '' });
  expect(run('read', 'disk.qcow2', '7E', '1').stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]*1048576[^\n]*\n$/);
});

test.runIf(process.platform === 'linux')('a full disk under the output is one line', () => {
  for (const args of ['--help', 'info disk.qcow2', 'map disk.qcow2', 'read disk.qcow2 0 64k']) {
    const command = `node ${CLI} ${args} >/dev/full`;
    const ran = spawnSync('bash', ['-c', command], { cwd: place.folder, encoding: 'utf8' });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^qcow2: standard output: [^\n]*ENOSPC[^\n]*\n$/);
  }
});

test('a relative json: name belongs to the folder of the process, as in QEMU', () => {
  const name = 'json:{"driver":"qcow2","file.filename":"disk.qcow2"}';
  image({ size: '1M', backing: { name, format: 'qcow2' } }).writeTo(place.path('named.qcow2'));
  const map = run('map', '--output=json', place.path('named.qcow2'));
  expect(JSON.parse(String(map.stdout))).toMatchObject([{ depth: 1, data: true }, { data: false }]);
  const elsewhere = cli(['map', place.path('named.qcow2')], { cwd: '/' });
  expect(elsewhere).toMatchObject({
    status: 1,
    stderr: `qcow2: ${place.path('named.qcow2')}: Backing file disk.qcow2: No such file\n`,
  });
});

test('a missing backing file fails what needs it, and info does not', () => {
  expect(run('info', 'orphan.qcow2').status).toBe(0);
  for (const verb of [['info', '--backing-chain'], ['map'], ['map', '--output=json']]) {
    const ran = run(...verb, 'orphan.qcow2');
    expect(ran).toMatchObject({
      status: 1,
      stderr: 'qcow2: orphan.qcow2: Backing file gone.qcow2: No such file\n',
    });
    expect(ran.stdout).toHaveLength(0);
  }
});

test('a reader that goes away is no error to talk about', () => {
  const pipe = `node ${CLI} read disk.qcow2 0 1M | head -c 10 >/dev/null; exit \${PIPESTATUS[0]}`;
  const ran = spawnSync('bash', ['-c', pipe], { cwd: place.folder, encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 141, stderr: '' });
});

test.runIf(process.platform === 'linux')('a process that may write the image is named', async () => {
  symlinkSync('disk.qcow2', place.path('link.qcow2'));
  const holder = spawn('qemu-io', [place.path('disk.qcow2')], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    // The prompt comes when the image is open.
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const ran = run('info', 'link.qcow2');
    expect(ran.status).toBe(0);
    expect(ran.stderr).toMatch(
      new RegExp(`^qcow2: link\\.qcow2: [^\\n]*qemu-io, pid ${holder.pid}[^\\n]*\\n$`),
    );
  } finally {
    const ended = new Promise((resolve) => holder.once('close', resolve));
    holder.stdin.end();
    await ended;
  }
  expect(run('info', 'link.qcow2').stderr).toBe('');
});
