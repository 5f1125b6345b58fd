/** Names from images and of files reach a terminal as text, without escapes, line ends or changes of direction. */
import { copyFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { DamagedFile } from '../support/damagedFile';
import { EXTENSION, image } from '../support/imageBuilder';
import type { Ran } from '../support/process';
import type { Workspace } from '../support/workspace';
import { workspace } from '../support/workspace';

/** Sets a window's title, clears the screen, begins a line, reverses what follows. */
const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u009b31m\nqcow2: all is well\r\u202egpj\u2066\u200b';
const SHOWN = '\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\x0aqcow2: all is well\\x0d\\u202egpj\\u2066\\u200b';

/** What a terminal would obey, or not show; the line ends are ours. */
const OBEYED = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\u200b\u202a-\u202e\u2066-\u2069]/u;

let place: Workspace;
const run = (...args: string[]): Ran => cli(args, { cwd: place.folder });

const name = `n${HOSTILE}`;
const disk = `disk${HOSTILE}.qcow2`;

beforeAll(() => {
  place = workspace();
  image({ size: '1M' })
    .data(0, 2)
    .writeTo(place.path(`base${HOSTILE}`));
  image({ size: '1M', backing: { name: `base${HOSTILE}`, format: 'qcow2' } })
    .data(0, 2)
    .snapshot(name)
    .data(1)
    .bitmap(name)
    .extension(EXTENSION.featureNameTable, Buffer.concat([Buffer.from([0, 9]), Buffer.alloc(46, name)]))
    .writeTo(place.path(disk));
  image({ size: '1M', backing: { name: `gone${HOSTILE}`, format: HOSTILE } }).writeTo(
    place.path('gone.qcow2'),
  );
  image({ size: '1M', dataFile: { name: `gone${HOSTILE}` } }).writeTo(place.path('data.qcow2'));
  image({ size: '1M', incompatible: 1n << 9n })
    .extension(EXTENSION.featureNameTable, Buffer.concat([Buffer.from([0, 9]), Buffer.alloc(46, name)]))
    .writeTo(place.path('features.qcow2'));
  copyFileSync(place.path(disk), place.path('damaged.qcow2'));
  DamagedFile.do(place.path('damaged.qcow2'), (file) => file.leak(1));
});
afterAll(() => {
  place.remove();
});

describe('what people read', () => {
  test.each(
    [
      ['info', disk],
      ['info', '--backing-chain', disk],
      ['info', '--backing-chain', 'gone.qcow2'],
      ['info', 'data.qcow2'],
      ['info', 'features.qcow2'],
      ['map', disk],
      ['map', 'gone.qcow2'],
      ['map', 'data.qcow2'],
      ['check', disk],
      ['check', 'damaged.qcow2'],
      ['check', '-r', 'all', 'damaged.qcow2'],
      ['check', 'data.qcow2'],
      ['read', 'gone.qcow2', '0', '1'],
      ['write-zeroes', 'gone.qcow2', '0', '64k'],
      ['rebase', 'gone.qcow2', `other${HOSTILE}`],
      ['rebase', '--format=raw', 'gone.qcow2', `other${HOSTILE}`],
      ['rebase', `--format=${HOSTILE}`, 'gone.qcow2', 'other'],
      ['give-back', '--dry-run', 'data.qcow2'],
      ['recover', disk],
      ['info', `missing${HOSTILE}`],
      ['info', `--${HOSTILE}`, disk],
      ['map', `--start-offset=${HOSTILE}`, disk],
      ['check', '-r', HOSTILE, disk],
      [HOSTILE, disk],
      ['info', '--debug', 'features.qcow2'],
      ['info', '--debug', `missing${HOSTILE}`],
    ].map((args) => ({ args, title: JSON.stringify(args.join(' ').replaceAll(HOSTILE, '…')) })),
  )('of $title', ({ args }) => {
    const { stdout, stderr } = run(...args);
    const text = `${String(stdout)}${stderr}`;
    expect(text).not.toBe('');
    expect(text).not.toMatch(OBEYED);
    expect(text).not.toMatch(/^qcow2: all is well/m);
  });

  test('says what the name really is', () => {
    const text = String(run('info', disk).stdout);
    expect(text).toContain(`image: disk${SHOWN}.qcow2\n`);
    expect(text).toContain(`backing file: base${SHOWN}\n`);
  });
});

test('JSON has the raw names, escaped as JSON does', () => {
  const json = String(run('info', '--output=json', disk).stdout);
  expect(json).toMatch(/^[\n\x20-\x7e]*$/);
  expect(JSON.parse(json)).toMatchObject({
    filename: disk,
    'backing-filename': `base${HOSTILE}`,
    snapshots: [{ name }],
  });
});
