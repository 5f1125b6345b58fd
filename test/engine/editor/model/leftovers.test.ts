/** Leftovers of earlier windows are deleted when they are old or their process has ended, unless a backup needs them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeLeftovers } from '../../../../src/editor/model/leftovers';
import { folderOfThisHost } from '../../../../src/editor/model/storage';
import { workspace, type Workspace } from '../../../support/workspace';

const TWO_DAYS = 2 * 24 * 60 * 60;

let files: Workspace;

beforeEach(() => {
  files = workspace();
});

afterEach(() => {
  files.remove();
});

function put(name: string, content: string, isOld: boolean): void {
  writeFileSync(files.path(name), content);
  const time = Date.now() / 1000 - (isOld ? TWO_DAYS : 0);
  utimesSync(files.path(name), time, time);
}

it('removes old pages that no backup names, and old backups of renames', async () => {
  put('pages-000000000001', 'bytes', true);
  put('pages-000000000002', 'bytes', true);
  put('pages-000000000003', 'bytes', false);
  put('pages-000000000004', 'bytes', true);
  put('1a2b3c', '{"pages":"pages-000000000002"}', true);
  put('renamed-0123456789ab', '{"pages":"pages-000000000004"}', true);
  put('renamed-ba9876543210', '{}', false);
  await removeLeftovers([files.path('nowhere'), files.folder]);
  const left = [1, 2, 3, 4].filter((number) => existsSync(files.path(`pages-00000000000${number}`)));
  expect(left).toEqual([2, 3]);
  expect(existsSync(files.path('1a2b3c'))).toBe(true);
  expect(existsSync(files.path('renamed-0123456789ab'))).toBe(false);
  expect(existsSync(files.path('renamed-ba9876543210'))).toBe(true);
});

it('removes folders of processes that have ended, and those alone', async () => {
  const own = basename(folderOfThisHost(files.folder));
  const gone = own.replace(`,${process.pid},`, `,${spawnSync('true').pid},`);
  const [, ...facts] = own.split(',');
  const reused = ['host', ...facts.slice(0, -1), '1'].join(',');
  const elsewhere = ['host', 'another-machine', ...facts.slice(1)].join(',');
  for (const name of [own, gone, reused, elsewhere, 'host,of,none', 'something else']) {
    mkdirSync(files.path(name));
    writeFileSync(files.path(`${name}/edits`), '{}');
  }
  await removeLeftovers([files.folder]);
  expect(readdirSync(files.folder).sort()).toEqual([own, elsewhere, 'host,of,none', 'something else'].sort());
});
