/** Check: findings in the editor and in the tree, and how long a result remains valid. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ChainNode } from '../../../src/chains/chainModel';
import type { Exports } from '../../../src/extension';
import type { CheckReport } from '../../../src/worker/api';
import { DamagedFile } from '../../support/damagedFile';
import { writeGiantImage } from '../../support/giantImages';
import { openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, setAutomaticChecks, waitFor } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

describe('a check', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    await setAutomaticChecks(false);
    folder = ImageFolder.inWorkspace('check');
  });

  afterEach(closeAllEditors);

  after(async () => {
    await setAutomaticChecks(true);
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 1M');
    return folder.uri(name);
  }

  const check = (uri: vscode.Uri): Thenable<CheckReport | undefined> =>
    vscode.commands.executeCommand<CheckReport | undefined>('qcow2.check', uri);

  it('finds what qemu-img finds, and the image is known by it', async () => {
    const uri = create('damaged.qcow2');
    DamagedFile.do(uri.fsPath, (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.leak(2);
    });
    await openImage(exports, uri);
    assert.equal(exports.checks.of(uri.fsPath).kind, 'unchecked');
    const report = await check(uri);
    assert.deepEqual([report?.corruptions, report?.leaks], [2, 2]);
    assert.equal(exports.checks.of(uri.fsPath).kind, 'checked');
  });

  it('is made of all images that are selected in the Explorer', async () => {
    const [one, other] = [create('one.qcow2'), create('other.qcow2')];
    const text = folder.uri('notes.txt');
    await vscode.commands.executeCommand('qcow2.check', one, [one, text, other]);
    assert.deepEqual(
      [one, text, other].map(({ fsPath }) => exports.checks.of(fsPath).kind),
      ['checked', 'unchecked', 'checked'],
    );
  });

  it('tells each finding among the problems, with a way to its cluster', async () => {
    const uri = create('problems.qcow2');
    DamagedFile.do(uri.fsPath, (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.leak(2);
    });
    await openImage(exports, uri);
    await check(uri);
    const problems = vscode.languages.getDiagnostics(uri);
    const messages = problems.map(({ message }) => message);
    assert.ok(
      messages.some((text) => /^Host cluster at 0x80000: refcount 0, references 1\./.test(text)),
      messages.join('\n'),
    );
    const leak = problems.find(({ message }) => message.startsWith('2 host clusters from'));
    assert.equal(leak?.severity, vscode.DiagnosticSeverity.Warning);
    const copied = problems.find(({ message }) => message.includes('COPIED'));
    assert.equal(copied?.severity, vscode.DiagnosticSeverity.Error);
    const { value, target } = copied.code as { value: string; target: vscode.Uri };
    assert.equal(value, 'Show guest offset 0x30000');
    const [place] = JSON.parse(target.query) as [unknown];
    await vscode.commands.executeCommand(target.path, place);
    const document = exports.images.find(uri);
    await waitFor('the cluster in the map', () => document?.selection?.start === 0x30000);
    // If another program repairs the image, the findings go at the next look.
    qemuImg('check', '-q', '-r', 'all', uri.fsPath);
    await document?.lookAgain();
    assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
  });

  it('tells of the backing chain what the check of one image cannot see', async () => {
    const base = create('base.qcow2');
    const overlay = vscode.Uri.file(folder.overlay('overlay.qcow2', base.fsPath));
    await new Promise((resolve) => setTimeout(resolve, 20));
    qemuIo(base.fsPath, 'write -P 9 0 64k');
    assert.equal((await check(overlay))?.corruptions, 0);
    const [problem, ...others] = vscode.languages.getDiagnostics(overlay);
    assert.deepEqual(others, []);
    assert.match(problem?.message ?? '', /base\.qcow2/);
    assert.equal(problem?.severity, vscode.DiagnosticSeverity.Warning);
    assert.equal((problem.code as { value: string }).value, 'Show Backing Chain');
  });

  it('says of what it counts several times how often: a table that a snapshot shares', async () => {
    const uri = create('shared.qcow2');
    qemuImg('snapshot', '-c', 'one', uri.fsPath);
    DamagedFile.do(uri.fsPath, (file) => {
      file.setEntry(20, 1n << 8n);
    });
    assert.equal((await check(uri))?.corruptions, 2);
    const messages = vscode.languages.getDiagnostics(uri).map(({ message }) => message);
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /its reserved bits are set\..* Counted 2 times\./);
  });

  it('sums up what it finds by the thousand', async () => {
    const uri = create('many.qcow2');
    DamagedFile.do(uri.fsPath, (file) => {
      const first = file.leak(600);
      // Neighbours are one finding: every other one is leaked.
      for (let at = 0; at < 600; at += 2) file.setRefcount(first + at, 0);
    });
    assert.equal((await check(uri))?.leaks, 300);
    const problems = vscode.languages.getDiagnostics(uri);
    assert.equal(problems.length, 101);
    assert.match(problems.at(-1)?.message ?? '', /^200 more like this: Host cluster at/);
  });

  it('is true until the image changes: staged or undone, saved or changed by another program', async () => {
    const uri = create('changing.qcow2');
    const document = await openImage(exports, uri);
    assert.equal((await check(uri))?.corruptions, 0);
    await writeZeroes({ uri, offset: '0', length: '64k' });
    assert.equal(exports.checks.of(uri.fsPath).kind, 'unchecked');
    // Of the image as staged: a cluster less is in use.
    assert.equal((await check(uri))?.allocatedClusters, 15);
    await save(uri);
    assert.equal(exports.checks.of(uri.fsPath).kind, 'unchecked');
    assert.equal((await check(uri))?.allocatedClusters, 15);
    qemuIo(uri.fsPath, 'write -P 2 8M 64k');
    await document.lookAgain();
    assert.equal(exports.checks.of(uri.fsPath).kind, 'unchecked');
  });

  it('needs no editor, and what it found stays known until the file changes', async () => {
    const uri = create('closed.qcow2');
    DamagedFile.do(uri.fsPath, (file) => file.leak(3));
    assert.equal((await check(uri))?.leaks, 3);
    assert.equal(exports.images.find(uri), undefined);
    await openImage(exports, uri);
    assert.equal(exports.checks.of(uri.fsPath).kind, 'checked');
    await closeAllEditors();
    assert.equal(exports.checks.of(uri.fsPath).kind, 'checked');
    qemuImg('check', '-q', '-r', 'leaks', uri.fsPath);
    await waitFor('the change on disk', () => exports.checks.of(uri.fsPath).kind === 'unchecked');
  });

  it('is told in the tree', async () => {
    const uri = create('told.qcow2');
    DamagedFile.do(uri.fsPath, (file) => file.leak(1));
    const { tree } = exports.chains;
    await exports.chains.refresh();
    const find = async (): Promise<ChainNode | undefined> =>
      (await tree.getChildren()).find((node) => node.kind === 'image' && node.image.path === uri.fsPath);
    const node = await waitFor('the image in the tree', find);
    const describe = (): string => String(tree.itemOf(node).description);
    assert.doesNotMatch(describe(), /leak/);
    const told = new Promise((resolve) => tree.onDidChangeTreeData(resolve));
    await vscode.commands.executeCommand('qcow2.check', node);
    await told;
    assert.match(describe(), /^1 leak · /);
    assert.equal((tree.itemOf(node).iconPath as vscode.ThemeIcon).id, 'warning');
  });

  it('that is stopped half-way knows nothing, and can be started again', async () => {
    const path = folder.file('giant.qcow2');
    writeGiantImage(path, { size: 2 ** 40, pattern: 'alternating' });
    const uri = vscode.Uri.file(path);
    await openImage(exports, uri);
    let furthest = 0;
    const watching = exports.checks.onDidChange(() => {
      const health = exports.checks.of(path);
      if (health.kind !== 'checking' || health.done === 0) return;
      furthest = health.done / health.total;
      void vscode.commands.executeCommand('qcow2.cancelCheck', uri);
    });
    assert.equal(await check(uri), undefined);
    watching.dispose();
    assert.ok(furthest > 0 && furthest < 1, `stopped at ${furthest}`);
    assert.equal(exports.checks.of(path).kind, 'unchecked');
    assert.equal((await check(uri))?.corruptions, 0);
  });
});
