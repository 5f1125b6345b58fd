/** Staged edits survive renaming, moving and changes by other programs, and a backup. */
import * as assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ImageDocument } from '../../../src/editor/model/document';
import type { Exports } from '../../../src/extension';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, openedDocument, waitFor, wholeDisk } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;
const STAGED = { data: 2 * MIB, unallocated: 14 * MIB };

describe('staged edits', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('staying');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  /** An image with 4 MiB of data, two of which are staged to go in two edits. */
  async function staged(name: string): Promise<{ document: ImageDocument; uri: vscode.Uri }> {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 4M');
    const uri = folder.uri(name);
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '1M' });
    await writeZeroes({ uri, offset: '1M', length: '1M' });
    assert.deepEqual(await wholeDisk(document), STAGED);
    return { document, uri };
  }

  async function rename(from: vscode.Uri, to: vscode.Uri): Promise<void> {
    const edit = new vscode.WorkspaceEdit();
    edit.renameFile(from, to);
    assert.equal(await vscode.workspace.applyEdit(edit), true);
  }

  /** The document that VS Code has opened under another name has them all, with their undo, and saves them. */
  async function areThere(uri: vscode.Uri): Promise<void> {
    const { document } = await openedDocument(exports, uri);
    await waitFor('the edits', () => document.state?.edits?.unsaved === 2);
    assert.deepEqual(await wholeDisk(document), STAGED);
    await waitFor('the dirty tab', () => isDirty(uri));
    await waitFor('the page', () => exports.images.active?.uri.fsPath === uri.fsPath);
    await vscode.commands.executeCommand('undo');
    await waitFor('the undo', () => document.state?.edits?.done === 1);
    await vscode.commands.executeCommand('undo');
    await waitFor('the clean tab', () => !isDirty(uri));
    await vscode.commands.executeCommand('redo');
    await vscode.commands.executeCommand('redo');
    await waitFor('the redo', () => document.state?.edits?.done === 2);
    await save(uri);
    qemuImg('check', uri.fsPath);
    assert.equal((await wholeDisk(document))['data'], 2 * MIB);
  }

  it('stay when the file is renamed', async () => {
    const { uri } = await staged('old.qcow2');
    const to = folder.uri('new.qcow2');
    await rename(uri, to);
    await areThere(to);
  });

  it('stay when a folder above the file is renamed', async () => {
    mkdirSync(folder.file('deep/er'), { recursive: true });
    await staged('deep/er/disk.qcow2');
    await rename(folder.uri('deep'), folder.uri('shallow'));
    await areThere(folder.uri('shallow/er/disk.qcow2'));
  });

  it('are kept, and not saved, when another program changes the file', async () => {
    const { document, uri } = await staged('changed.qcow2');
    qemuIo(uri.fsPath, 'write -P 9 8M 64k');
    const after = readFileSync(uri.fsPath);
    await waitFor('the change to be noticed', () => document.isChangedOutside);
    assert.equal(document.state?.edits?.unsaved, 2);
    await vscode.commands.executeCommand('workbench.action.files.save');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(isDirty(uri), true);
    assert.deepEqual(readFileSync(uri.fsPath), after);
    assert.equal(await writeZeroes({ uri, offset: '2M', length: '1M' }), undefined);
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await waitFor('the clean tab', () => !isDirty(uri));
    await waitFor(
      'the disk as the other program left it',
      async () => (await wholeDisk(document))['data'] === 4 * MIB + 65536,
    );
    assert.equal((await writeZeroes({ uri, offset: '2M', length: '1M' }))?.changed, true);
  });

  it('are kept when the file is taken away, and can be saved when it is back', async () => {
    const { document, uri } = await staged('away.qcow2');
    renameSync(uri.fsPath, `${uri.fsPath}.away`);
    await waitFor('the loss to be noticed', () => document.isChangedOutside);
    assert.equal(document.state?.edits?.unsaved, 2);
    assert.deepEqual(await wholeDisk(document), STAGED);
    renameSync(`${uri.fsPath}.away`, uri.fsPath);
    await waitFor('the file to be back', () => !document.isChangedOutside);
    await save(uri);
  });

  it('can be written to another file, also when the first one is gone', async () => {
    const { document, uri } = await staged('source.qcow2');
    renameSync(uri.fsPath, `${uri.fsPath}.away`);
    const copy = folder.file('copy.qcow2');
    const written = await document.inTurn(() =>
      document.edit((staging) => staging.saveAs(copy, {}, () => undefined)),
    );
    assert.deepEqual(written, { ok: true, value: undefined });
    qemuImg('check', copy);
    qemuIo(copy, 'read -P 0 0 2M', 'read -P 1 2M 2M');
    const map = JSON.parse(qemuImg('map', '--output=json', copy)) as { start: number; data: boolean }[];
    assert.deepEqual(
      map.filter(({ data }) => data).map(({ start }) => start),
      [2 * MIB],
    );
    renameSync(`${uri.fsPath}.away`, uri.fsPath);
  });

  it('come back from a backup one by one, and are refused by an image that is another one', async () => {
    const { document, uri } = await staged('backup.qcow2');
    assert.equal((await document.backups.write(folder.file('missing/folder/backup'))).ok, true);
    // A revert removes it: nothing is staged any more.
    cpSync(folder.file('missing/folder'), folder.file('kept'), { recursive: true });
    const backup = folder.file('kept/backup');
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await waitFor('the clean tab', () => !isDirty(uri));
    await waitFor('an empty folder', () => readdirSync(folder.file('missing/folder')).length === 0);
    await document.readAgain();
    const restored = await document.backups.restore(backup);
    assert.ok(restored.ok);
    assert.deepEqual(
      restored.value.map(({ label }) => label),
      ['Write zeroes 1 MiB at 0 B (unmap)', 'Write zeroes 1 MiB at 1 MiB (unmap)'],
    );
    assert.deepEqual(await wholeDisk(document), STAGED);
    await document.revert();
    qemuIo(uri.fsPath, 'write -P 9 8M 64k');
    await document.readAgain();
    const other = await document.backups.restore(backup);
    assert.ok(!other.ok && other.problem.code === 'backup.otherImage');
    assert.ok(existsSync(backup));
  });
});
