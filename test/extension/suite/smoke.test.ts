/** The extension starts in a real VS Code. Use this file as a template for others in this suite. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';

const EXTENSION_ID = 'qcow2-editor.qcow2-editor';

describe('the extension', () => {
  before(async () => {
    // Until an extension is active, VS Code opens its files in the text editor.
    await vscode.extensions.getExtension(EXTENSION_ID)?.activate();
  });

  it('is active', () => {
    assert.equal(vscode.extensions.getExtension(EXTENSION_ID)?.isActive, true);
  });

  it('offers every command that its manifest names', async () => {
    const manifest = vscode.extensions.getExtension(EXTENSION_ID)?.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const offered = new Set(await vscode.commands.getCommands(true));
    const named = manifest.contributes.commands.map(({ command }) => command);
    assert.deepEqual(
      named.filter((command) => !offered.has(command)),
      [],
    );
  });
});
