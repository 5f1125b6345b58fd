/** Reclaim Free Space: it is not an edit, and it ends the undo history. */
import * as assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import type { GivenBack } from '../../../src/worker/api';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, waitFor, wholeDisk } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;

describe('giving free space back to the host', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('give-back');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 8M');
    return folder.uri(name);
  }

  const giveBack = (uri: vscode.Uri): Promise<GivenBack | undefined> => exports.actions.giveBack(uri);

  const stored = (uri: vscode.Uri): number => statSync(uri.fsPath).blocks * 512;

  it('makes the file smaller, changes nothing that is read, and stages nothing', async () => {
    const uri = create('whole.qcow2');
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '1M', length: '3M' });
    await writeZeroes({ uri, offset: '7M', length: '1M' });
    await save(uri);
    const before = {
      stored: stored(uri),
      length: statSync(uri.fsPath).size,
      disk: await wholeDisk(document),
    };
    const given = await giveBack(uri);
    assert.equal(given?.changed, true);
    assert.equal(isDirty(uri), false);
    assert.ok(before.stored - stored(uri) >= 4 * MIB - 65536);
    assert.equal(before.length - statSync(uri.fsPath).size, MIB);
    assert.deepEqual(await wholeDisk(document), before.disk);
    assert.equal(document.state?.fileSize, statSync(uri.fsPath).size);
    assert.equal(document.state.allocatedBytes, stored(uri));
    qemuIo(uri.fsPath, 'read -P 1 0 1M', 'read -P 0 1M 3M', 'read -P 1 4M 3M', 'read -P 0 7M 1M');
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
  });

  it('ends what could be undone: Undo says so, and the tab is clean again', async () => {
    const uri = create('undo.qcow2');
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '4M' });
    await save(uri);
    await giveBack(uri);
    const { done, redoable, unsaved } = document.state?.edits ?? {};
    assert.deepEqual({ done, redoable, unsaved }, { done: 0, redoable: 0, unsaved: 0 });
    const after = readFileSync(uri.fsPath);
    const failures: unknown[] = [];
    const subscription = document.onDidFail((why) => failures.push(why));
    await vscode.commands.executeCommand('undo');
    await waitFor('the answer', () => failures.length > 0);
    assert.deepEqual(failures, ['gaveBack']);
    await waitFor('the clean tab', () => !isDirty(uri));
    subscription.dispose();
    assert.deepEqual(readFileSync(uri.fsPath), after);
    // What comes from here on is undone as ever.
    await writeZeroes({ uri, offset: '5M', length: '1M' });
    await save(uri);
    await vscode.commands.executeCommand('undo');
    await waitFor('the undo', () => document.state?.edits?.unsaved === 1);
    await save(uri);
    qemuIo(uri.fsPath, 'read -P 0 0 4M', 'read -P 1 4M 4M');
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
  });

  it('waits until nothing is staged', async () => {
    const uri = create('staged.qcow2');
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '4M' });
    const before = readFileSync(uri.fsPath);
    assert.equal(await giveBack(uri), undefined);
    assert.equal(document.state?.edits?.unsaved, 1);
    assert.deepEqual(readFileSync(uri.fsPath), before);
  });

  it('is refused while QEMU holds the image', async () => {
    const uri = create('held.qcow2');
    await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '4M' });
    await save(uri);
    const before = readFileSync(uri.fsPath);
    const socket = `${uri.fsPath}.sock`;
    const server: ChildProcess = spawn('qemu-nbd', ['-r', '-f', 'qcow2', '-t', '-k', socket, uri.fsPath]);
    await waitFor('qemu-nbd', () => existsSync(socket));
    assert.equal(await giveBack(uri), undefined);
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
    assert.deepEqual(readFileSync(uri.fsPath), before);
    assert.equal((await giveBack(uri))?.changed, true);
  });

  it('has nothing to do where all is in use, and says so', async () => {
    const uri = create('full.qcow2');
    await openImage(exports, uri);
    await giveBack(uri);
    const before = statSync(uri.fsPath).mtimeMs;
    assert.equal(await giveBack(uri), undefined);
    assert.equal(statSync(uri.fsPath).mtimeMs, before);
  });
});
