/** `rebase` as a script sees it: the header names another file, and QEMU agrees. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import type { Ran } from '../support/process';
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
        '63 clusters (3.94 MiB) that the image does not have show what that file has; its content was not looked at\n',
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

  test('mends an image whose backing file is gone', () => {
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
    expect(stderr).toContain("--format is needed: 'not/there.img' cannot be looked at from here");
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
});
