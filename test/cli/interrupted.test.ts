/** Images whose last save was interrupted, on the command line. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeSaverToKill } from '../faults/saverToKill';
import { cli } from '../support/cli';
import { forgeJournal } from '../support/forgedJournal';
import { run, type Ran } from '../support/process';
import { mustQemuImg, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const disk = place.path('disk.qcow2');
const journal = `${disk}-journal`;
/** A call of the disk at which the save has changed some of the image. */
const HALF_WAY = 12;

let before: string;
let after: string;
let program: string;

const command = (...args: string[]): Ran => cli(args, { cwd: place.folder });

afterAll(() => {
  place.remove();
});

beforeAll(async () => {
  ({ before, after, program } = await makeSaverToKill(place));
});

beforeEach(() => {
  fs.rmSync(journal, { force: true, recursive: true });
  fs.copyFileSync(before, disk);
  run('node', [program, disk, after, String(HALF_WAY)]);
  expect(fs.existsSync(journal)).toBe(true);
});

test('what reads shows the image as it was before, says so, and changes nothing', () => {
  const now = [fs.readFileSync(disk), fs.readFileSync(journal)];
  const map = command('map', '--output=json', 'disk.qcow2');
  expect(map).toMatchObject({
    status: 0,
    stderr: 'qcow2: disk.qcow2: A save was interrupted: the image is shown as it was before\n',
  });
  expect(JSON.parse(String(map.stdout))).toEqual(
    JSON.parse(String(mustQemuImg(['map', '--output=json', before]))),
  );
  const { stdout } = command('read', 'disk.qcow2', '0', '8M');
  mustQemuImg(['convert', '-O', 'raw', before, place.path('before.raw')]);
  expect(stdout.equals(fs.readFileSync(place.path('before.raw')))).toBe(true);
  const dirty = command('info', '--output=json', 'disk.qcow2');
  expect(JSON.parse(String(dirty.stdout))).toMatchObject({ 'format-specific': { data: { corrupt: false } } });
  expect([fs.readFileSync(disk), fs.readFileSync(journal)].every((bytes, at) => bytes.equals(now[at]!))).toBe(
    true,
  );
});

test('QEMU refuses to write it meanwhile, and recover brings back the first image', () => {
  expect(run('qemu-io', ['-c', 'write 0 4k', disk]).stderr).toContain('corrupt');
  expect(command('recover', 'disk.qcow2')).toMatchObject({ status: 0, stderr: '' });
  expect(fs.readFileSync(disk).equals(fs.readFileSync(before))).toBe(true);
  expect(fs.existsSync(journal)).toBe(false);
});

test('what changes recovers it first, and says so', () => {
  const ran = command('write-zeroes', '--unmap', 'disk.qcow2', '0', '4k');
  expect(ran).toMatchObject({
    status: 0,
    stderr: 'qcow2: disk.qcow2: a save was interrupted; the image is as it was before that save\n',
  });
  expect(qemuImg(['check', disk]).status).toBe(0);
  expect(fs.existsSync(journal)).toBe(false);
});

test('where another program has written since, it is shown as it is, not recovered, and the journal kept', () => {
  const descriptor = fs.openSync(disk, 'r+');
  const journaled = fs.readFileSync(after);
  // A sector of an L2 table, which the save was about to write.
  const place = [...Array(journaled.length / 512).keys()].find(
    (sector) =>
      sector > 0 &&
      !journaled
        .subarray(sector * 512, sector * 512 + 512)
        .equals(fs.readFileSync(before).subarray(sector * 512, sector * 512 + 512)),
  )!;
  fs.writeSync(descriptor, Buffer.alloc(512, 0x77), 0, 512, place * 512);
  fs.closeSync(descriptor);
  const now = fs.readFileSync(disk);
  expect(command('info', 'disk.qcow2').stderr).toContain('shown as the save left it');
  const refused = command('recover', 'disk.qcow2');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/^qcow2: [^\n]+\n$/);
  expect(command('write-zeroes', 'disk.qcow2', '0', '4k').status).toBe(1);
  expect(fs.readFileSync(disk).equals(now)).toBe(true);
  expect(command('recover', '--discard', 'disk.qcow2').status).toBe(0);
  expect(fs.existsSync(journal)).toBe(false);
});

