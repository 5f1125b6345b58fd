/** An open image follows its file, and the files of its chain. */
import * as assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import type { ImageDocument } from '../../../src/editor/model/document';
import { activateExtension, closeAllEditors, openedDocument, waitFor, wholeDisk } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';

const MIB = 1024 * 1024;

describe('a change on disk', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let outside: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('follow');
    outside = ImageFolder.outside();
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
    outside.remove();
  });

  async function open(uri: vscode.Uri): Promise<ImageDocument> {
    await vscode.commands.executeCommand('vscode.open', uri);
    return (await openedDocument(exports, uri)).document;
  }

  const generationOf = (document: ImageDocument): number => document.state?.generation ?? 0;

  it('is read: the generation rises and the totals follow', async () => {
    const file = folder.create('written.qcow2', '32M');
    const document = await open(vscode.Uri.file(file));
    assert.deepEqual(await wholeDisk(document), { unallocated: 32 * MIB });
    const before = generationOf(document);
    qemuIo(file, 'write -P 1 0 3M');
    await waitFor('a new generation', () => generationOf(document) > before);
    await waitFor('the totals', async () => (await wholeDisk(document))['data'] === 3 * MIB);
  });

  it('of a backing file outside of the workspace is read', async () => {
    const base = outside.create('base.qcow2', '32M');
    const file = folder.create('over.qcow2', undefined, '-b', base, '-F', 'qcow2');
    const document = await open(vscode.Uri.file(file));
    assert.deepEqual(await wholeDisk(document), { unallocated: 32 * MIB });
    qemuIo(base, 'write -P 1 0 2M');
    await waitFor('the totals', async () => (await wholeDisk(document))['backing1'] === 2 * MIB);
  });

  it('of a file outside of the workspace, with a name full of glob characters, is read', async () => {
    const file = outside.create('a [b] {c,d} !e.qcow2', '32M');
    const document = await open(vscode.Uri.file(file));
    qemuIo(file, 'write -P 1 0 1M');
    await waitFor('the totals', async () => (await wholeDisk(document))['data'] === MIB);
  });

  it('is told when it takes the file away, and read when the file is back', async () => {
    const file = folder.create('gone.qcow2', '32M');
    const document = await open(vscode.Uri.file(file));
    assert.equal(document.isDeleted, false);
    renameSync(file, `${file}.away`);
    await waitFor('the deletion', () => document.isDeleted);
    assert.equal(document.state?.problem?.code, 'file.missing');
    renameSync(`${file}.away`, file);
    await waitFor('the file to be back', () => document.state?.summary !== undefined);
    assert.equal(document.isDeleted, false);
  });

  it('is followed to another file that takes the place of the first', async () => {
    const file = folder.create('replaced.qcow2', '32M');
    const document = await open(vscode.Uri.file(file));
    renameSync(folder.create('replacement.tmp', '48M'), file);
    await waitFor('the other size', () => document.state?.summary?.virtualSize === 48 * MIB);
  });

  it('completes a chain when the missing base comes', async () => {
    const base = outside.create('later.qcow2', '32M');
    const file = folder.create('waiting.qcow2', undefined, '-b', base, '-F', 'qcow2');
    rmSync(base);
    const document = await open(vscode.Uri.file(file));
    assert.equal(document.state?.chain?.complete, false);
    assert.equal(document.state.chain.layers[1]?.state, 'missing');
    outside.create('later.qcow2', '32M');
    await waitFor('the chain', () => document.state?.chain?.complete);
  });

  it('is read at most once a second', async () => {
    const file = folder.create('busy.qcow2', '32M');
    const document = await open(vscode.Uri.file(file));
    await wholeDisk(document);
    const before = generationOf(document);
    const start = Date.now();
    for (let round = 0; round < 20; round++) {
      qemuIo(file, `write -P ${round} ${round}M 64k`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const seconds = (Date.now() - start) / 1000;
    assert.ok(generationOf(document) - before <= Math.ceil(seconds) + 1);
    await waitFor('the last write', async () => (await wholeDisk(document))['data'] === 20 * 65536);
  });
});
