/** `qcow2 check -r all` of a file that was cut off does not give up what a complete copy would bring back, unless told to. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { image } from '../support/imageBuilder';
import type { Ran } from '../support/process';
import { mustQemuIo, qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

const CLUSTER = 4096;
/** Far beyond every refcount. */
const NOWHERE = (1n << 63n) | 0x7000_0000n;

let place: Workspace;
const built = image({ clusterBits: 12, size: '1M' }).data(0, 8).build();
const whole = built.toBuffer();
const end = whole.length - 3 * CLUSTER;
const repair = (...args: string[]): Ran =>
  cli(['check', '-r', 'all', ...args, 'disk.qcow2'], { cwd: place.folder });
const disk = (): string => place.path('disk.qcow2');

/** @param change of the image, before it is cut off */
function cutOff(change: (bytes: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.from(whole);
  change(bytes);
  const cut = bytes.subarray(0, end);
  writeFileSync(disk(), cut);
  return cut;
}

beforeAll(() => {
  place = workspace();
});
afterAll(() => {
  place.remove();
});

test('is left as it is, says why and how to go on, and is whole again with the rest of the file', () => {
  const cut = cutOff();
  const { status, stderr } = repair();
  expect(status).toBe(qemuImg(['check', '-q', disk()]).status);
  expect(status).toBe(2);
  expect(stderr).toMatch(/disk\.qcow2: This file is incomplete: .* Copy it again before you repair it$/m);
  expect(stderr).toMatch(/Only leaks are repaired .* add --give-up-missing$/m);
  expect(readFileSync(disk()).equals(cut)).toBe(true);
  appendFileSync(disk(), whole.subarray(end));
  expect(qemuImg(['check', disk()]).status).toBe(0);
});

test('has its leaks repaired', () => {
  cutOff((bytes) => {
    bytes.writeUInt16BE(2, built.layout.refcountBlockOffsets[0]);
  });
  const { status, stdout } = repair('--output=json');
  expect(status).toBe(2);
  expect(JSON.parse(String(stdout))).toMatchObject({ corruptions: 3, 'leaks-fixed': 1 });
});

test('gives up what is missing where that is asked for, and is clean', () => {
  cutOff();
  const { status, stderr } = repair('--give-up-missing');
  expect(status).toBe(0);
  expect(stderr).toMatch(/^Lost: 12 KiB at guest offset 0x5000: /m);
  expect(qemuImg(['check', disk()]).status).toBe(0);
  mustQemuIo(disk(), ['read 0 20k', 'read -P 0 20k 12k']);
});

test('gives up an entry that leads to where never anything was', () => {
  const bytes = Buffer.from(whole);
  bytes.writeBigUInt64BE(NOWHERE, built.layout.l2Offsets.get(0));
  writeFileSync(disk(), bytes);
  expect(repair()).toMatchObject({ status: 0 });
  expect(qemuImg(['check', disk()]).status).toBe(0);
});

test('--give-up-missing without -r all is wrong usage', () => {
  cutOff();
  expect(cli(['check', '--give-up-missing', disk()]).status).toBe(64);
  expect(cli(['check', '-r', 'leaks', '--give-up-missing', disk()]).status).toBe(64);
});