test('a journal of another version is not thrown away, unless the user says so', () => {
  const descriptor = fs.openSync(journal, 'r+');
  fs.writeSync(descriptor, 'qcow2-journal 7\n', 0);
  fs.closeSync(descriptor);
  const ran = command('recover', 'disk.qcow2');
  expect(ran).toMatchObject({ status: 1 });
  expect(ran.stderr).toMatch(/^qcow2: [^\n]*version 7[^\n]*\n$/);
  expect(command('discard', 'disk.qcow2', '0', '64k').status).toBe(1);
  expect(fs.existsSync(journal)).toBe(true);
  expect(command('recover', '--discard', 'disk.qcow2').status).toBe(0);
  expect(fs.existsSync(journal)).toBe(false);
});

describe('what only has the name of the journal', () => {
  const kinds: readonly [string, () => unknown, RegExp][] = [
    ['a FIFO', () => run('mkfifo', [journal]), /A save needs this name for its journal, but it is a FIFO/],
    [
      'a directory',
      () => {
        fs.mkdirSync(journal);
      },
      /A save needs this name for its journal, but it is a directory/,
    ],
    [
      'a link to nothing',
      () => {
        fs.symlinkSync('nowhere', journal);
      },
      /A save needs this name for its journal, but it is a symbolic link/,
    ],
    [
      'a link to a file',
      () => {
        fs.symlinkSync(after, journal);
      },
      /A save needs this name for its journal, but it is a symbolic link/,
    ],
    [
      'a socket',
      () =>
        run('python3', [
          '-c',
          `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(journal)})`,
        ]),
      /A save needs this name for its journal, but it is a socket/,
    ],
    [
      'a note',
      () => {
        fs.writeFileSync(journal, 'Monday: bought milk\n');
      },
      /A save needs this name for its journal, but the file is not a journal/,
    ],
  ];

  test.each(kinds)('%s is named in one line; reading goes on, changing does not', (kind, make, words) => {
    fs.rmSync(journal, { recursive: true });
    fs.copyFileSync(before, disk);
    make();
    const named = new RegExp(`^qcow2: [^\\n]*disk\\.qcow2-journal: ${words.source}[^\\n]*\\n$`);
    for (const ran of [command('info', 'disk.qcow2'), command('check', 'disk.qcow2')]) {
      expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(named) as unknown });
    }
    for (const args of [['recover'], ['write-zeroes', '--unmap']]) {
      const ran = command(...args, 'disk.qcow2', ...(args.length > 1 ? ['0', '4k'] : []));
      expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(named) as unknown });
    }
    const discarded = command('recover', '--discard', 'disk.qcow2');
    const isFile = kind === 'a note';
    expect(discarded.status).toBe(isFile ? 0 : 1);
    expect(fs.lstatSync(journal, { throwIfNoEntry: false }) === undefined).toBe(isFile);
    expect(fs.existsSync(after)).toBe(true);
    expect(fs.readFileSync(disk).equals(fs.readFileSync(before))).toBe(true);
  });
});

test('a journal from elsewhere never has a file of yours overwritten that you have not allowed by name', () => {
  fs.rmSync(journal);
  const diary = place.path('diary.txt');
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${diary},data_file_raw=on`, disk, '64k']);
  const content = Buffer.from('Dear diary\n'.padEnd(65536, '.'));
  fs.writeFileSync(diary, content);
  const writer = { host: 'elsewhere', boot: '', pid: 1, started: '' };
  const identity = { device: '1', inode: '7', links: 1 };
  forgeJournal({ image: disk, target: diary, content: new Uint8Array(512), writer, identity });
  for (const options of [[], ['--other-machine']]) {
    const ran = command('recover', ...options, 'disk.qcow2');
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/^qcow2: [^\n]+\n$/) as unknown });
  }
  expect(command('recover', '--other-machine', 'disk.qcow2').stderr).toContain(diary);
  expect(command('recover', '--allow-external-data-file', 'disk.qcow2').status).toBe(1);
  expect(fs.readFileSync(diary).equals(content)).toBe(true);
  expect(command('recover', '--other-machine', '--allow-external-data-file', 'disk.qcow2').status).toBe(0);
  expect(fs.readFileSync(diary).equals(content)).toBe(false);
});
