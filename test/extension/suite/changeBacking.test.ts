/** Changing the backing file by command: staged, undone, redone and saved, judged by qemu-img and by reading. */
import * as assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import * as vscode from 'vscode';
import { backingCandidates } from '../../../src/chains/backingCandidates';
import { rebaseDetail, rebaseLabel } from '../../../src/commands/backingText';
import type { ImageDocument } from '../../../src/editor/model/document';
import type { Exports } from '../../../src/extension';
import type { ChangeTally } from '../../../src/worker/api';
import { isDirty, openImage, stage } from '../support/edits';
import { activateExtension, closeAllEditors, waitFor } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';
import { guestOffset } from '../../../src/qcow2/units';

/** @param name null for none */
function change(document: ImageDocument, name: string | null): Promise<ChangeTally | undefined> {
  const backing = name === null ? {} : { backing: { name, format: 'qcow2' } };
  return stage(document, { kind: 'rebase', ...backing }, rebaseLabel(name ?? undefined), true);
}

const backingOf = (file: string): unknown =>
  (JSON.parse(qemuImg('info', '--output=json', file)) as Record<string, unknown>)['backing-filename'];

describe('another backing file', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('changeBacking');
    for (const [name, pattern] of [
      ['one.qcow2', 1],
      ['two.qcow2', 2],
    ] as const) {
      qemuIo(folder.create(name, '4M'), `write -P ${pattern} 0 4M`);
    }
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  async function opened(name: string): Promise<{ document: ImageDocument; uri: vscode.Uri; file: string }> {
    const file = folder.overlay(name, 'one.qcow2');
    const uri = vscode.Uri.file(file);
    return { document: await openImage(exports, uri), uri, file };
  }

  const firstByte = async (document: ImageDocument): Promise<number | undefined> => {
    const bytes = await document.ask((engine) => engine.readBytes(guestOffset(0), 1));
    assert.ok(bytes.ok, JSON.stringify(bytes));
    return bytes.value[0];
  };

  const chainOf = (document: ImageDocument): readonly string[] =>
    (document.state?.chain?.layers ?? [])
      .slice(1)
      .map(({ nameAsWritten, state }) => `${nameAsWritten} ${state}`);

  it('is read through at once, while the disk is left alone; undone, redone and saved', async () => {
    const { document, uri, file } = await opened('staged.qcow2');
    const before = readFileSync(file);
    const tally = await change(document, 'two.qcow2');
    assert.deepEqual(tally?.rebased?.showsThrough, { clusters: 64, bytes: 4 * 1024 * 1024 });
    assert.equal(await firstByte(document), 2);
    assert.deepEqual(chainOf(document), ['two.qcow2 open']);
    await waitFor('the dirty tab', () => isDirty(uri));
    assert.deepEqual(readFileSync(file), before);

    await vscode.commands.executeCommand('undo');
    await waitFor('the undo', () => document.state?.edits?.unsaved === 0);
    assert.equal(await firstByte(document), 1);
    await vscode.commands.executeCommand('redo');
    await waitFor('the redo', () => document.state?.edits?.unsaved === 1);
    assert.equal(await firstByte(document), 2);

    await vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the save', () => backingOf(file) === 'two.qcow2');
    assert.equal(await firstByte(document), 2);
    qemuImg('check', file);
  });

  it('repairs a link whose file was moved', async () => {
    folder.create('moves.qcow2', '4M');
    qemuIo(folder.file('moves.qcow2'), 'write -P 3 0 4M');
    const file = folder.overlay('broken.qcow2', 'moves.qcow2');
    renameSync(folder.file('moves.qcow2'), folder.file('moved.qcow2'));
    const uri = vscode.Uri.file(file);
    const document = await openImage(exports, uri);
    assert.deepEqual(chainOf(document), ['moves.qcow2 missing']);
    await change(document, 'moved.qcow2');
    assert.deepEqual(chainOf(document), ['moved.qcow2 open']);
    assert.equal(await firstByte(document), 3);
  });

  it('is none any more', async () => {
    const { document } = await opened('removed.qcow2');
    await change(document, null);
    assert.deepEqual(chainOf(document), []);
    assert.equal(await firstByte(document), 0);
  });

  it('is offered from the images of its folder: not the image, its backing file, or what depends on it', async () => {
    const inner = ImageFolder.inWorkspace('changeBacking/inner');
    inner.create('disk.qcow2', '4M', '-b', '../one.qcow2', '-F', 'qcow2');
    inner.create('near.qcow2', '4M');
    inner.overlay('user.qcow2', 'disk.qcow2');
    const { chains } = exports;
    const disk = inner.file('disk.qcow2');
    const [{ model }, own, current] = await Promise.all([
      chains.usageOf(disk),
      chains.index.look(disk),
      chains.index.look(folder.file('one.qcow2')),
    ]);
    const offered = backingCandidates(model, own, current).map(({ path }) => path);
    assert.equal(offered[0], inner.file('near.qcow2'));
    assert.ok(offered.includes(folder.file('two.qcow2')));
    for (const path of [disk, folder.file('one.qcow2'), inner.file('user.qcow2')]) {
      assert.ok(!offered.includes(path), path);
    }
  });

  it('is told to be smaller or larger than the disk before it is staged', async () => {
    const { document } = await opened('sizes.qcow2');
    const told = async (size: number): Promise<string> => {
      const name = `${size}M.qcow2`;
      const file = folder.create(name, `${size}M`);
      const preview = await document.run((engine, operation) =>
        engine.preview({ kind: 'rebase', backing: { name, format: 'qcow2' } }, operation),
      );
      assert.ok(preview.ok && preview.value.rebased, JSON.stringify(preview));
      const { summary } = await exports.chains.index.look(file);
      const sizes = { backing: summary?.virtualSize, disk: document.state?.summary?.virtualSize };
      return rebaseDetail(preview.value.rebased, sizes).join('\n');
    };
    assert.match(await told(1), /The new file is smaller than the disk \(1 MiB instead of 4 MiB\)/);
    assert.match(await told(8), /The new file is larger than the disk \(8 MiB instead of 4 MiB\)/);
    assert.doesNotMatch(await told(4), /than the disk/);
  });

  it('is refused where it leads back to the image', async () => {
    const { document } = await opened('cycle.qcow2');
    folder.overlay('user.qcow2', 'cycle.qcow2');
    assert.equal(await change(document, 'user.qcow2'), undefined);
    assert.equal(document.state?.edits?.unsaved, 0);
    assert.deepEqual(chainOf(document), ['one.qcow2 open']);
  });
});
