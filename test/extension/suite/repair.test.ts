/** Repair: an edit like any other, on an image that no other edit may change. */
import * as assert from 'node:assert/strict';
import { linkSync, readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import type { CheckReport, RepairMode, RepairReport } from '../../../src/worker/api';
import { DamagedFile } from '../../support/damagedFile';
import { isDirty, openImage, save, untilTaken, writeZeroes } from '../support/edits';
import {
  activateExtension,
  closeAllEditors,
  openedDocument,
  setAutomaticChecks,
  waitFor,
} from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

describe('a repair', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    await setAutomaticChecks(false);
    folder = ImageFolder.inWorkspace('repair');
  });

  afterEach(closeAllEditors);

  after(async () => {
    await setAutomaticChecks(true);
    folder.remove();
  });

  /** An image with a cluster that is not counted, one that two entries name, and leaks. */
  function damaged(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 1M', 'write -P 2 320k 64k');
    DamagedFile.do(folder.file(name), (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.setEntry(7, file.entry(5));
      file.leak(2);
    });
    return folder.uri(name);
  }

  const check = (uri: vscode.Uri): Thenable<CheckReport | undefined> =>
    vscode.commands.executeCommand<CheckReport | undefined>('qcow2.check', uri);

  async function repair(given: {
    readonly uri: vscode.Uri;
    readonly mode: RepairMode;
  }): Promise<RepairReport | undefined> {
    const { document } = await openedDocument(exports, given.uri);
    const staged = await exports.actions.repair(document, given.mode, []);
    const report = staged.ok ? staged.value.report : undefined;
    if (report?.changed === true) await untilTaken();
    return report;
  }

  const health = (uri: vscode.Uri): string => {
    const known = exports.checks.of(uri.fsPath);
    if (known.kind !== 'checked') return known.kind;
    return known.report.corruptions + known.report.defects + known.report.leaks === 0 ? 'clean' : 'damaged';
  };

  it('is checked, staged, undone, redone and saved, and QEMU finds the image sound', async () => {
    const uri = damaged('whole.qcow2');
    const before = readFileSync(uri.fsPath);
    const document = await openImage(exports, uri);
    assert.ok(((await check(uri))?.corruptions ?? 0) > 0);
    // Nothing else is done to it.
    assert.equal(await writeZeroes({ uri, offset: '8M', length: '64k' }), undefined);

    const report = await repair({ uri, mode: 'all' });
    assert.equal(report?.after.corruptions, 0);
    assert.equal(report.lossCount, 0);
    assert.ok(isDirty(uri));
    assert.equal(health(uri), 'clean');
    assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
    assert.deepEqual(readFileSync(uri.fsPath), before);

    await vscode.commands.executeCommand('undo');
    await waitFor('nothing staged', () => document.state?.edits?.unsaved === 0);
    assert.equal(health(uri), 'unchecked');
    assert.ok(((await check(uri))?.corruptions ?? 0) > 0);
    await vscode.commands.executeCommand('redo');
    await waitFor('the repair again', () => document.state?.edits?.unsaved === 1);
    assert.equal((await check(uri))?.corruptions, 0);

    await save(uri);
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
    qemuIo(uri.fsPath, 'read -P 1 0 320k', 'read -P 2 320k 64k', 'read -P 2 448k 64k', 'read -P 1 512k 512k');
    assert.equal((await check(uri))?.corruptions, 0);
    assert.equal((await writeZeroes({ uri, offset: '0', length: '64k' }))?.changed, true);
  });

  it('that is undone after the save, and saved again, leaves the damaged image, byte for byte', async () => {
    const uri = damaged('back.qcow2');
    const before = readFileSync(uri.fsPath);
    const document = await openImage(exports, uri);
    await repair({ uri, mode: 'all' });
    await save(uri);
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
    await vscode.commands.executeCommand('undo');
    await waitFor('the damage staged', () => document.state?.edits?.unsaved === 1);
    await save(uri);
    assert.ok(readFileSync(uri.fsPath).subarray(0, before.length).equals(before));
    assert.ok(((await check(uri))?.corruptions ?? 0) > 0);
  });

  it('opens an image whose snapshot table keeps QEMU from opening it, says so, and repairs it', async () => {
    const path = folder.create('snapshots.qcow2', '16M');
    qemuIo(path, 'write -P 1 0 1M');
    qemuImg('snapshot', '-c', 'one', path);
    DamagedFile.do(path, (file) => {
      file.growSnapshotExtra(2000);
    });
    assert.throws(() => qemuImg('info', path), /Too much extra metadata/);
    const uri = folder.uri('snapshots.qcow2');
    const document = await openImage(exports, uri);
    const problem = (): string | undefined => document.state?.summary?.faults?.[0]?.problem.code;
    assert.equal(problem(), 'snapshot.extraData');
    assert.equal(await writeZeroes({ uri, offset: '8M', length: '64k' }), undefined);
    assert.ok(((await check(uri))?.byKind.snapshotExtraData ?? 0) > 0);
    assert.ok(
      vscode.languages
        .getDiagnostics(uri)
        .some(({ message }) => message.startsWith('Snapshot #1: it has 2000 bytes of extra data')),
    );

    const report = await repair({ uri, mode: 'all' });
    assert.equal(report?.after.corruptions, 0);
    assert.equal(problem(), undefined);
    await save(uri);
    assert.match(qemuImg('check', path), /No errors were found/);
    assert.match(qemuImg('snapshot', '-l', path), /one/);
    assert.equal((await writeZeroes({ uri, offset: '0', length: '64k' }))?.changed, true);
  });

  it('survives its backup, and is saved from there', async () => {
    const uri = damaged('kept.qcow2');
    const backup = folder.file('backup');
    const document = await openImage(exports, uri);
    await repair({ uri, mode: 'all' });
    assert.ok((await document.backups.write(backup)).ok);
    await document.revert();
    const restored = await document.backups.restore(backup);
    assert.deepEqual(restored.ok && restored.value.map(({ label }) => label), ['Repair everything']);
    const saved = await document.inTurn(() => document.edit((staging) => staging.save(() => undefined)));
    assert.ok(saved.ok, JSON.stringify(saved));
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
  });

  it('of leaks leaves damage as it is, and the image closed to other changes', async () => {
    const uri = folder.uri('leaks.qcow2');
    qemuIo(folder.create('leaks.qcow2', '16M'), 'write -P 1 0 1M');
    const { shared, leaked } = DamagedFile.do(uri.fsPath, (file) => {
      file.setEntry(7, file.entry(5));
      return { shared: file.hostCluster(5), leaked: file.leak(2) };
    });
    await openImage(exports, uri);
    const report = await repair({ uri, mode: 'leaks' });
    assert.ok(report !== undefined);
    assert.ok(report.actions.some(({ kind }) => kind === 'refcountLowered'));
    assert.ok(report.after.corruptions + report.after.defects > 0);
    assert.equal(report.after.leaks, 0);
    assert.equal(await writeZeroes({ uri, offset: '8M', length: '64k' }), undefined);
    await save(uri);
    DamagedFile.do(uri.fsPath, (file) => {
      assert.equal(file.refcount(leaked), 0);
      assert.equal(file.hostCluster(7), shared);
    });
  });

  it('takes off the marks of an image that was not closed', async () => {
    const uri = folder.uri('dirty.qcow2');
    qemuIo(folder.create('dirty.qcow2', '16M', '-o', 'lazy_refcounts=on'), 'write -P 1 0 1M');
    DamagedFile.do(uri.fsPath, (file) => {
      file.markDirty();
      file.setRefcount(file.hostCluster(5), 0);
    });
    const document = await openImage(exports, uri);
    assert.equal(document.state?.summary?.dirty, true);
    const report = await repair({ uri, mode: 'all' });
    assert.ok(report?.actions.some(({ kind }) => kind === 'dirtyCleared'));
    await save(uri);
    await waitFor('the mark gone', () => document.state?.summary?.dirty === false);
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
    qemuIo(uri.fsPath, 'read -P 1 0 1M');
  });

  it('is refused where something else than damage stands in the way', async () => {
    const uri = damaged('linked.qcow2');
    linkSync(uri.fsPath, folder.file('other-name.qcow2'));
    const document = await openImage(exports, uri);
    assert.equal(await repair({ uri, mode: 'all' }), undefined);
    assert.equal(document.state?.edits?.unsaved, 0);
  });
});
