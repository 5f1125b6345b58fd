/** What changes the file at once (Compact, Reclaim Free Space) is not an edit, ends the undo history, and waits its turn. */
import * as assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, waitFor } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const ACTIONS = [
  { action: 'compact', toldAs: 'compacted' },
  { action: 'giveBack', toldAs: 'gaveBack' },
] as const;

for (const { action, toldAs } of ACTIONS) {
  describe(`the action ${action}`, () => {
    let exports: Exports;
    let folder: ImageFolder;

    before(async () => {
      exports = await activateExtension();
      folder = ImageFolder.inWorkspace(`change-file-${action}`);
    });

    afterEach(closeAllEditors);

    after(() => {
      folder.remove();
    });

    /** An image of which 3 MiB are free. */
    function create(name: string): vscode.Uri {
      qemuIo(folder.create(name, '16M'), 'write -P 1 0 8M', 'write -z -u 1M 3M');
      return folder.uri(name);
    }

    const run = (uri: vscode.Uri): Promise<{ readonly changed: boolean } | undefined> =>
      exports.actions[action](uri);

    it('ends what could be undone: Undo says so, and the tab is clean again', async () => {
      const uri = create('undo.qcow2');
      const document = await openImage(exports, uri);
      await writeZeroes({ uri, offset: '4M', length: '1M' });
      await save(uri);
      await run(uri);
      const { done, redoable, unsaved } = document.state?.edits ?? {};
      assert.deepEqual({ done, redoable, unsaved }, { done: 0, redoable: 0, unsaved: 0 });
      const after = readFileSync(uri.fsPath);
      const failures: unknown[] = [];
      const subscription = document.onDidFail((why) => failures.push(why));
      await vscode.commands.executeCommand('undo');
      await waitFor('the answer', () => failures.length > 0);
      assert.deepEqual(failures, [toldAs]);
      await waitFor('the clean tab', () => !isDirty(uri));
      subscription.dispose();
      assert.deepEqual(readFileSync(uri.fsPath), after);
      // What comes from here on is undone as ever.
      await writeZeroes({ uri, offset: '5M', length: '1M' });
      await save(uri);
      await vscode.commands.executeCommand('undo');
      await waitFor('the undo', () => document.state?.edits?.unsaved === 1);
      await save(uri);
      qemuIo(uri.fsPath, 'read -P 1 0 1M', 'read -P 0 1M 4M', 'read -P 1 5M 3M');
      assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
    });

    it('waits until nothing is staged', async () => {
      const uri = create('staged.qcow2');
      const document = await openImage(exports, uri);
      await writeZeroes({ uri, offset: '4M', length: '1M' });
      const before = readFileSync(uri.fsPath);
      assert.equal(await run(uri), undefined);
      assert.equal(document.state?.edits?.unsaved, 1);
      assert.deepEqual(readFileSync(uri.fsPath), before);
    });

    it('is refused while QEMU holds the image', async () => {
      const uri = create('held.qcow2');
      await openImage(exports, uri);
      await writeZeroes({ uri, offset: '4M', length: '1M' });
      await save(uri);
      const before = readFileSync(uri.fsPath);
      const socket = `${uri.fsPath}.sock`;
      const server: ChildProcess = spawn('qemu-nbd', ['-r', '-f', 'qcow2', '-t', '-k', socket, uri.fsPath]);
      await waitFor('qemu-nbd', () => existsSync(socket));
      assert.equal(await run(uri), undefined);
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      assert.deepEqual(readFileSync(uri.fsPath), before);
      assert.equal((await run(uri))?.changed, true);
    });

    it('has nothing to do where nothing is to be gained', async () => {
      const uri = create('dense.qcow2');
      await openImage(exports, uri);
      await run(uri);
      const before = statSync(uri.fsPath).mtimeMs;
      assert.equal(await run(uri), undefined);
      assert.equal(statSync(uri.fsPath).mtimeMs, before);
    });
  });
}
