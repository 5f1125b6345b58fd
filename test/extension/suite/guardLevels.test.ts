/** The settings `qcow2.guards.*`, and that none of them loosens a guard that keeps an image intact. */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, extensionFile } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

describe('the level of a guard', () => {
  let exports: Exports;
  let folder: ImageFolder;
  /** Settings that were changed, with their previous values. */
  const former = new Map<string, unknown>();

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('guard-levels');
  });

  afterEach(async () => {
    await closeAllEditors();
    for (const [name, value] of former) await set(name, value);
    former.clear();
  });

  after(() => {
    folder.remove();
  });

  async function set(name: string, value: unknown): Promise<void> {
    const settings = vscode.workspace.getConfiguration();
    if (!former.has(name)) former.set(name, settings.inspect(name)?.globalValue);
    await settings.update(name, value, vscode.ConfigurationTarget.Global);
  }

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 4M');
    return folder.uri(name);
  }

  /** An image that another one of the workspace has as its backing file. */
  async function createBase(name: string): Promise<vscode.Uri> {
    const uri = create(name);
    folder.overlay(`over-${name}`, name);
    await exports.chains.index.refresh();
    return uri;
  }

  it('is declared with its default first, described, and not taken from folders that are not trusted', () => {
    const { contributes, capabilities } = JSON.parse(readFileSync(extensionFile('package.json'), 'utf8')) as {
      contributes: {
        configuration: { properties: Record<string, { enum?: string[]; default: unknown; scope?: string }> };
      };
      capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
    };
    const { properties } = contributes.configuration;
    const guards = Object.keys(properties).filter((name) => name.startsWith('qcow2.guards.'));
    assert.ok(guards.length >= 3);
    for (const name of guards) {
      assert.equal(properties[name]?.default, properties[name]?.enum?.[0]);
      assert.equal(properties[name]?.scope, 'resource');
    }
    assert.deepEqual(capabilities.untrustedWorkspaces.restrictedConfigurations, guards);
  });

  it('of a base refuses every change, asks, or says nothing', async () => {
    const uri = await createBase('base.qcow2');
    const document = await openImage(exports, uri);
    assert.equal((await exports.guards(document)).questions.length, 1);

    await set('qcow2.guards.usedAsBase', 'refuse');
    const { refusals, questions } = await exports.guards(document);
    assert.deepEqual(questions, []);
    assert.match(refusals.join('\n'), /over-base\.qcow2.*qcow2\.guards\.usedAsBase/);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M', confirmed: true }), undefined);
    assert.equal(document.state?.edits?.done, 0);

    await set('qcow2.guards.usedAsBase', 'ignore');
    assert.deepEqual(await exports.guards(document), { refusals: [], questions: [] });
    assert.equal((await writeZeroes({ uri, offset: '0', length: '1M' }))?.changed, true);
    await save(uri);
  });

  it('is the default where the setting has no such level', async () => {
    const uri = await createBase('odd.qcow2');
    const document = await openImage(exports, uri);
    await set('qcow2.guards.usedAsBase', 'whatever');
    assert.equal((await exports.guards(document)).questions.length, 1);
  });

  it('never lets a damaged image be changed', async () => {
    const uri = create('damaged.qcow2');
    const file = readFileSync(uri.fsPath);
    file.writeUInt16BE(0, Number(file.readBigUInt64BE(Number(file.readBigUInt64BE(48)))) + 5 * 2);
    await vscode.workspace.fs.writeFile(uri, file);
    for (const name of ['usedAsBase', 'unseenLocks', 'autoSave']) await set(`qcow2.guards.${name}`, 'ignore');
    const document = await openImage(exports, uri);
    assert.match((await exports.guards(document)).refusals.join('\n'), /damaged/);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M', confirmed: true }), undefined);
  });

  it('of Auto Save keeps edits staged without a question, until a person saves', async () => {
    const uri = create('auto.qcow2');
    const before = readFileSync(uri.fsPath);
    await set('qcow2.guards.autoSave', 'keepStaged');
    await openImage(exports, uri);
    await set('files.autoSaveDelay', 200);
    await set('files.autoSave', 'afterDelay');
    await writeZeroes({ uri, offset: '0', length: '1M' });
    // A question would throw here: there are no dialogs in this suite.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.equal(isDirty(uri), true);
    assert.deepEqual(readFileSync(uri.fsPath), before);
    await vscode.commands.executeCommand('qcow2.save');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(isDirty(uri), false);
    qemuIo(uri.fsPath, 'read -P 0 0 1M', 'read -P 1 1M 3M');
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
  });
});
