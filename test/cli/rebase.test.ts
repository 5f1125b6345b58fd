/** `rebase` as a script sees it: the header has the new name, and QEMU agrees. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CLI, cli } from '../support/cli';
import { type Ran, run as shell } from '../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');

afterAll(() => {
  place.remove();
});

beforeEach(() => {
  for (const [name, pattern] of [
    ['one.qcow2', 1],
    ['two.qcow2', 2],
  ] as const) {
    mustQemuImg(['create', '-q', '-f', 'qcow2', place.path(name), '4M']);
    mustQemuIo(place.path(name), [`write -P ${pattern} 0 4M`]);
  }
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', 'one.qcow2', '-F', 'qcow2', DISK], { cwd: place.folder });
  mustQemuIo(DISK, ['write -P 9 1M 64k']);
});

const run = (...args: string[]): Ran => cli(['rebase', ...args], { cwd: place.folder });

const info = (): Record<string, unknown> =>
  JSON.parse(String(mustQemuImg(['info', '--output=json', DISK]))) as Record<string, unknown>;

describe('rebase', () => {
  test('names another file, takes the format from its content, and says that it looked no further', () => {
    const { status, stdout, stderr } = run('disk.qcow2', 'two.qcow2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout)).toBe(
      'rebase: backing file two.qcow2 (qcow2), was one.qcow2 (qcow2); ' +
        '63 clusters (3.94 MiB) that the image does not hold now come from that file, whose content was not compared\n',
    );
    expect(info()).toMatchObject({ 'backing-filename': 'two.qcow2', 'backing-filename-format': 'qcow2' });
    mustQemuIo(DISK, ['read -P 2 0 1M', 'read -P 9 1M 64k']);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    expect(fs.readdirSync(place.folder).filter((name) => name.includes('journal'))).toEqual([]);
  });

  test('without BACKING takes the backing file away', () => {
    expect(String(run('disk.qcow2').stdout)).toContain('rebase: backing file none, was one.qcow2 (qcow2); ');
    expect(info()['backing-filename']).toBeUndefined();
    mustQemuIo(DISK, ['read -P 0 0 1M', 'read -P 9 1M 64k']);
  });

  test('repairs an image whose backing file is gone', () => {
    fs.renameSync(place.path('one.qcow2'), place.path('moved.qcow2'));
    expect(run('disk.qcow2', 'moved.qcow2')).toMatchObject({ status: 0, stderr: '' });
    mustQemuIo(DISK, ['read -P 1 0 1M']);
  });

  test('takes any name with --format, there or not', () => {
    expect(run('--format=raw', 'disk.qcow2', 'not/there.img').status).toBe(0);
    expect(info()).toMatchObject({ 'backing-filename': 'not/there.img', 'backing-filename-format': 'raw' });
  });

  test('is wrong usage where the format cannot be told, and says that it is unsafe', () => {
    const { status, stderr } = run('disk.qcow2', 'not/there.img');
    expect(status).toBe(64);
    expect(stderr).toContain("--format is needed: 'not/there.img' cannot be probed from here");
    expect(stderr).toContain('unsafe, as qemu-img rebase -u');
    expect(run('--format=raw', 'disk.qcow2').status).toBe(64);
    expect(run().status).toBe(64);
    expect(info()['backing-filename']).toBe('one.qcow2');
  });

  test('refuses a cycle, and leaves the image as it is', () => {
    const before = fs.readFileSync(DISK);
    const { status, stderr } = run('disk.qcow2', 'disk.qcow2');
    expect(status).toBe(1);
    expect(stderr).toContain('it is a cycle');
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  test("takes the backing file away with '', as qemu-img does", () => {
    expect(run('disk.qcow2', '')).toMatchObject({ status: 0, stderr: '' });
    expect(info()['backing-filename']).toBeUndefined();
    mustQemuIo(DISK, ['read -P 0 0 1M', 'read -P 9 1M 64k']);
  });

  test('names a file with a colon so that it can be opened', () => {
    fs.renameSync(place.path('two.qcow2'), place.path('a:b.qcow2'));
    expect(run('disk.qcow2', 'a:b.qcow2')).toMatchObject({ status: 0, stderr: '' });
    expect(info()['backing-filename']).toBe('./a:b.qcow2');
    mustQemuIo(DISK, ['read -P 2 0 1M']);
  });
});

describe('a backing file that cannot be opened', () => {
  test('is told as what it is, with the image that names it', () => {
    fs.rmSync(place.path('one.qcow2'));
    const base = place.path('one.qcow2');
    for (const args of [
      ['map', DISK],
      ['read', DISK, '0', '1'],
      ['write-zeroes', DISK, '0', '1k'],
    ]) {
      const { status, stderr } = cli(args);
      expect(status).toBe(1);
      expect(stderr).toBe(`qcow2: ${DISK}: Backing file ${base}: No such file\n`);
    }
  });

  test('because too many files are open is told of that file, not of the image', () => {
    fs.copyFileSync(DISK, place.path('layer0.qcow2'));
    for (let layer = 1; layer <= 60; layer++) {
      const backing = `layer${layer - 1}.qcow2`;
      mustQemuImg(
        ['create', '-q', '-f', 'qcow2', '-u', '-b', backing, '-F', 'qcow2', `layer${layer}.qcow2`, '4M'],
        {
          cwd: place.folder,
        },
      );
    }
    const { stderr } = shell(
      'sh',
      ['-c', `ulimit -n 50; exec "${process.execPath}" "${CLI}" map layer60.qcow2`],
      {
        cwd: place.folder,
      },
    );
    expect(stderr).toMatch(
      /^qcow2: \S*layer(\d+)\.qcow2: Backing file layer\d+\.qcow2: Cannot be opened: EMFILE: too many open files\n$/,
    );
    expect(stderr).not.toContain('layer60.qcow2');
  });
});

test('a file whose name is not UTF-8 is refused with what to do', () => {
  const { status, stderr } = shell('sh', [
    '-c',
    `cp "${DISK}" "${place.folder}/$(printf '\\351').qcow2" && exec "${process.execPath}" "${CLI}" info "${place.folder}/$(printf '\\351').qcow2"`,
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/: The file name is not valid UTF-8 and cannot be opened: rename the file\n$/);
});
