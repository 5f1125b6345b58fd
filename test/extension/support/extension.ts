/** Shared by the suite's files: the activated extension, and waiting. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import type { ImageDocument } from '../../../src/editor/model/document';
import { CELL_KINDS } from '../../../src/qcow2/map/cellCounts';
import type { ImageState } from '../../../src/worker/api';

const EXTENSION_ID = 'qcow2-editor.qcow2-editor';

/** The running extension; until it is active, VS Code opens its files in the text editor. */
export async function activateExtension(): Promise<Exports> {
  const extension = vscode.extensions.getExtension<Exports | undefined>(EXTENSION_ID);
  assert.ok(extension, 'the extension is installed');
  const exports = await extension.activate();
  assert.ok(exports, 'it runs for tests');
  return exports;
}

/** A file of the installed extension. */
export function extensionFile(...parts: string[]): string {
  const extension = vscode.extensions.getExtension(EXTENSION_ID);
  assert.ok(extension, 'the extension is installed');
  return vscode.Uri.joinPath(extension.extensionUri, ...parts).fsPath;
}

/** Waits until `look` gives something, and gives it back. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  milliseconds = 15_000,
): Promise<T> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The open document of a file and what the worker first answered. */
export async function openedDocument(
  exports: Exports,
  uri: vscode.Uri,
): Promise<{ document: ImageDocument; state: ImageState }> {
  const document = await waitFor(`a document for ${uri.toString()}`, () => exports.images.find(uri));
  return { document, state: await document.whenRead() };
}

/** Guest bytes by kind over the whole disk, once the scan is done. */
export async function wholeDisk(document: ImageDocument): Promise<Record<string, number>> {
  const clusterSize = document.state?.summary?.clusterSize ?? 65536;
  const totals = await waitFor('the scan of the whole disk', async () => {
    const cells = await document.ask((engine) =>
      engine.cells({ start: 0, bytesPerCell: clusterSize, count: 0 }),
    );
    assert.ok(cells.ok, JSON.stringify(cells));
    const { totals } = cells.value;
    return totals.scannedBytes === totals.totalBytes && totals;
  });
  const named = CELL_KINDS.map((kind, index) => [kind, totals.bytes[index] ?? 0] as const);
  return Object.fromEntries(named.filter(([, bytes]) => bytes !== 0));
}

/** Whether images are checked by themselves: off where a suite says when. */
export async function setAutomaticChecks(isOn: boolean): Promise<void> {
  const value = isOn ? undefined : false;
  const { Global } = vscode.ConfigurationTarget;
  await vscode.workspace.getConfiguration('qcow2').update('checkAutomatically', value, Global);
}

export async function closeAllEditors(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}
