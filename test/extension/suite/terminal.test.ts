/** The command `qcow2` in the integrated terminal of a machine without Node. */
import * as assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { activateExtension, extensionFile, waitFor } from '../support/extension';

describe('the integrated terminal', () => {
  let folder: string;
  const terminals: vscode.Terminal[] = [];

  before(async () => {
    await activateExtension();
    folder = mkdtempSync(path.join(tmpdir(), 'qcow2-terminal-'));
    mkdirSync(path.join(folder, 'nothing'));
  });

  after(() => {
    for (const terminal of terminals) terminal.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What commands print in a new terminal that finds no program but what the extension adds. */
  async function printed(commands: string, env: Record<string, string> = {}): Promise<string> {
    const output = path.join(folder, `output-${terminals.length}`);
    const terminal = vscode.window.createTerminal({
      shellPath: '/bin/bash',
      shellArgs: ['--noprofile', '--norc'],
      cwd: folder,
      env: { PATH: path.join(folder, 'nothing'), ...env },
    });
    terminals.push(terminal);
    terminal.sendText(`{ ${commands}; } >${output}.part 2>&1; echo "exit code $?" >${output}`);
    await waitFor('the commands', () => existsSync(output) && readFileSync(output, 'utf8') !== '', 30_000);
    return readFileSync(`${output}.part`, 'utf8') + readFileSync(output, 'utf8');
  }

  it('runs qcow2 before any image is opened, without a Node on the PATH', async () => {
    const { version } = JSON.parse(readFileSync(extensionFile('package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal(await printed('! command -v node && qcow2 --version'), `qcow2 ${version}\nexit code 0\n`);
  });

  it('passes arguments and the exit code on', async () => {
    assert.equal(
      await printed("qcow2 info 'no such  image' ''"),
      'usage: qcow2 info [-q] [--progress] [--debug] [--output=human|json] [--backing-chain] FILE ' +
        '(expected FILE, but 2 were given)\nexit code 64\n',
    );
    assert.equal(
      await printed("qcow2 info 'no such  image'"),
      'qcow2: no such  image: No such file\nexit code 1\n',
    );
  });

  it('finds nothing else that is not on the PATH: the folder has only the command', () => {
    assert.ok(existsSync(extensionFile('bin', 'qcow2.cmd')));
    assert.deepEqual(readdirSync(extensionFile('bin')).sort(), ['qcow2', 'qcow2.cmd']);
  });

  it('comes behind a qcow2 of the user’s own', async () => {
    const own = path.join(folder, 'own');
    mkdirSync(own);
    writeFileSync(path.join(own, 'qcow2'), '#!/bin/sh\necho own\n', { mode: 0o755 });
    assert.equal(await printed('qcow2 --version', { PATH: own }), 'own\nexit code 0\n');
  });

  it('says what to do where the runtime is gone', async () => {
    assert.match(
      await printed('QCOW2_RUNTIME=/gone qcow2 --version'),
      /^qcow2: .*open a new terminal in VS Code\nexit code 127\n$/,
    );
  });
});
