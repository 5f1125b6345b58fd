/** Editing from the suite: what the page's dialogs do once they are confirmed. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { parseBytes, parsePlace } from '../../../src/text/byteCount';
import { labelOf, requestOf } from '../../../src/commands/changeRequest';
import type { ImageDocument } from '../../../src/editor/model/document';
import type { PageChange } from '../../../src/editor/page/messages';
import type { Exports } from '../../../src/extension';
import type { ChangeRequest, ChangeTally } from '../../../src/worker/api';
import { activateExtension, closeAllEditors, openedDocument, waitFor } from './extension';

/** A change as a user enters it. */
export interface ChangeArguments {
  readonly uri: vscode.Uri;
  readonly offset: string;
  readonly length: string;
  /** Default true. */
  readonly unmap?: boolean;
  readonly thorough?: boolean;
  /** Answers the guards' questions with yes. */
  readonly confirmed?: boolean;
}

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

/** The edit has reached VS Code when it answers; undefined where it is refused. */
export async function writeZeroes(given: ChangeArguments): Promise<ChangeTally | undefined> {
  const { unmap = true, thorough = false } = given;
  return stageRange(given, (range) => ({ kind: 'writeZeroes', ...range, unmap, thorough }));
}

/** The same. */
export async function discard(given: ChangeArguments): Promise<ChangeTally | undefined> {
  return stageRange(given, (range) => ({ kind: 'discard', ...range }));
}

async function stageRange(
  { uri, offset, length, confirmed }: ChangeArguments,
  changeOf: (range: { start: number; length: number }) => PageChange,
): Promise<ChangeTally | undefined> {
  const { document } = await openedDocument(await activateExtension(), uri);
  const { clusterSize = 1, virtualSize = 0 } = document.state?.summary ?? {};
  const start = parsePlace(offset, clusterSize, virtualSize);
  const bytes = parseBytes(length, clusterSize);
  // An image that is not open has no clusters, and is refused for that reason.
  const range = start.ok && bytes !== undefined ? { start: start.offset, length: bytes } : undefined;
  assert.ok(range !== undefined || virtualSize === 0, `${offset} and ${length} are a range of the disk`);
  const change = changeOf(range ?? { start: 0, length: 1 });
  return stage(document, requestOf(change, uri), labelOf(change), confirmed);
}

/** The edit has reached VS Code when it answers; undefined where it is refused. */
export async function stage(
  document: ImageDocument,
  request: ChangeRequest,
  label: string,
  confirmed = false,
): Promise<ChangeTally | undefined> {
  const exports = await activateExtension();
  const { questions } = confirmed ? await exports.guards(document) : { questions: [] };
  const ids = questions.map(({ id }) => id);
  const staged = await exports.actions.stage(document, request, label, ids);
  if (!staged.ok) return undefined;
  if (staged.value.tally.changed) await untilTaken();
  return staged.value.tally;
}

/**
 * VS Code has taken note of the edits that it was told of. It is told by messages, which it takes in order, one after the
 * other: once it answers a later one, it has them. A command would be carried out at once.
 */
export async function untilTaken(): Promise<void> {
  await vscode.commands.executeCommand('setContext', 'qcow2.test.taken', true);
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
