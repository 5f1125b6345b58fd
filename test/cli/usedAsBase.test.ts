/** Changing a base warns about the images that depend on it, whatever their names. */
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import type { Ran } from '../support/process';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();
const FOLDER = place.path('disks');
const at = (name: string): string => `${FOLDER}/${name}`;

const run = (args: readonly string[], input = ''): Ran => cli(args, { cwd: place.folder, input });

afterAll(() => {
  place.remove();
});

beforeEach(() => {
  mkdirSync(FOLDER);
  mustQemuImg(['create', '-f', 'qcow2', at('base.qcow2'), '4M']);
});

afterEach(() => {
  rmSync(FOLDER, { recursive: true });
});

function overlay(name: string, backing = 'base.qcow2', format = 'qcow2'): void {
  mustQemuImg(['create', '-u', '-f', 'qcow2', '-b', backing, '-F', format, at(name), '4M']);
}

const WARNING =
  'used as the backing file of other images; changing it changes what they show, or corrupts them';

describe('a base that is changed', () => {
  test.each([['disk.img'], ['guest.snap1'], ['guest'], ['over.qcow2'], ['odd [name]']])(
    'is said to be used by %s',
    (name) => {
      overlay(name);
      const { status, stderr } = run(['write-zeroes', 'disks/base.qcow2', '0', '64k']);
      expect(status).toBe(0);
      expect(stderr).toBe(`qcow2: disks/base.qcow2: ${WARNING}: ${name}\n`);
    },
  );

  test('is told all names, by every verb that changes it', () => {
    overlay('b.img');
    overlay('a', at('base.qcow2'), 'raw');
    const warning = `qcow2: disks/base.qcow2: ${WARNING}: a, b.img\n`;
    for (const args of [
      ['discard', 'disks/base.qcow2', '0', '64k'],
      ['write', 'disks/base.qcow2', '0'],
      ['rebase', 'disks/base.qcow2', 'other.raw', '--format=raw'],
      ['check', '-r', 'all', 'disks/base.qcow2'],
    ]) {
      writeFileSync(at('other.raw'), Buffer.alloc(4096));
      expect(run(args, 'x').stderr).toContain(warning);
    }
  });

  test('is known by its links, and by those that overlays name', () => {
    symlinkSync('base.qcow2', at('current'));
    overlay('disk.img', 'current');
    mkdirSync(at('elsewhere'));
    symlinkSync('../base.qcow2', at('elsewhere/link'));
    const { stderr } = run(['discard', 'disks/elsewhere/link', '0', '64k']);
    expect(stderr).toContain(`${WARNING}: disk.img`);
  });

  test('is not said to be used by itself, by its own base or by a stranger', () => {
    overlay('top.img');
    overlay('stranger', 'other.qcow2');
    writeFileSync(at('text'), 'base.qcow2');
    linkSync(at('text'), at('text2'));
    expect(run(['discard', 'disks/top.img', '0', '64k']).stderr).toBe('');
  });

  test('is no matter for verbs that change nothing', () => {
    overlay('disk.img');
    for (const verb of ['info', 'map', 'check']) {
      expect(run([verb, 'disks/base.qcow2']).stderr).toBe('');
    }
    expect(run(['give-back', '--dry-run', 'disks/base.qcow2']).stderr).toBe('');
  });
});
