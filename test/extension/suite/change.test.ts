/** Staged edits in VS Code: undo, redo and save, judged by qemu-img and by the bytes on disk. */
import * as assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ImageDocument } from '../../../src/editor/model/document';
import type { Exports } from '../../../src/extension';
import { activateExtension, closeAllEditors, openedDocument, waitFor, wholeDisk } from '../support/extension';
import { discard, isDirty, openImage, writeZeroes } from '../support/edits';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;

/** The map as qemu-img prints it, without the file's name. */
const mapOf = (file: string): unknown => JSON.parse(qemuImg('map', '--output=json', file));

describe('a change', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('change');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  async function opened(name: string): Promise<{ document: ImageDocument; uri: vscode.Uri; file: string }> {
    const file = folder.create(name, '16M');
    qemuIo(file, 'write -P 1 0 4M', 'write -P 2 8M 1M');
    const uri = vscode.Uri.file(file);
    return { document: await openImage(exports, uri), uri, file };
  }

  it('is shown at once, makes the tab dirty, and leaves the disk alone', async () => {
    const { document, uri, file } = await opened('staged.qcow2');
    const before = readFileSync(file);
    const tally = await writeZeroes({ uri, offset: '1M', length: '2M' });
    assert.deepEqual(tally?.becameUnallocated, { clusters: 32, bytes: 2 * MIB });
    assert.deepEqual(await wholeDisk(document), { data: 3 * MIB, unallocated: 13 * MIB });
    assert.equal(document.state?.edits?.unsaved, 1);
    assert.equal(document.state.edits.stagedBytes, 2 * MIB);
    await waitFor('the dirty tab', () => isDirty(uri));
    assert.deepEqual(readFileSync(file), before);
  });

  it('marks its cells, and tells of each cluster what is on disk', async () => {
    const { document, uri } = await opened('marks.qcow2');
    await writeZeroes({ uri, offset: '1M', length: '#2' });
    const cells = await document.ask((engine) => engine.cells({ start: 0, bytesPerCell: 65536, count: 256 }));
    assert.ok(cells.ok);
    const marked = [...(cells.value.staged ?? [])].flatMap((share, cell) => (share > 0 ? [cell] : []));
    assert.deepEqual(marked, [16, 17]);
    const report = await document.ask((engine) => engine.inspect(MIB));
    assert.ok(report.ok);
    assert.equal(report.value.kind, 'unallocated');
    assert.equal(report.value.onDisk?.kind, 'data');
    const other = await document.ask((engine) => engine.inspect(0));
    assert.ok(other.ok && other.value.onDisk === undefined);
  });

  it('is undone and redone, edit by edit', async () => {
    const { document, uri } = await opened('undo.qcow2');
    await writeZeroes({ uri, offset: '0', length: '1M' });
    await writeZeroes({ uri, offset: '1M', length: '1M', unmap: false });
    const both = { data: 3 * MIB, zeroAllocated: MIB, unallocated: 12 * MIB };
    assert.deepEqual(await wholeDisk(document), both);
    await vscode.commands.executeCommand('undo');
    await waitFor('the undo', () => document.state?.edits?.done === 1);
    assert.deepEqual(await wholeDisk(document), { data: 4 * MIB, unallocated: 12 * MIB });
    assert.ok(isDirty(uri));
    await vscode.commands.executeCommand('undo');
    await waitFor('the clean tab', () => !isDirty(uri));
    assert.deepEqual(await wholeDisk(document), { data: 5 * MIB, unallocated: 11 * MIB });
    assert.equal(document.state?.edits?.stagedBytes, 0);
    await vscode.commands.executeCommand('redo');
    await vscode.commands.executeCommand('redo');
    await waitFor('the redo', () => document.state?.edits?.done === 2);
    assert.deepEqual(await wholeDisk(document), both);
  });

  it('is in the map that is exported before it is saved', async () => {
    const { uri, file } = await opened('exported.qcow2');
    const before = mapOf(file);
    await writeZeroes({ uri, offset: '1M', length: '2M' });
    const destination = folder.uri('exported.json');
    await exports.actions.exportMap(uri, 'json', destination);
    const exported: unknown = JSON.parse(readFileSync(destination.fsPath, 'utf8'));
    assert.notDeepEqual(exported, before);
    await vscode.commands.executeCommand('vscode.openWith', uri, 'qcow2.editor');
    await waitFor('the image in front', () => exports.images.active?.uri.toString() === uri.toString());
    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the clean tab', () => !isDirty(uri));
    assert.deepEqual(exported, mapOf(file));
  });

  it('makes no edit where nothing changes', async () => {
    const { document, uri } = await opened('nothing.qcow2');
    const tally = await writeZeroes({ uri, offset: '12M', length: '1M' });
    assert.equal(tally?.changed, false);
    assert.equal(document.state?.edits?.done, 0);
    assert.equal(isDirty(uri), false);
  });

  it('follows the setting of the policy', async () => {
    const { document, uri } = await opened('policy.qcow2');
    const settings = vscode.workspace.getConfiguration('qcow2');
    await settings.update('unmapPolicy', 'zero-flag', vscode.ConfigurationTarget.Global);
    try {
      await writeZeroes({ uri, offset: '0', length: '1M' });
    } finally {
      await settings.update('unmapPolicy', undefined, vscode.ConfigurationTarget.Global);
    }
    assert.equal((await wholeDisk(document))['zeroPlain'], MIB);
  });

  it('follows the setting of its own folder', async () => {
    const { document, uri } = await opened('folder-policy.qcow2');
    const settings = vscode.workspace.getConfiguration('qcow2', uri);
    await settings.update('unmapPolicy', 'zero-flag', vscode.ConfigurationTarget.WorkspaceFolder);
    try {
      await writeZeroes({ uri, offset: '0', length: '1M' });
    } finally {
      await settings.update('unmapPolicy', undefined, vscode.ConfigurationTarget.WorkspaceFolder);
    }
    assert.equal((await wholeDisk(document))['zeroPlain'], MIB);
  });

  it('discards as it zeroes', async () => {
    const { document, uri } = await opened('discard.qcow2');
    const tally = await discard({ uri, offset: '0', length: '1M' });
    assert.equal(tally?.operation, 'discard');
    assert.equal((await wholeDisk(document))['zeroPlain'], MIB);
  });

  it('refuses a range that is none', async () => {
    const { document, uri } = await opened('range.qcow2');
    for (const [offset, length] of [
      ['16M', '1'],
      ['15M', '2M'],
      ['here', '1M'],
      ['0', 'much'],
    ]) {
      await vscode.commands.executeCommand('qcow2.writeZeroes', { uri, offset, length });
    }
    assert.equal(document.state?.edits?.done, 0);
  });

  it('is saved as QEMU would have it, and the tab is clean', async () => {
    const { document, uri, file } = await opened('saved.qcow2');
    const twin = folder.file('twin.qcow2');
    copyFileSync(file, twin);
    qemuIo(twin, 'discard 1M 2M');
    await writeZeroes({ uri, offset: '1M', length: '2M' });
    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the clean tab', () => !isDirty(uri));
    qemuImg('check', file);
    qemuImg('compare', file, twin);
    assert.deepEqual(
      (mapOf(file) as { start: number; data: boolean }[])
        .filter(({ data }) => data)
        .map(({ start }) => start),
      [0, 3 * MIB, 8 * MIB],
    );
    assert.equal(document.state?.edits?.unsaved, 0);
    assert.equal(document.state.edits.stagedBytes, 0);
  });

  it('undone after a save and saved again leaves the first image, byte for byte', async () => {
    const { document, uri, file } = await opened('back.qcow2');
    const before = readFileSync(file);
    await writeZeroes({ uri, offset: '0', length: '4M' });
    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the clean tab', () => !isDirty(uri));
    assert.notDeepEqual(readFileSync(file), before);
    await vscode.commands.executeCommand('undo');
    await waitFor('the dirty tab', () => isDirty(uri));
    assert.deepEqual(await wholeDisk(document), { data: 5 * MIB, unallocated: 11 * MIB });
    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the clean tab', () => !isDirty(uri));
    assert.deepEqual(readFileSync(file), before);
    await vscode.commands.executeCommand('redo');
    await waitFor('the redo', () => document.state?.edits?.unsaved === 1);
    assert.deepEqual(await wholeDisk(document), { data: MIB, unallocated: 15 * MIB });
  });

  it('in place of a saved one that was undone keeps the tab dirty', async () => {
    const { uri } = await opened('other.qcow2');
    await writeZeroes({ uri, offset: '0', length: '1M' });
    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the clean tab', () => !isDirty(uri));
    await vscode.commands.executeCommand('undo');
    await waitFor('the dirty tab', () => isDirty(uri));
    await writeZeroes({ uri, offset: '2M', length: '1M' });
    await waitFor('the dirty tab', () => isDirty(uri));
    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the clean tab', () => !isDirty(uri));
  });

  it('is thrown away by Revert File', async () => {
    const { document, uri, file } = await opened('revert.qcow2');
    const before = readFileSync(file);
    await writeZeroes({ uri, offset: '0', length: '1M' });
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await waitFor('the clean tab', () => !isDirty(uri));
    assert.deepEqual(await wholeDisk(document), { data: 5 * MIB, unallocated: 11 * MIB });
    assert.deepEqual(readFileSync(file), before);
  });

  it('is seen in every view of the document', async () => {
    const { document, uri } = await opened('views.qcow2');
    await vscode.commands.executeCommand('workbench.action.splitEditorRight');
    await waitFor('two views', () => vscode.window.tabGroups.all.length === 2);
    assert.equal((await openedDocument(exports, uri)).document, document);
    await writeZeroes({ uri, offset: '0', length: '1M' });
    await waitFor('both tabs dirty', () =>
      vscode.window.tabGroups.all.every((group) => group.activeTab?.isDirty === true),
    );
  });
});
