/** Commands called by links and other extensions: with any arguments, and with answers that only the user may give. */
import * as assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ImageDocument } from '../../../src/editor/model/document';
import type { Exports } from '../../../src/extension';
import { openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, extensionFile } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';

/** Milliseconds after which a command counts as one that asks. */
const PATIENCE = 400;

const HOSTILE: readonly unknown[][] = [
  [null],
  [5],
  ['text'],
  [[[]], [[]]],
  [{ uri: 5, offset: {}, length: [], guest: '1', form: 7, destination: 'x' }],
  [{ uri: 'no uri\n://', host: -1 }],
  [{ kind: 'image', image: null, parent: 7 }],
  [{ kind: 'broken', reference: { nameAsWritten: {}, path: 4 }, parent: { kind: 'image' } }],
  [{ kind: 'broken', reference: { nameAsWritten: 'a' }, parent: 7 }],
];

describe('a command that is called from outside', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('arguments');
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await closeAllEditors();
  });

  after(() => {
    folder.remove();
  });

  const commands = (): string[] => {
    const manifest = JSON.parse(readFileSync(extensionFile('package.json'), 'utf8')) as {
      contributes: { commands: { command: string }[] };
    };
    return [...manifest.contributes.commands.map(({ command }) => command), 'qcow2.showFinding'];
  };

  /** The error of a command; a question that it asks instead is abandoned. */
  async function failureOf(command: string, ...given: unknown[]): Promise<string | undefined> {
    const called = Promise.resolve(vscode.commands.executeCommand(command, ...given)).then(
      () => undefined,
      (error: unknown) => `${command}(${JSON.stringify(given)}): ${String(error)}`,
    );
    const waited = new Promise<undefined>((resolve) => {
      setTimeout(resolve, PATIENCE, undefined);
    });
    return Promise.race([called, waited]);
  }

  it('takes whatever is not as it should be as not given, and does not fail', async function () {
    this.timeout(120_000);
    const failures: unknown[] = [];
    for (const command of commands()) {
      failures.push(...(await Promise.all(HOSTILE.map((given) => failureOf(command, ...given)))));
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    }
    assert.deepEqual(
      failures.filter((failure) => failure !== undefined),
      [],
    );
  });

  describe('with an answer', () => {
    let document: ImageDocument;
    let uri: vscode.Uri;

    beforeEach(async () => {
      qemuIo(folder.create('disk.qcow2', '16M'), 'write -P 1 0 8M');
      uri = folder.uri('disk.qcow2');
      document = await openImage(exports, uri);
    });

    for (const [command, given] of [
      ['qcow2.writeZeroes', { offset: '0', length: '1M', confirmed: true }],
      ['qcow2.discard', { offset: '0', length: '1M', confirmed: true }],
      ['qcow2.repair', { mode: 'all', confirmed: true }],
      ['qcow2.changeBackingFile', { name: null, confirmed: true }],
      ['qcow2.changeBackingFile', { name: 'other.qcow2', format: 'qcow2', confirmed: true }],
    ] as const) {
      it(`stages nothing: ${command} ${JSON.stringify(given)}`, async () => {
        assert.equal(await failureOf(command, { uri, ...given }), undefined);
        assert.equal(document.state?.edits?.done, 0);
      });
    }

    it('gives nothing back, and moves nothing', async () => {
      await writeZeroes({ uri, offset: '0', length: '4M' });
      await save(uri);
      const before = readFileSync(uri.fsPath);
      // Dialogs fail in this suite, which shows that the command asked.
      await failureOf('qcow2.giveBack', { uri, confirmed: true });
      await failureOf('qcow2.compact', { uri, confirmed: true });
      assert.ok(readFileSync(uri.fsPath).equals(before));
      assert.equal(document.state?.edits?.done, 1);
    });

    it('writes no map to a place that was not chosen', async () => {
      const precious = folder.uri('precious.txt');
      writeFileSync(precious.fsPath, 'precious');
      for (const destination of [precious, folder.uri('new.json')]) {
        assert.equal(await failureOf('qcow2.exportMap', { uri, form: 'json', destination }), undefined);
        await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      }
      assert.equal(readFileSync(precious.fsPath, 'utf8'), 'precious');
      assert.equal(existsSync(folder.file('new.json')), false);
    });
  });
});
