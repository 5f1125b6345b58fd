/** bin/qcow2, which VS Code's terminals have on their PATH: which runtime it takes, and how. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ran, run } from '../support/process';
import { REPOSITORY } from '../support/repository';
import { workspace, type Workspace } from '../support/workspace';

const FOLDER = path.join(REPOSITORY, 'bin');

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

/** A runtime that prints whether it would be a plain Node, and its arguments. */
function fakeRuntime(name: string): string {
  const file = place.path(name);
  fs.writeFileSync(file, '#!/bin/sh\nprintf "%s\\n" "$ELECTRON_RUN_AS_NODE" "$@"\n', { mode: 0o755 });
  return file;
}

const script = (env: Record<string, string>): Ran =>
  run('/bin/sh', [path.join(FOLDER, 'qcow2'), 'info', 'a  b', ''], { env: { PATH: place.folder, ...env } });

const linesOf = ({ stdout }: Ran): readonly string[] => String(stdout).split('\n').slice(0, -1);

const GIVEN = [`${FOLDER}/../dist/cli.js`, 'info', 'a  b', ''];

test('the folder has the command for each kind of shell, and nothing else', () => {
  expect(fs.readdirSync(FOLDER).sort()).toEqual(['qcow2', 'qcow2.cmd']);
});

describe.runIf(process.platform !== 'win32')('the script', () => {
  test('can be run', () => {
    expect(fs.statSync(path.join(FOLDER, 'qcow2')).mode & 0o111).toBe(0o111);
  });

  test('makes the runtime of VS Code a plain Node, though a node is on the PATH', () => {
    fakeRuntime('node');
    const ran = script({ QCOW2_RUNTIME: fakeRuntime('code helper') });
    expect(linesOf(ran)).toEqual(['1', ...GIVEN]);
  });

  test('takes the node of the PATH where that runtime is gone, or was never named', () => {
    fakeRuntime('node');
    for (const runtime of ['', place.path('gone')]) {
      expect(linesOf(script({ QCOW2_RUNTIME: runtime }))).toEqual(['', ...GIVEN]);
    }
  });

  test('says what to do where there is neither', () => {
    expect(script({ QCOW2_RUNTIME: place.path('gone') })).toMatchObject({
      status: 127,
      stderr: "qcow2: VS Code's runtime is not found: open a new terminal in VS Code\n",
    });
  });
});
