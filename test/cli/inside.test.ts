/** `qcow2 ls`, `cat`, `cp`, `df` and `shrink --guest-free` on a disk with a boot partition and a system. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { command } from '../support/command';
import { EXT_START, makePartitionedDisk } from '../support/guest/partitioned';
import { must, type Ran, run } from '../support/process';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const HOSTILE = 'evil\u001b[31m\u202egpj.txt';

beforeAll(() => {
  const tree = place.path('tree');
  fs.mkdirSync(`${tree}/etc/deep/er`, { recursive: true });
  fs.mkdirSync(`${tree}/usr/lib`, { recursive: true });
  fs.writeFileSync(`${tree}/usr/lib/os-release`, 'NAME="Guest"\n', { mode: 0o644 });
  fs.symlinkSync('../usr/lib/os-release', `${tree}/etc/os-release`);
  fs.symlinkSync('../../../../outside', `${tree}/etc/escape`);
  fs.writeFileSync(`${tree}/etc/shadow`, 'secret', { mode: 0o600 });
  fs.writeFileSync(`${tree}/etc/deep/er/file`, 'deep');
  fs.writeFileSync(`${tree}/${HOSTILE}`, 'x');
  fs.utimesSync(`${tree}/etc/shadow`, 0, Date.UTC(2024, 2, 1, 12, 30, 59) / 1000);
  makePartitionedDisk(place.folder, tree);
});

afterAll(() => {
  place.remove();
});

const qcow2 = (...args: string[]): Promise<Ran> => command(place.folder, ...args);

async function text(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await qcow2(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return String(stdout);
}

async function failure(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await qcow2(...args);
  expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
  return stderr;
}

describe('ls', () => {
  test('lists the roots of all file systems, and folders', async () => {
    expect(await text('ls', 'disk.qcow2')).toBe(
      String.raw`1:/:
EFI/

2:/:
etc/
evil\x1b[31m\u202egpj.txt
lost+found/
usr/
`,
    );
    expect(await text('ls', 'disk.qcow2', '2:/etc')).toBe('deep/\nescape\nos-release\nshadow\n');
  });

  test('is found without its partition where only one file system has it', async () => {
    expect(await text('ls', 'disk.qcow2', '/efi/boot')).toBe('BOOTX64.EFI\n');
    expect(await failure('ls', 'disk.qcow2', '/')).toBe(
      'qcow2: disk.qcow2: /: / is in several file systems (1, 2): begin the path with one of them, as in 1:/etc\n',
    );
  });

  test('-l shows what a file is', async () => {
    const lines = (await text('ls', '-l', 'disk.qcow2', '2:/etc')).split('\n');
    expect(lines[3]).toMatch(/^-rw------- +0 +0 +6 {2}2024-03-01 12:30:59 {2}shadow$/);
    expect(lines[2]).toMatch(/^lrwxrwxrwx .* os-release -> \.\.\/usr\/lib\/os-release$/);
    expect(lines[0]).toMatch(/^drwx.* deep\/$/);
  });

  test('-R lists folders within folders', async () => {
    expect(await text('ls', '-R', 'disk.qcow2', '2:/etc/deep')).toBe(
      '2:/etc/deep:\ner/\n\n2:/etc/deep/er:\nfile\n',
    );
  });

  test('as JSON has paths that can be asked for, and names as they are', async () => {
    const files = JSON.parse(await text('ls', '-R', '--output=json', 'disk.qcow2', '2:/')) as {
      path: string;
      type: string;
      size: number;
      target?: string;
    }[];
    expect(files.map(({ path }) => path)).toContain(`2:/${HOSTILE}`);
    expect(files.find(({ path }) => path === '2:/etc/os-release')).toMatchObject({
      type: 'link',
      target: '../usr/lib/os-release',
    });
    const shadow = files.find(({ path }) => path === '2:/etc/shadow');
    expect(shadow).toMatchObject({
      type: 'file',
      size: 6,
      mode: '0600',
      modified: '2024-03-01T12:30:59.000Z',
    });
  });

  test('says what is not there', async () => {
    expect(await failure('ls', 'disk.qcow2', '3:/')).toBe(
      'qcow2: disk.qcow2: 3:/: The disk has no partition or volume 3 (it has 1, 2)\n',
    );
    expect(await failure('cat', 'disk.qcow2', '2:/none')).toBe(
      'qcow2: disk.qcow2: 2:/none: No such file or folder\n',
    );
    mustQemuImg(['create', '-q', '-f', 'qcow2', place.path('empty.qcow2'), '1M']);
    expect(await failure('ls', 'empty.qcow2')).toMatch(/^qcow2: empty\.qcow2: /);
  });
});

describe('cat', () => {
  test('prints a file, through links', async () => {
    expect(await text('cat', 'disk.qcow2', '/etc/os-release')).toBe('NAME="Guest"\n');
    expect(await failure('cat', 'disk.qcow2', '2:/etc')).toContain('Not a file');
  });
});

describe('cp', () => {
  test('copies a folder, and leaves nothing outside it', async () => {
    const { status, stdout, stderr } = await qcow2('cp', 'disk.qcow2', '2:/', 'copy');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout)).toBe(
      'cp: 4 files, 24 B; 6 folders; 1 link; 1 link written as a note; 1 name changed\n',
    );
    expect(fs.readFileSync(place.path('copy/etc/os-release'), 'utf8')).toBe('NAME="Guest"\n');
    expect(fs.readFileSync(place.path('copy/etc/escape'), 'utf8')).toBe(
      'Symbolic link to ../../../../outside\n',
    );
    expect(fs.readFileSync(place.path('copy/evil_[31m_gpj.txt'), 'utf8')).toBe('x');
    const again = await qcow2('cp', 'disk.qcow2', '2:/', 'copy');
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toContain('Cannot be created');
  });

  test('copies a single file', async () => {
    await text('cp', 'disk.qcow2', '/EFI/BOOT/BOOTX64.EFI', 'loader');
    expect(fs.readFileSync(place.path('loader'), 'utf8')).toBe('boot loader');
  });
});

describe('df', () => {
  test('shows partitions, and whether their free space can be believed', async () => {
    const lines = (await text('df', 'disk.qcow2')).split('\n');
    expect(lines[0]).toBe('Disk of 64 MiB, GPT');
    expect(lines[2]).toMatch(/^ {2}1 +16 MiB .* FAT16 +EFI$/);
    expect(lines[3]).toMatch(/^ {2}2 +40 MiB .* ext4 +root$/);
    mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', 'disk.qcow2', 'dirty.raw'], { cwd: place.folder });
    const dirty = fs.openSync(place.path('dirty.raw'), 'r+');
    // The state of the superblock: not closed. Its checksum is right.
    fs.closeSync(dirty);
    must('debugfs', ['-w', '-R', 'ssv state 0', `${place.path('dirty.raw')}?offset=${EXT_START * 512}`]);
    mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', 'dirty.raw', 'dirty.qcow2'], { cwd: place.folder });
    const { stdout } = await qcow2('df', 'dirty.qcow2');
    expect(String(stdout)).toMatch(/^2: the free space cannot be believed: /m);
    const json = JSON.parse(await text('df', '--output=json', 'dirty.qcow2')) as {
      parts: { path: string; doubts: string[] }[];
    };
    expect(json.parts.map(({ path, doubts }) => [path, doubts.length])).toEqual([
      ['1', 0],
      ['2', 1],
    ]);
  });
});

describe('shrink --guest-free', () => {
  beforeEach(() => {
    fs.copyFileSync(place.path('disk.qcow2'), place.path('work.qcow2'));
  });

  /** What the file system's own checker says of the second partition. */
  const checked = (image: string): Ran => {
    mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', image, 'judge.raw'], { cwd: place.folder });
    return run('e2fsck', ['-fn', `${place.path('judge.raw')}?offset=${EXT_START * 512}`]);
  };

  test('frees what the file systems do not use, and leaves them whole', async () => {
    expect(await text('shrink', 'work.qcow2')).toMatch(
      / 7\.94 MiB {2}--guest-free {8}what the guest's file systems/,
    );
    const before = await text('ls', '-lR', 'work.qcow2');
    expect(await text('shrink', '--guest-free', '--compact', 'work.qcow2')).toMatch(
      /^shrink: 7\.94 MiB freed /,
    );
    mustQemuImg(['check', 'work.qcow2'], { cwd: place.folder });
    expect(await text('ls', '-lR', 'work.qcow2')).toBe(before);
    expect(checked('work.qcow2').status).toBe(0);
    expect(await text('shrink', '--guest-free', '--dry-run', 'work.qcow2')).toBe(
      'shrink: 0 B would be freed\n',
    );
  });

  test('takes one partition, and refuses one that there is not', async () => {
    expect(await text('shrink', '--guest-free=1', '--dry-run', 'work.qcow2')).toBe(
      'shrink: 0 B would be freed\n',
    );
    expect(await text('shrink', '--guest-free=2', '--dry-run', 'work.qcow2')).toBe(
      'shrink: 7.94 MiB would be freed\n',
    );
    expect(await failure('shrink', '--guest-free=7', 'work.qcow2')).toBe(
      'qcow2: work.qcow2: 7: The disk has no partition or volume 7 (it has 1, 2)\n',
    );
  });

  test('leaves a partition alone that was not closed, by name, and changes nothing where it was asked for alone', async () => {
    const before = fs.readFileSync(place.path('dirty.qcow2'));
    expect(await failure('shrink', '--guest-free=2', 'dirty.qcow2')).toMatch(
      /^qcow2: dirty\.qcow2: 2: .*fsck/,
    );
    expect(fs.readFileSync(place.path('dirty.qcow2')).equals(before)).toBe(true);
    const { status, stderr } = await qcow2('shrink', '--guest-free', '--dry-run', 'dirty.qcow2');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^qcow2: dirty\.qcow2: 2: left alone: .*fsck.*\n$/);
  });

  test('makes it zero over a backing file, which shows nothing of its own there', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', 'disk.qcow2', '-F', 'qcow2', 'over.qcow2'], {
      cwd: place.folder,
    });
    // A file system is written whole into the overlay.
    mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', 'disk.qcow2', 'judge.raw'], { cwd: place.folder });
    mustQemuIo(place.path('over.qcow2'), [`write -s ${place.path('judge.raw')} 0 64M`]);
    expect(await text('shrink', '--guest-free', 'over.qcow2')).toMatch(/^shrink: .* freed /);
    expect(checked('over.qcow2').status).toBe(0);
    const map = String(must('qemu-img', ['map', '--output=json', place.path('over.qcow2')]));
    expect(map).toContain('"depth": 0, "present": true, "zero": true, "data": false');
  });
});
