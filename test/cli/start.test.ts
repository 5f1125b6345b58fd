/** Which bundle the command loads. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CHANGING_VERBS } from '../../src/cli/changer';
import { VERB_NAMES } from '../../src/cli/declarations';
import { READING_VERBS } from '../../src/cli/readingVerbs';
import { changesNothing } from '../../src/cli/start';
import { CLI } from '../support/cli';
import { run } from '../support/process';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';

const place = workspace();

afterAll(() => {
  place.remove();
});

describe('the bundle without what changes images', () => {
  it('has the verbs that change none, and check', () => {
    const { check, ...others } = CHANGING_VERBS;
    expect(check).toBeDefined();
    for (const verb of [...Object.keys(READING_VERBS), 'check']) expect(changesNothing([verb])).toBe(true);
    for (const verb of [...Object.keys(others), 'unknown']) expect(changesNothing([verb])).toBe(false);
    expect(Object.keys({ ...READING_VERBS, ...CHANGING_VERBS }).sort()).toEqual([...VERB_NAMES].sort());
    for (const argv of [[], ['--version'], ['--help'], ['-h']]) expect(changesNothing(argv)).toBe(true);
  });

  it.each(['-r', '-rall', '-qr', '--repair', '--repair=leaks'])('has no check %s', (option) => {
    expect(changesNothing(['check', option, 'all', 'disk.qcow2'])).toBe(false);
    expect(changesNothing(['check', 'disk.qcow2', option])).toBe(false);
  });

  it('runs by itself, and whatever else is asked for runs the other one', () => {
    const folder = path.dirname(CLI);
    const image = place.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '1M']);
    for (const name of ['cli.js', 'reader.js']) fs.copyFileSync(path.join(folder, name), place.path(name));
    const program = place.path('cli.js');
    const status = (...args: string[]): number => run(process.execPath, [program, ...args]).status;
    const changing = [
      ['check', '-r', 'all', image],
      ['discard', image, '0', '64k'],
    ];
    expect(status('check', image)).toBe(0);
    expect(status('info', image)).toBe(0);
    expect(status('--version')).toBe(0);
    expect(changing.map((args) => status(...args))).toEqual([1, 1]);
    fs.rmSync(place.path('reader.js'));
    fs.copyFileSync(path.join(folder, 'engine.js'), place.path('engine.js'));
    expect(changing.map((args) => status(...args))).toEqual([0, 0]);
  });
});

it('reading zstd loads no client of the web', () => {
  const [raw, image, hook] = ['disk.raw', 'zstd.qcow2', 'hook.cjs'].map((name) => place.path(name)) as [
    string,
    string,
    string,
  ];
  fs.writeFileSync(raw, Buffer.alloc(65536, 'some text '));
  mustQemuImg(['convert', '-c', '-O', 'qcow2', '-o', 'compression_type=zstd', raw, image]);
  const isLoaded = "process.moduleLoadList.some((name) => name.includes('undici'))";
  fs.writeFileSync(hook, `process.on('exit', () => process._rawDebug(${isLoaded}));`);
  const { stdout, stderr } = run(process.execPath, ['--require', hook, CLI, 'read', image, '0', '64k']);
  expect(stdout.equals(fs.readFileSync(raw))).toBe(true);
  expect(stderr.trim()).toBe('false');
});
