/** Automatic checks: after opening and after each save, in the background, and without a trace if they are abandoned. */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { DamagedFile } from '../../support/damagedFile';
import { writeGiantImage } from '../../support/giantImages';
import { Holder } from '../../support/holder';
import { openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, setAutomaticChecks, waitFor } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';
import { guestOffset } from '../../../src/qcow2/units';

const TIB = 2 ** 40;
/** Longer than a check is given. */
const PATIENCE = 3500;

describe('a check by itself', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('automatic');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 1M');
    return folder.uri(name);
  }

  const kindOf = (uri: vscode.Uri): string => exports.checks.of(uri.fsPath).kind;
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  it('is made after an image was opened, and changes nothing', async () => {
    const uri = create('leaks.qcow2');
    DamagedFile.do(uri.fsPath, (file) => file.leak(3));
    const before = readFileSync(uri.fsPath);
    const seen: string[] = [];
    const watching = exports.checks.onDidChange(() => seen.push(kindOf(uri)));
    await openImage(exports, uri);
    await waitFor('the check', () => kindOf(uri) === 'checked');
    watching.dispose();
    const health = exports.checks.of(uri.fsPath);
    assert.equal(health.kind === 'checked' && health.report.leaks, 3);
    // Nothing is said of it before it is done.
    assert.ok(!seen.includes('checking'));
    assert.equal(vscode.languages.getDiagnostics(uri).length, 1);
    assert.deepEqual(readFileSync(uri.fsPath), before);
  });

  it('is made again after every save, not of what is staged', async () => {
    const uri = create('saved.qcow2');
    await openImage(exports, uri);
    await waitFor('the first check', () => kindOf(uri) === 'checked');
    await writeZeroes({ uri, offset: '0', length: '64k' });
    assert.equal(kindOf(uri), 'unchecked');
    await pause(500);
    assert.equal(kindOf(uri), 'unchecked');
    await save(uri);
    await waitFor('the second check', () => kindOf(uri) === 'checked');
    const health = exports.checks.of(uri.fsPath);
    assert.equal(health.kind === 'checked' && health.report.allocatedClusters, 15);
  });

  it('is made of a terabyte after its map, and keeps no question waiting', async () => {
    const path = folder.file('giant.qcow2');
    writeGiantImage(path, { size: TIB, pattern: 'contiguous' });
    const uri = vscode.Uri.file(path);
    const document = await openImage(exports, uri);
    let longest = 0;
    const end = Date.now() + 10_000;
    while (kindOf(uri) === 'unchecked' && Date.now() < end) {
      const asked = performance.now();
      assert.ok((await document.ask((engine) => engine.inspect(guestOffset(TIB / 2)))).ok);
      longest = Math.max(longest, performance.now() - asked);
      await pause(10);
    }
    assert.ok(longest < 500, `${longest} ms`);
    // Where the machine is too slow for two seconds, nothing is known, and nothing is said.
    assert.ok(['checked', 'unchecked'].includes(kindOf(uri)));
  });

  it('gives way to one that a person asks for', async () => {
    const uri = create('asked.qcow2');
    await openImage(exports, uri);
    const report = await vscode.commands.executeCommand<{ corruptions: number } | undefined>(
      'qcow2.check',
      uri,
    );
    assert.equal(report?.corruptions, 0);
    await pause(500);
    assert.equal(kindOf(uri), 'checked');
  });

  it('is not made while another program has the image open for writing', async () => {
    const uri = create('held.qcow2');
    const holder = await Holder.open(uri.fsPath);
    try {
      await openImage(exports, uri);
      await pause(PATIENCE);
      assert.equal(kindOf(uri), 'unchecked');
    } finally {
      await holder.end();
    }
  });

  it('is not made where the setting says so', async () => {
    await setAutomaticChecks(false);
    try {
      const uri = create('off.qcow2');
      await openImage(exports, uri);
      await pause(PATIENCE);
      assert.equal(kindOf(uri), 'unchecked');
    } finally {
      await setAutomaticChecks(true);
    }
  });
});
