/** The sample of the walkthrough: a copy that can be changed, with the file that it depends on. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { activateExtension, closeAllEditors, openedDocument, wholeDisk } from '../support/extension';

describe('the sample image', () => {
  let exports: Exports;

  before(async () => {
    exports = await activateExtension();
  });

  afterEach(closeAllEditors);

  it('is opened as a copy, whole with its chain, and the same one again', async () => {
    const uri = await vscode.commands.executeCommand<vscode.Uri>('qcow2.openSample');
    const { document, state } = await openedDocument(exports, uri);
    assert.equal(state.problem, undefined);
    assert.deepEqual(
      state.chain?.layers.map(({ state: layer }) => layer),
      ['open', 'open'],
    );
    const kinds = Object.keys(await wholeDisk(document)).sort();
    const all = ['backing1', 'compressed', 'data', 'unallocated', 'zeroAllocated', 'zeroPlain'];
    assert.deepEqual(kinds, all);
    assert.equal((await exports.guards(document)).refusals.length, 0);
    await closeAllEditors();
    const again = await vscode.commands.executeCommand<vscode.Uri>('qcow2.openSample');
    assert.equal(again.toString(), uri.toString());
  });
});
