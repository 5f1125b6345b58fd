/** An external data file outside the image's folder is written only if that is allowed. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import type { Ran } from '../support/process';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

const OPTION = '--allow-external-data-file';

let place: Workspace;
let image: string;

beforeEach(() => {
  place = workspace();
  mkdirSync(place.path('images/data'), { recursive: true });
  mkdirSync(place.path('home'));
  image = place.path('images/disk.qcow2');
});

afterEach(() => {
  place.remove();
});

/** An image whose data is in the file of that path. */
function create(data: string): void {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${data},data_file_raw=on`, image, '4M']);
  mustQemuIo(image, ['write -P 1 0 4M']);
}

const CHANGES: readonly (readonly [verb: string, args: readonly string[], input: string])[] = [
  ['write-zeroes', ['0', '1M'], ''],
  ['discard', ['0', '1M'], ''],
  ['write', ['0'], 'text'],
  ['batch', [], 'write 0 41424344\n'],
];

const change = (verb: string, args: readonly string[], input: string, ...options: string[]): Ran =>
  cli([verb, ...options, image, ...args], { cwd: place.path('images'), input });

describe.each(CHANGES)('%s', (verb, args, input) => {
  test('refuses to write a data file elsewhere, by its full path, until it is allowed to', () => {
    const data = place.path('home/precious.raw');
    create(data);
    const before = { data: readFileSync(data), image: readFileSync(image) };
    const { status, stderr } = change(verb, args, input);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `qcow2: ${image}: The guest data would be written to the external data file ${data}, ` +
        `outside the folder of the image: allow it with ${OPTION}\n`,
    );
    expect(readFileSync(data).equals(before.data)).toBe(true);
    expect(readFileSync(image).equals(before.image)).toBe(true);
    expect(change(verb, args, input, OPTION)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(data).equals(before.data)).toBe(false);
  });

  test.each(['images/disk.raw', 'images/data/disk.raw'])('writes one in its own folder: %s', (name) => {
    create(place.path(name));
    expect(change(verb, args, input)).toMatchObject({ status: 0, stderr: '' });
  });

  test('is not deceived by a link in its own folder', () => {
    writeFileSync(place.path('home/precious.raw'), '');
    symlinkSync('../home/precious.raw', place.path('images/disk.raw'));
    create(place.path('images/disk.raw'));
    const { status, stderr } = change(verb, args, input);
    expect(status).toBe(1);
    expect(stderr).toContain(place.path('home/precious.raw'));
  });
});

test('verbs that leave the data file alone ask nothing', () => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${place.path('home/disk.raw')}`, image, '4M']);
  mustQemuImg(['create', '-q', '-f', 'qcow2', place.path('images/base.qcow2'), '4M']);
  for (const args of [
    ['rebase', image, 'base.qcow2'],
    ['check', '-r', 'all', image],
    ['give-back', image],
    ['compact', image],
  ]) {
    const ran = cli(args, { cwd: place.path('images') });
    expect([args[0], ran.status]).toEqual([args[0], 0]);
    expect(ran.stderr).not.toContain('allow');
  }
});
