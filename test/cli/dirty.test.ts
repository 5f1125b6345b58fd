/** Images whose writer was killed with lazy refcounts: verbs that change an image rebuild the refcounts first. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import type { Ran } from '../support/process';
import { abortQemuIo, mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');
const KIB = 1024;
const LINE = /^qcow2: .*disk\.qcow2: Not closed properly \(dirty\): its refcounts are rebuilt first\n$/;

afterAll(() => {
  place.remove();
});

beforeEach(() => {
  for (const name of fs.readdirSync(place.folder)) fs.rmSync(place.path(name));
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on,cluster_size=4k', DISK, '4M']);
  abortQemuIo(DISK, ['write -P 5 0 100k', 'write -P 6 1M 64k', 'flush']);
});

const run = (args: readonly string[], input = ''): Ran => cli(args, { cwd: place.folder, input });

function guest(): Buffer {
  mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', DISK, place.path('disk.raw')]);
  return fs.readFileSync(place.path('disk.raw'));
}

const isDirty = (): boolean => (fs.readFileSync(DISK)[79]! & 1) !== 0;

const VERBS: readonly (readonly [verb: string, args: readonly string[], input: string])[] = [
  ['write', ['write', 'disk.qcow2', '3M'], 'x'.repeat(5000)],
  ['write-zeroes', ['write-zeroes', '--unmap', 'disk.qcow2', '0', '64k'], ''],
  ['discard', ['discard', 'disk.qcow2', '0', '64k'], ''],
  ['batch', ['batch', 'disk.qcow2'], 'discard 0 64k\nwrite 3M 7878\n'],
  ['rebase', ['rebase', '--format=raw', 'disk.qcow2', 'base.raw'], ''],
  ['give-back', ['give-back', 'disk.qcow2'], ''],
  ['compact', ['compact', 'disk.qcow2'], ''],
];

describe.each(VERBS)('%s of an image that was not closed', (verb, args, input) => {
  test('rebuilds its refcounts in the same save, and says so in one line', () => {
    fs.writeFileSync(place.path('base.raw'), Buffer.alloc(4 * KIB * KIB));
    expect(isDirty()).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(2);
    const before = guest();
    const { status, stderr } = run(args, input);
    expect(stderr).toMatch(LINE);
    expect(status).toBe(0);
    expect(isDirty()).toBe(false);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    expect(fs.readdirSync(place.folder).filter((name) => name.includes('journal'))).toEqual([]);
    const after = guest();
    if (['write-zeroes', 'discard', 'batch'].includes(verb)) before.fill(0, 0, 64 * KIB);
    if (verb === 'write') before.fill('x', 3 * KIB * KIB, 3 * KIB * KIB + 5000);
    if (verb === 'batch') before.fill('x', 3 * KIB * KIB, 3 * KIB * KIB + 2);
    expect(after.equals(before)).toBe(true);
  });

  test('is refused as before where there is other damage', () => {
    // An L2 entry that is not aligned.
    const bytes = fs.readFileSync(DISK);
    const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n);
    bytes.writeUInt32BE(bytes.readUInt32BE(l2 + 4) | 0x200, l2 + 4);
    fs.writeFileSync(DISK, bytes);
    const { status, stderr } = run(args, input);
    expect(status).toBe(1);
    expect(stderr).toMatch(/not closed cleanly \(dirty\)/);
    expect(fs.readFileSync(DISK).equals(bytes)).toBe(true);
  });
});

test('what snapshots hold stays as it is', () => {
  mustQemuIo(DISK, ['write -P 3 2M 64k']);
  mustQemuImg(['snapshot', '-c', 'kept', DISK]);
  abortQemuIo(DISK, ['write -P 5 0 200k', 'discard 2M 32k', 'flush']);
  const snapshot = (): Buffer => {
    mustQemuImg(['convert', '-l', 'kept', '-f', 'qcow2', '-O', 'raw', DISK, place.path('kept.raw')]);
    return fs.readFileSync(place.path('kept.raw'));
  };
  const before = snapshot();
  const ran = run(['write-zeroes', '--unmap', 'disk.qcow2', '0', '2M']);
  expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(LINE) as string });
  expect(qemuImg(['check', DISK]).status).toBe(0);
  expect(snapshot().equals(before)).toBe(true);
});

test('an image that is corrupt as well as dirty is refused', () => {
  const bytes = fs.readFileSync(DISK);
  bytes[79]! |= 2;
  fs.writeFileSync(DISK, bytes);
  expect(run(['discard', 'disk.qcow2', '0', '64k'])).toMatchObject({ status: 1 });
  expect(fs.readFileSync(DISK).equals(bytes)).toBe(true);
});

test('a change that is refused leaves the image dirty', () => {
  const bytes = fs.readFileSync(DISK);
  expect(run(['discard', 'disk.qcow2', '8M', '64k'])).toMatchObject({ status: 1 });
  expect(fs.readFileSync(DISK).equals(bytes)).toBe(true);
});

test('a dirty image whose refcounts are right is changed too', () => {
  mustQemuImg(['check', '-q', '-r', 'all', DISK]);
  const bytes = fs.readFileSync(DISK);
  bytes[79]! |= 1;
  fs.writeFileSync(DISK, bytes);
  expect(run(['discard', 'disk.qcow2', '0', '64k'])).toMatchObject({ status: 0 });
  expect(isDirty()).toBe(false);
  expect(qemuImg(['check', DISK]).status).toBe(0);
});
