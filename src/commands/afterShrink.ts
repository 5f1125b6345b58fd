/**
 * What follows a shrink that was staged. Its save makes the file no shorter, since undo would need what it has freed; so the
 * user then chooses: compact the file, return the free space, or nothing of the kind.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import type { Subscription } from '../editor/model/emitter';
import { sizeText } from '../text/sizeText';
import { tellInformation } from '../text/vscode/tell';
import { uriOf } from './changeRequest';
import { saveInSight } from './save';

/** Documents that have a shrink staged, and what waits for its save. */
const waiting = new WeakMap<ImageDocument, Subscription>();

/** @param freed bytes that become free with the save */
export function followShrink(document: ImageDocument, freed: number): void {
  const number = document.state?.edits?.done ?? 0;
  waiting.get(document)?.dispose();
  const subscription = document.onDidSave((edits) => {
    subscription.dispose();
    // Undone by then, it has freed nothing.
    if ((edits?.done ?? 0) >= number) void offerToMakeSmaller(document);
  });
  waiting.set(document, subscription);
  void offerToSave(document, freed);
}

async function offerToSave(document: ImageDocument, freed: number): Promise<void> {
  const uri = uriOf(document);
  const save = vscode.l10n.t('Save');
  const text = vscode.l10n.t('{0} of {1} become free when it is saved.', sizeText(freed), basename(uri.path));
  if ((await tellInformation(text, save)) === save) await saveInSight(uri);
}

/** Both ways say what they do, and that it cannot be undone, before they do it. */
async function offerToMakeSmaller(document: ImageDocument): Promise<void> {
  const uri = uriOf(document);
  const ways = new Map([
    [vscode.l10n.t('Compact…'), 'qcow2.compact'],
    [vscode.l10n.t('Reclaim Free Space…'), 'qcow2.giveBack'],
  ]);
  const text = vscode.l10n.t('{0} is saved. The file is not shorter yet.', basename(uri.path));
  const command = ways.get((await tellInformation(text, ...ways.keys())) ?? '');
  if (command !== undefined) await vscode.commands.executeCommand(command, uri);
}
