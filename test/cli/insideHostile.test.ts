/** `qcow2 cp` of a file system made to do harm: what arrives is in the chosen folder, and nothing else is made. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../support/command';
import { must } from '../support/process';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});

/** Names of files, and what arrives; each file holds its own name. */
const NAMES: readonly (readonly [title: string, name: string, host: string])[] = [
  ['leads up', '../../evil', '.._.._evil'],
  ['is absolute', '/etc/crontab', '_etc_crontab'],
  ['has a NUL', 'nul\0nul', 'nul_nul'],
  ['has a line end', 'two\nlines', 'two_lines'],
  ['has an escape', 'red\x1b[31m', 'red_[31m'],
  ['runs from right to left', 'cod\u202egpj.exe', 'cod_gpj.exe'],
  ['leads up with backslashes', '..\\..\\up', '..\\..\\up'],
  ['looks like an option', '-rf', '-rf'],
  ['is a file of the shell', '.bashrc', '.bashrc'],
];

/** Links, and what arrives: a link, or a note of where it led. */
const LINKS: readonly (readonly [title: string, target: string, made: string | undefined])[] = [
  ['up', '../../../outside', undefined],
  ['up by way of a folder', 'folder/../../outside', undefined],
  ['beyond the root of the disk', '/../../outside', undefined],
  ['to an absolute path of the disk', '/folder/file', 'folder/file'],
  ['to a path of the host', '/etc/passwd', 'etc/passwd'],
  ['to itself', 'link 5', 'link 5'],
  ['to a folder', 'folder', 'folder'],
];

const SECRET = 'secret\n';
/** A place in the copy. */
const copy = (name: string): string => place.path(path.join('around/chosen/copy', name));
/** Relative paths of what is in the folder that is copied. */
let arrived: readonly string[];

beforeAll(async () => {
  const tree = place.path('tree');
  fs.mkdirSync(`${tree}/folder`, { recursive: true });
  fs.writeFileSync(`${tree}/folder/file`, 'file');
  // As long as the name, and like no other bytes.
  const standIn = (index: number): string => {
    const { length } = Buffer.from(NAMES[index]![1]);
    return `Q${index}`.padEnd(length, 'Z');
  };
  NAMES.forEach(([, name], index) => {
    fs.writeFileSync(`${tree}/${standIn(index)}`, `this is ${JSON.stringify(name)}`);
  });
  LINKS.forEach(([, target], index) => {
    fs.symlinkSync(target, `${tree}/link ${index}`);
  });
  must('mkfifo', [`${tree}/pipe`]);
  fs.chmodSync(`${tree}/folder/file`, 0o4755);
  const image = place.path('ext.raw');
  // No checksums, no hashes of names: other names can be put in their places.
  const features = ['-O', '^metadata_csum,^dir_index'];
  must('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', ...features, '-d', tree, image, '4M']);
  const bytes = fs.readFileSync(image);
  NAMES.forEach(([, name], index) => {
    const at = bytes.indexOf(standIn(index));
    expect(at).toBeGreaterThan(0);
    bytes.write(name, at);
  });
  fs.writeFileSync(image, bytes);
  mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', image, place.path('disk.qcow2')]);
  fs.mkdirSync(place.path('around/chosen'), { recursive: true });
  fs.writeFileSync(place.path('around/outside'), SECRET);
  const { status, stdout } = await command(place.folder, 'cp', 'disk.qcow2', '/', 'around/chosen/copy');
  expect(status).toBe(0);
  expect(String(stdout)).toMatch(/1 device or the like skipped$/m);
  const all = fs.readdirSync(copy('.'), { recursive: true, encoding: 'utf8' });
  // Node follows links to folders.
  arrived = all.filter((name) => fs.realpathSync(copy(path.dirname(name))) === copy(path.dirname(name)));
});

test.each(NAMES)('a name that %s arrives as one in the folder', (_, name, host) => {
  expect(arrived).toContain(host);
  expect(fs.readFileSync(copy(host), 'utf8')).toBe(`this is ${JSON.stringify(name)}`);
});

test.each(LINKS)('a link %s', (_, target, made) => {
  const name = `link ${LINKS.findIndex(([, other]) => other === target)}`;
  if (made === undefined) expect(fs.readFileSync(copy(name), 'utf8')).toBe(`Symbolic link to ${target}\n`);
  else expect(fs.readlinkSync(copy(name))).toBe(made);
});

test('nothing else arrives, and nothing is made outside the folder', () => {
  const expected = [...NAMES.map(([, , host]) => host), ...LINKS.map((_, index) => `link ${index}`)];
  expect([...arrived].sort()).toEqual([...expected, 'folder', 'folder/file', 'lost+found'].sort());
  expect(fs.readdirSync(place.path('around')).sort()).toEqual(['chosen', 'outside']);
  expect(fs.readdirSync(place.path('around/chosen'))).toEqual(['copy']);
  expect(fs.readFileSync(place.path('around/outside'), 'utf8')).toBe(SECRET);
  expect(fs.existsSync(place.path('evil'))).toBe(false);
});

test('no link leads out of the folder, and no file runs as another user', () => {
  const root = copy('.');
  for (const name of arrived) {
    const stats = fs.lstatSync(copy(name));
    expect([name, stats.mode & 0o7000]).toEqual([name, 0]);
    if (!stats.isSymbolicLink()) continue;
    const target = path.resolve(path.dirname(copy(name)), fs.readlinkSync(copy(name)));
    expect(path.relative(root, target).startsWith('..')).toBe(false);
  }
});
