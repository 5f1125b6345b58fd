/**
 * A real file system: thousands of files from the machine's documentation (or from node_modules) in ext4, compressed by
 * qemu-img, and an overlay that changes some of them. Reading all of it equals the output of qemu-img convert.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { run } from '../support/process';
import { REPOSITORY } from '../support/repository';
import { mustQemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

const FILES = 3000;
/** Bytes of the file system. */
const SIZE = 192 * 2 ** 20;
const LARGEST_FILE = 200_000;

let place: Workspace;
let copied = 0;

beforeAll(() => {
  place = workspace();
  for (const source of ['/usr/share/doc', path.join(REPOSITORY, 'node_modules')]) {
    if (fs.existsSync(source) && copied < FILES)
      copyFiles(source, path.join(place.path('tree'), path.basename(source)));
  }
  makeFileSystem();
  changeFileSystem();
}, 120_000);

afterAll(() => {
  place.remove();
});

function copyFiles(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    if (copied >= FILES) return;
    const source = path.join(from, entry.name);
    if (entry.isDirectory()) copyFiles(source, path.join(to, entry.name));
    else if (entry.isFile() && fs.statSync(source).size <= LARGEST_FILE) {
      fs.copyFileSync(source, path.join(to, entry.name));
      copied++;
    }
  }
}

/** Runs a program of e2fsprogs, which lie outside of most people's PATH. */
function e2fs(program: string, args: readonly string[]): void {
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const ran = run(program, args, { env, cwd: place.folder });
  expect({ program, status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
}

function makeFileSystem(): void {
  fs.writeFileSync(place.path('disk.raw'), '');
  fs.truncateSync(place.path('disk.raw'), SIZE);
  e2fs('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', 'tree', 'disk.raw']);
}

/** Some files gone, some new, as a running system would change them: the others stay where they are. */
function changeFileSystem(): void {
  fs.copyFileSync(place.path('disk.raw'), place.path('changed.raw'), fs.constants.COPYFILE_FICLONE);
  const files = fs
    .readdirSync(place.path('tree'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(place.path('tree'), path.join(entry.parentPath, entry.name)))
    .filter((name) => /^[\w./+-]+$/.test(name));
  const commands = files.flatMap((name, index) => {
    if (index % 40 === 0) return [`rm /${name}`];
    if (index % 41 === 0) return [`rm /${name}`, `write tree/${files[index - 1]!} /${name}`];
    return index % 43 === 0 ? [`write tree/${name} /${name}.new`] : [];
  });
  fs.writeFileSync(place.path('commands'), commands.join('\n'));
  e2fs('debugfs', ['-w', '-f', 'commands', 'changed.raw']);
}

/** Reads a whole disk through the command and compares it with a raw file. */
function expectSame(image: string, raw: string): void {
  const read = cli(['read', image, '0', String(SIZE)], { cwd: place.folder });
  expect(read).toMatchObject({ status: 0, stderr: '' });
  expect(read.stdout.equals(fs.readFileSync(place.path(raw)))).toBe(true);
}

describe.each(['zlib', 'zstd'])('a file system of real files, compressed by %s,', (type) => {
  const base = `${type}.qcow2`;
  const overlay = `over-${type}.qcow2`;

  test('reads as it was', () => {
    const options = ['-O', 'qcow2', '-o', `compression_type=${type}`];
    mustQemuImg(['convert', '-c', ...options, 'disk.raw', base], { cwd: place.folder });
    expectSame(base, 'disk.raw');
  });

  test('reads as changed through an overlay', () => {
    // Rebasing leaves in the overlay what differs, and nothing else.
    const inPlace = { cwd: place.folder };
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', 'changed.raw', '-F', 'raw', overlay], inPlace);
    mustQemuImg(['rebase', '-b', base, '-F', 'qcow2', overlay], inPlace);
    expectSame(overlay, 'changed.raw');
    expect(fs.statSync(place.path(overlay)).size).toBeLessThan(fs.statSync(place.path(base)).size);
  });

  test.each([base, overlay])('has the map that QEMU prints (%s)', (image) => {
    const ours = cli(['map', '--output=json', image], { cwd: place.folder });
    const judge = mustQemuImg(['map', '--output=json', image], { cwd: place.folder });
    expect(ours.stdout.equals(judge)).toBe(true);
  });
});

test('there were some thousand files', () => {
  expect(copied).toBe(FILES);
});
