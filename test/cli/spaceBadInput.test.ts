/** Odd images and file systems: `space`, `shrink`, `compact` and `give-back` work, or say in one line why not. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { bitmapBits } from '../support/changes/bitmapBits';
import { Holder } from '../support/holder';
import { fill, image } from '../support/imageBuilder';
import { Kitchen } from '../support/matrix/recipe';
import { type Ran, run } from '../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const MIB = 2 ** 20;
const place = workspace();
/** Where file systems are mounted. */
const folder = place.path('disk');
const DISK = `${folder}/disk.qcow2`;
const isRoot = process.getuid?.() === 0;

fs.mkdirSync(folder);
afterAll(() => {
  place.remove();
});
beforeEach(() => {
  for (const name of fs.readdirSync(folder)) fs.rmSync(`${folder}/${name}`);
});

const verb = (...args: string[]): Ran => cli(args, { cwd: folder });
const length = (): number => fs.statSync(DISK).size;

function create(options: string, size = '16M'): void {
  mustQemuImg(['create', '-q', '-f', 'qcow2', ...(options === '' ? [] : ['-o', options]), DISK, size]);
}

/** An image that can be made smaller in every way. */
function createBloated(options = ''): void {
  create(options);
  mustQemuIo(DISK, [
    'write -P 1 0 4M',
    'write -P 0 4M 4M',
    'write -P 2 8M 4M',
    'write -z 1M 1M',
    'write -z 9M 1M',
  ]);
}

function guest(): Buffer {
  const raw = place.path('judge.raw');
  mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', DISK, raw]);
  return fs.readFileSync(raw);
}

function expectDone({ status, stderr }: Ran): void {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** It fails with one line that says why, and the image is as it was. */
function expectRefused(args: readonly string[], why: RegExp): void {
  const before = fs.readFileSync(DISK);
  const { status, stdout, stderr } = verb(...args, 'disk.qcow2');
  expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^qcow2: disk\.qcow2: [^\n]+\n$/);
  expect(stderr).toMatch(why);
  expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  expect(fs.readdirSync(folder).filter((name) => name.includes('journal'))).toEqual([]);
}

/** Shrinks and compacts the image: QEMU reads the same, and a second run finds nothing. */
function expectShrunk(...sources: string[]): void {
  const before = guest();
  const size = length();
  expectDone(verb('shrink', ...sources, '--compact', 'disk.qcow2'));
  expect(qemuImg(['check', DISK])).toMatchObject({ status: 0, stderr: '' });
  expect(guest().equals(before)).toBe(true);
  expect(length()).toBeLessThan(size);
  expect(String(verb('shrink', ...sources, 'disk.qcow2').stdout)).toBe('shrink: nothing to free\n');
  expect(String(verb('compact', 'disk.qcow2').stdout)).toBe('compact: nothing to compact\n');
}

