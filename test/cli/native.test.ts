/** Native calls are loaded from the program's own folder; no other module of that name is ever run. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addKoffi } from '../../scripts/lib/koffi.mjs';
import { CLI } from '../support/cli';
import { type Ran, run } from '../support/process';
import { REPOSITORY } from '../support/repository';
import { mustQemuImg } from '../support/qemu';
import { workspace, type Workspace } from '../support/workspace';

const PLATFORM = `${process.platform}-${process.arch}`;
/** What the command says where it has no native calls. */
const WITHOUT = /holes cannot be made here/;

let place: Workspace;
let image: string;

beforeEach(() => {
  place = workspace();
  image = place.path('disk.qcow2');
  mustQemuImg(['create', '-q', '-f', 'qcow2', image, '1M']);
});

afterEach(() => {
  place.remove();
});

/** The built command in a folder of its own, as an installed extension has it. */
function installed(folder: string): string {
  const program = path.join(folder, 'dist', 'cli.js');
  mkdirSync(path.dirname(program), { recursive: true });
  for (const name of ['cli.js', 'engine.js', 'reader.js'])
    cpSync(path.join(path.dirname(CLI), name), path.join(folder, 'dist', name));
  return program;
}

const dryRun = (program: string, env: Record<string, string> = {}): Ran =>
  run(process.execPath, [program, 'give-back', '--dry-run', image], { cwd: place.folder, env });

/** Packages that leave a mark when they are loaded, under the names that koffi and its binaries have. */
function plant(nodeModules: string): string {
  const mark = path.join(place.folder, 'was-run');
  const code = `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '');`;
  for (const name of ['koffi', `@koromix/koffi-${PLATFORM}`]) {
    const folder = path.join(nodeModules, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'index.js'), code);
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, main: './index.js' }));
  }
  return mark;
}

describe('the native calls of the command', () => {
  test('are those of the project, run from its own dist folder', () => {
    expect(dryRun(CLI).stderr).not.toMatch(WITHOUT);
  });

  test('are those beside the bundle, as a package has them', async () => {
    const folder = place.path('extension');
    const program = installed(folder);
    expect(dryRun(program).stderr).toMatch(WITHOUT);
    await addKoffi(path.join(folder, 'dist', 'node_modules'), PLATFORM as Parameters<typeof addKoffi>[1]);
    expect(dryRun(program).stderr).not.toMatch(WITHOUT);
  });

  test.each([
    ['a parent folder of the extension', 'parent', {}],
    ['the folder that the command is run in', '', {}],
    ['a folder that NODE_PATH names', 'elsewhere', { NODE_PATH: 'elsewhere/node_modules' }],
  ])('are not what %s has under that name', (_, where, env) => {
    const program = installed(place.path('parent/extension'));
    const mark = plant(path.join(place.folder, where, 'node_modules'));
    const { status, stderr } = dryRun(program, env);
    expect(status).toBe(0);
    expect(stderr).toMatch(WITHOUT);
    expect(existsSync(mark)).toBe(false);
  });

  test('are not loaded by a loader that looks further where the own binary is missing', () => {
    const folder = place.path('parent/extension');
    const program = installed(folder);
    cpSync(path.join(REPOSITORY, 'node_modules', 'koffi'), path.join(folder, 'dist/node_modules/koffi'), {
      recursive: true,
      filter: (source) => !source.includes('vendor'),
    });
    const mark = plant(place.path('parent/node_modules'));
    expect(dryRun(program).stderr).toMatch(WITHOUT);
    expect(existsSync(mark)).toBe(false);
  });
});
