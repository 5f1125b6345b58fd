/** Editing from the suite: by the commands as a program calls them. */
import * as vscode from 'vscode';
import type { ChangeArguments } from '../../../src/commands/change';
import type { ImageDocument } from '../../../src/editor/document';
import type { Exports } from '../../../src/extension';
import type { ChangeTally } from '../../../src/worker/api';
import { closeAllEditors, openedDocument, waitFor } from './extension';

/** Milliseconds that a page is given to come up. */
const PAGE_PATIENCE = 10_000;

/**
 * Opens an image in the editor, whose page is up in the active tab. Now and then a webview of the server does not load
 * at all; a person would close the tab and open it again, and so does this, once.
 */
export async function openImage(exports: Exports, uri: vscode.Uri): Promise<ImageDocument> {
  try {
    return await openOnce(exports, uri);
  } catch {
    await closeAllEditors();
    return openOnce(exports, uri);
  }
}

async function openOnce(exports: Exports, uri: vscode.Uri): Promise<ImageDocument> {
  // Pinned: another file that is opened does not take its place.
  await vscode.commands.executeCommand('vscode.open', uri, { preview: false });
  const { document } = await openedDocument(exports, uri);
  await waitFor('the page in the active editor', () => exports.images.active?.isUp, PAGE_PATIENCE);
  return document;
}

/** By the command; the edit has reached VS Code when it answers. */
export async function writeZeroes(given: ChangeArguments): Promise<ChangeTally | undefined> {
  const tally = await vscode.commands.executeCommand<ChangeTally | undefined>('qcow2.writeZeroes', given);
  // A command at once would be carried out before the edit is taken note of; no person is that fast.
  if (tally?.changed === true) await new Promise((resolve) => setTimeout(resolve, 200));
  return tally;
}

/** Whether a tab of the file has something to save. */
export function isDirty(uri: vscode.Uri): boolean {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(
      ({ input, isDirty }) =>
        isDirty && input instanceof vscode.TabInputCustom && input.uri.fsPath === uri.fsPath,
    );
}

export async function save(uri: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.files.save');
  await waitFor('the clean tab', () => !isDirty(uri));
}
