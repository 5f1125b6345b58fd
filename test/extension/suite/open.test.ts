/** Images open in the editor in every way, and the worker's answers equal QEMU's. */
import * as assert from 'node:assert/strict';
import { copyFileSync, symlinkSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { activateExtension, closeAllEditors, openedDocument, waitFor, wholeDisk } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';
import { guestOffset } from '../../../src/qcow2/units';

const MIB = 1024 * 1024;

describe('opening an image', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('open');
    qemuIo(folder.create('base.qcow2', '64M'), 'write -P 1 0 1M', 'write -P 2 10M 3M');
    qemuIo(folder.overlay('middle.qcow2', 'base.qcow2'), 'write -P 3 2M 1M');
    qemuIo(folder.overlay('top.qcow2', 'middle.qcow2'), 'write -z 20M 2M', 'write -P 4 30M 5M');
    folder.create('old.qcow2', '8M', '-o', 'compat=0.10,cluster_size=4096');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  it('by vscode.open: version, chain and totals are those of the image', async () => {
    const uri = folder.uri('top.qcow2');
    await vscode.commands.executeCommand('vscode.open', uri);
    const { document, state } = await openedDocument(exports, uri);
    assert.equal(state.problem, undefined);
    assert.equal(state.summary?.version, 3);
    assert.equal(state.summary.virtualSize, 64 * MIB);
    assert.equal(state.summary.backingName, 'middle.qcow2');
    assert.deepEqual(
      state.chain?.layers.map(({ path, state: layerState }) => [path, layerState]),
      [
        [folder.file('top.qcow2'), 'open'],
        [folder.file('middle.qcow2'), 'open'],
        [folder.file('base.qcow2'), 'open'],
      ],
    );
    assert.deepEqual(await wholeDisk(document), {
      data: 5 * MIB,
      zeroPlain: 2 * MIB,
      backing1: MIB,
      backing2: 4 * MIB,
      unallocated: 52 * MIB,
    });
  });

  it('by the command: a version 2 image with clusters of 4 KiB', async () => {
    const uri = folder.uri('old.qcow2');
    await vscode.commands.executeCommand('qcow2.openImage', uri);
    const { state } = await openedDocument(exports, uri);
    assert.equal(state.summary?.version, 2);
    assert.equal(state.summary.clusterSize, 4096);
    assert.ok(state.header?.fields.some(({ name, decoded }) => name === 'version' && decoded === '2'));
  });

  it('by the command: a file of any name', async () => {
    const uri = folder.uri('disk.img');
    copyFileSync(folder.file('old.qcow2'), uri.fsPath);
    await vscode.commands.executeCommand('qcow2.openImage', uri);
    const { state } = await openedDocument(exports, uri);
    assert.equal(state.summary?.version, 2);
  });

  it('from the tree: by the command of its node', async () => {
    await exports.chains.refresh();
    const roots = await exports.chains.tree.getChildren();
    const root = roots.find((node) => exports.chains.tree.itemOf(node).label === 'top.qcow2');
    assert.ok(root, 'the tree has top.qcow2');
    const [middle] = await exports.chains.tree.getChildren(root);
    assert.ok(middle, 'top.qcow2 has a layer below');
    const { command } = exports.chains.tree.itemOf(middle);
    assert.ok(command, 'a click opens');
    await vscode.commands.executeCommand(command.command, ...((command.arguments ?? []) as unknown[]));
    const { state } = await openedDocument(exports, folder.uri('middle.qcow2'));
    assert.equal(state.chain?.layers.length, 2);
  });

  it('shows a page that asks for its state', async () => {
    const uri = folder.uri('top.qcow2');
    await vscode.commands.executeCommand('vscode.open', uri);
    await waitFor('the page', () => exports.images.pageOf(uri)?.isUp);
    assert.equal(exports.images.active?.uri.toString(), uri.toString());
  });

  it('answers with the bytes that the guest sees, through the chain', async () => {
    const uri = folder.uri('top.qcow2');
    await vscode.commands.executeCommand('vscode.open', uri);
    const { document } = await openedDocument(exports, uri);
    for (const [offset, byte] of [
      [0, 1],
      [2 * MIB, 3],
      [10 * MIB, 2],
      [20 * MIB, 0],
      [30 * MIB, 4],
    ] as const) {
      const bytes = await document.ask((engine) => engine.readBytes(guestOffset(offset), 16));
      assert.deepEqual(bytes, { ok: true, value: new Uint8Array(16).fill(byte) });
    }
    const report = await document.ask((engine) => engine.inspect(guestOffset(10 * MIB)));
    assert.ok(report.ok);
    assert.equal(report.value.providedBy, 2);
  });

  it('looks at one file once, whatever its names', async () => {
    symlinkSync('top.qcow2', folder.file('link.qcow2'));
    const [first, second] = [folder.uri('top.qcow2'), folder.uri('link.qcow2')];
    await vscode.commands.executeCommand('vscode.open', first, { preview: false });
    const one = await openedDocument(exports, first);
    await vscode.commands.executeCommand('vscode.open', second);
    const other = await openedDocument(exports, second);
    assert.equal(other.state, one.state);
  });

  it('forgets an image when its editor is closed', async () => {
    const uri = folder.uri('top.qcow2');
    await vscode.commands.executeCommand('vscode.open', uri);
    await openedDocument(exports, uri);
    await closeAllEditors();
    await waitFor('the document to go', () => exports.images.find(uri) === undefined);
  });
});