describe('an image with', () => {
  test.each([
    ['refcounts of 1 bit', 'refcount_bits=1'],
    ['refcounts of 64 bits', 'refcount_bits=64'],
    ['512-byte clusters', 'cluster_size=512'],
    ['512-byte clusters and refcounts of 64 bits', 'cluster_size=512,refcount_bits=64'],
    ['2 MiB clusters', 'cluster_size=2M'],
    ['subclusters of 64 KiB', 'cluster_size=2M,extended_l2=on'],
    ['subclusters of 512 bytes', 'cluster_size=16k,extended_l2=on'],
    ['version 2', 'compat=0.10'],
  ])('%s is shrunk and compacted', (_, options) => {
    createBloated(options);
    expectShrunk('--zeroes', '--allocated-zeroes');
  });

  test('bitmaps keeps their bits', () => {
    create('');
    mustQemuImg(['bitmap', '--add', DISK, 'dirty']);
    mustQemuIo(DISK, ['write -P 1 0 4M', 'write -P 0 4M 4M', 'write -P 2 8M 4M']);
    const bits = bitmapBits(DISK);
    expectShrunk('--zeroes');
    expect(bitmapBits(DISK)).toEqual(bits);
  });

  test('VM state behind its end keeps it, or loses it', () => {
    createBloated('cluster_size=4k');
    const bytes = fs.readFileSync(DISK);
    bytes.writeBigUInt64BE(BigInt(8 * MIB), 24);
    for (const sources of [['--zeroes'], ['--vm-state']]) {
      fs.writeFileSync(DISK, bytes);
      expectShrunk(...sources);
    }
  });

  test('LUKS is not scanned and not compacted', () => {
    new Kitchen(folder).createEncrypted(
      'disk.qcow2',
      '4M',
      'encrypt.format=luks,encrypt.iter-time=10',
      'abc',
    );
    expectRefused(['shrink', '--zeroes'], /encrypted \(LUKS\)/);
    expectRefused(['shrink', '--zeroes', '--dry-run'], /encrypted \(LUKS\)/);
    expectRefused(['compact'], /Encrypted images cannot be compacted \(LUKS\)/);
    expectRefused(['compact', '--dry-run'], /Encrypted images cannot be compacted \(LUKS\)/);
    expectDone(verb('space', 'disk.qcow2'));
    const listed = verb('shrink', 'disk.qcow2');
    expectDone(listed);
    // Zeroes, what the backing file has as well, and what the guest does not use.
    expect(String(listed.stdout).match(/encrypted \(LUKS\)/g)).toHaveLength(3);
    expectRefused(['shrink', '--guest-free'], /encrypted \(LUKS\)/);
  });

  test('an unknown extension is shrunk, but not compacted', () => {
    image({ clusterBits: 12 }).data(0, 4).data(4, 4, fill(0)).extension(0x12345678, 'what').writeTo(DISK);
    const before = guest();
    expectDone(verb('shrink', '--zeroes', '--holes', 'disk.qcow2'));
    expect(guest().equals(before)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    expectRefused(['compact'], /unknown type 0x12345678/);
    expectRefused(['shrink', '--leaks', '--compact'], /unknown type 0x12345678/);
  });

  test('thousands of snapshots is looked at, shrunk and compacted', () => {
    const built = image({ clusterBits: 9, size: 512 * 256, order: { shuffledBy: 1 } });
    built.data(0, 16).data(16, 40, fill(0));
    for (let index = 0; index < 3000; index++) {
      built.data(index % 16);
      built.snapshot(`snapshot ${index}`);
    }
    built.data(100, 80).data(180, 40, fill(0)).writeTo(DISK);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    const lines = String(verb('space', 'disk.qcow2').stdout).split('\n');
    expect(lines.length).toBeGreaterThan(3000);
    expectShrunk('--zeroes');
  });
});

test('a base of others is compacted and given back from: they read the same', () => {
  createBloated();
  const top = `${folder}/top.qcow2`;
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', 'disk.qcow2', '-F', 'qcow2', top]);
  mustQemuIo(top, ['write -P 5 2M 1M']);
  const raw = place.path('top.raw');
  const read = (): Buffer => {
    mustQemuImg(['convert', '-O', 'raw', top, raw]);
    return fs.readFileSync(raw);
  };
  const before = read();
  mustQemuIo(DISK, ['discard 4M 4M']);
  expectDone(verb('compact', 'disk.qcow2'));
  expect(qemuImg(['check', DISK]).status).toBe(0);
  expectDone(verb('give-back', 'disk.qcow2'));
  expect(read().equals(before)).toBe(true);
});

describe('an image that QEMU has open', () => {
  test.each([
    ['for reading', ['-r'], /^$/],
    ['for writing', [], /^(qcow2: disk\.qcow2: [^\n]* open for writing; what is read may be out of date\n)$/],
  ])('%s is looked at, and not changed', async (_, options, said) => {
    createBloated();
    const holder = await Holder.open(DISK, ...options);
    try {
      for (const args of [
        ['space'],
        ['shrink'],
        ['shrink', '--zeroes', '--dry-run'],
        ['compact', '--dry-run'],
      ]) {
        const { status, stderr } = verb(...args, 'disk.qcow2');
        expect(status).toBe(0);
        expect.soft(stderr, args.join(' ')).toMatch(said);
      }
      for (const args of [
        ['shrink', '--zeroes'],
        ['shrink', '--leaks', '--compact'],
        ['compact'],
        ['give-back'],
      ])
        expectRefused(args, /locked|open/);
    } finally {
      await holder.end();
    }
  });
});

test('a damaged image is measured, and not changed', () => {
  createBloated();
  const bytes = fs.readFileSync(DISK);
  // The refcount of the L1 table.
  bytes.writeUInt16BE(0, 2 * 65536 + 2 * 3);
  fs.writeFileSync(DISK, bytes);
  expect(qemuImg(['check', DISK]).status).toBe(2);
  const { stdout } = verb('space', 'disk.qcow2');
  expect(String(stdout)).toContain('data');
  for (const args of [
    ['shrink'],
    ['shrink', '--zeroes'],
    ['compact'],
    ['compact', '--dry-run'],
    ['give-back'],
  ])
    expectRefused(args, /damaged/);
});

describe.skipIf(!isRoot)('on a file system', () => {
  const mount = (...args: string[]): void => {
    expect(run('mount', [...args, folder])).toMatchObject({ status: 0 });
  };
  afterEach(() => {
    run('umount', [folder]);
  });

  test('that is mounted read-only, images are looked at, and not changed', () => {
    mount('-t', 'tmpfs', 'tmpfs');
    createBloated();
    mount('-o', 'remount,ro');
    for (const args of [
      ['space'],
      ['shrink'],
      ['shrink', '--zeroes', '--dry-run'],
      ['compact', '--dry-run'],
    ]) {
      expectDone(verb(...args, 'disk.qcow2'));
    }
    for (const args of [['shrink', '--zeroes'], ['compact'], ['give-back']]) expectRefused(args, /read-only/);
  });

  test('without holes, what can be is done', () => {
    mount('-t', 'ramfs', 'ramfs');
    createBloated();
    expectDone(verb('space', 'disk.qcow2'));
    const before = guest();
    const holes = verb('shrink', '--zeroes', '--holes', 'disk.qcow2');
    expect(holes.status).toBe(0);
    expect(guest().equals(before)).toBe(true);
    expectShrunk('--allocated-zeroes');
  });

  test('that is almost full, images are left as they are', () => {
    mount('-t', 'tmpfs', '-o', 'size=32m', 'tmpfs');
    createBloated();
    expectDone(verb('shrink', '--zeroes', '--allocated-zeroes', 'disk.qcow2'));
    // What is free takes no storage, so that a copy needs room.
    run('fallocate', ['--dig-holes', DISK]);
    const { bavail, bsize } = fs.statfsSync(folder);
    fs.writeFileSync(`${folder}/ballast`, Buffer.alloc(bavail * bsize - 65536));
    const before = guest();
    for (const args of [['compact'], ['shrink', '--zeroes', '--compact']]) {
      const { status, stdout, stderr } = verb(...args, 'disk.qcow2');
      expect(status).toBe(1);
      expect(String(stdout)).toMatch(
        args.length === 1 ? /^$/ : /^shrink: nothing to free; .* \(as before\)\n$/,
      );
      expect(stderr).toMatch(/^qcow2: disk\.qcow2: Not compacted any further: [^\n]+\n$/);
      expect(guest().equals(before)).toBe(true);
      expect(qemuImg(['check', DISK]).status).toBe(0);
      expect(fs.readdirSync(folder).sort()).toEqual(['ballast', 'disk.qcow2']);
    }
  });
});
