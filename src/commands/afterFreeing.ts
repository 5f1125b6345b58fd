/**
 * What follows edits that free clusters. Their save makes the file no shorter, since undo would need what they have freed; so
 * the user then chooses: compact the file, return the free space, or nothing of the kind.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import type { Subscription } from '../editor/model/emitter';
import { whenSaved } from '../editor/model/whenSaved';
import { sizeText } from '../text/sizeText';
import { tellInformation } from '../text/vscode/tell';
import { uriOf } from './changeRequest';
import { saveInSight } from './save';

/** Documents that have such an edit staged, and what waits for its save. */
const waiting = new WeakMap<ImageDocument, Subscription>();

/** Documents whose users know it: they are not told after each save. */
const informed = new WeakSet<ImageDocument>();

/** @param freed bytes that become free with the save */
export function followShrink(document: ImageDocument, freed: number): void {
  waitForSave(document, []);
  void offerToSave(document, freed);
}

/** Call it where Write Zeroes or Discard was staged and frees clusters. The user is told of it once for each document. */
export function followChange(document: ImageDocument): void {
  if (waiting.has(document) || informed.has(document)) return;
  waitForSave(document, [[vscode.l10n.t('Shrink…'), 'qcow2.shrink']]);
}

/** @param more ways that are offered before the usual ones: label and command */
function waitForSave(document: ImageDocument, more: readonly (readonly [string, string])[]): void {
  waiting.get(document)?.dispose();
  const subscription = whenSaved(document, (isSaved) => {
    waiting.delete(document);
    if (isSaved) void offerToMakeSmaller(document, more);
  });
  waiting.set(document, subscription);
}

async function offerToSave(document: ImageDocument, freed: number): Promise<void> {
  const uri = uriOf(document);
  const save = vscode.l10n.t('Save');
  const text = vscode.l10n.t('{0} of {1} become free when it is saved.', sizeText(freed), basename(uri.path));
  if ((await tellInformation(text, save)) === save) await saveInSight(uri);
}

/** All ways say what they do, and what cannot be undone, before they do it. */
async function offerToMakeSmaller(
  document: ImageDocument,
  more: readonly (readonly [string, string])[],
): Promise<void> {
  informed.add(document);
  const uri = uriOf(document);
  const ways = new Map([
    ...more,
    [vscode.l10n.t('Compact…'), 'qcow2.compact'],
    [vscode.l10n.t('Reclaim Free Space…'), 'qcow2.giveBack'],
  ]);
  const text = vscode.l10n.t('{0} is saved. The file is not shorter yet.', basename(uri.path));
  const command = ways.get((await tellInformation(text, ...ways.keys())) ?? '');
  if (command !== undefined) await vscode.commands.executeCommand(command, uri);
}
