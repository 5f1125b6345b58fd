/**
 * What follows a shrink that was staged. Its save makes the file no shorter, since undo would need what it has freed; so it
 * is offered, with the save or after it, to compact the file or to return the free space. Closing the offer does nothing.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import type { Subscription } from '../editor/model/emitter';
import { sizeText } from '../text/sizeText';
import { tellInformation } from '../text/vscode/tell';
import { uriOf } from './changeRequest';
import { saveInSight } from './save';

/** A way to make the file smaller. */
interface Way {
  readonly command: string;
  /** Its button before the save, and after it. */
  readonly withSave: string;
  readonly after: string;
}

const ways = (): readonly Way[] => [
  {
    command: 'qcow2.compact',
    withSave: vscode.l10n.t('Save and Compact…'),
    after: vscode.l10n.t('Compact…'),
  },
  {
    command: 'qcow2.giveBack',
    withSave: vscode.l10n.t('Save and Reclaim…'),
    after: vscode.l10n.t('Reclaim Free Space…'),
  },
];

/** Documents that have a shrink staged, and what waits for its save. */
const waiting = new WeakMap<ImageDocument, Subscription>();

/** @param freed bytes that become free with the save */
export function followShrink(document: ImageDocument, freed: number): void {
  const number = document.state?.edits?.done ?? 0;
  forget(document);
  waiting.set(
    document,
    document.onDidSave((edits) => {
      forget(document);
      // Undone by then, it has freed nothing.
      if ((edits?.done ?? 0) >= number) void offerAfterSave(document);
    }),
  );
  void offerWithSave(document, freed);
}

function forget(document: ImageDocument): void {
  waiting.get(document)?.dispose();
  waiting.delete(document);
}

async function offerWithSave(document: ImageDocument, freed: number): Promise<void> {
  const uri = uriOf(document);
  const text = vscode.l10n.t(
    '{0} of {1} become free when it is saved. The file is not shorter until it is compacted or its free space is reclaimed.',
    sizeText(freed),
    basename(uri.path),
  );
  const choices = ways();
  const answer = await tellInformation(text, ...choices.map(({ withSave }) => withSave));
  const way = choices.find(({ withSave }) => withSave === answer);
  if (way === undefined) return;
  forget(document);
  await saveInSight(uri);
  if (!document.hasUnsaved) await vscode.commands.executeCommand(way.command, uri);
}

async function offerAfterSave(document: ImageDocument): Promise<void> {
  const uri = uriOf(document);
  const text = vscode.l10n.t('{0} is saved. The file is not shorter yet.', basename(uri.path));
  const choices = ways();
  const answer = await tellInformation(text, ...choices.map(({ after }) => after));
  const way = choices.find(({ after }) => after === answer);
  if (way !== undefined) await vscode.commands.executeCommand(way.command, uri);
}
