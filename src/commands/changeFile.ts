/**
 * The way of commands that change the file on disk at once, without an edit: what stands in the way, what is to be saved
 * first, and how a failure is told.
 */
import * as vscode from 'vscode';
import type { KnownOverlays } from '../editor/guards/guards';
import { guardsOf } from '../editor/guards/guards';
import type { GuardQuestion } from '../editor/guards/guardReport';
import type { ImageDocument } from '../editor/model/document';
import { describe, describeWithFile } from '../text/vscode/describe';
import { tellError, tellProblem } from '../text/vscode/tell';
import type { Problem } from '../worker/api';
import { saveInSight } from './save';

/** No other images are in the way: what those that have this one as their base show stays what it is. */
const noOverlays = (): Promise<KnownOverlays> => Promise.resolve({ paths: [], gaps: [] });

/**
 * The questions that are to be answered with yes; undefined where the file may not be changed now, which the user has been
 * told. Staged edits can be saved from there: then `command` runs again.
 */
export async function questionsBefore(
  uri: vscode.Uri,
  document: ImageDocument,
  command: string,
): Promise<readonly GuardQuestion[] | undefined> {
  await document.whenRead();
  await document.lookAgain();
  const { refusals, questions } = await guardsOf(document, noOverlays, { writesData: false });
  if (refusals[0] !== undefined) {
    void tellError(refusals[0]);
    return undefined;
  }
  if (document.hasUnsaved) {
    void offerToSave(uri, document, command);
    return undefined;
  }
  return questions.filter(({ id }) => !document.isConfirmed(id));
}

async function offerToSave(uri: vscode.Uri, document: ImageDocument, command: string): Promise<void> {
  const save = vscode.l10n.t('Save');
  const text = describe({ kind: 'refused', code: 'space.unsaved', file: '' });
  if ((await tellError(text, save)) !== save) return;
  await saveInSight(uri);
  if (!document.hasUnsaved) await vscode.commands.executeCommand(command, uri);
}

/** Tells why it was not done, unless the user cancelled it. */
export function tellNotDone(uri: vscode.Uri, problem: Problem): void {
  if (problem.kind !== 'cancelled') tellProblem(describeWithFile(problem, uri.fsPath), problem);
}

/** A sentence for the questions before them: earlier states need what is overwritten or given away. */
export const cannotBeUndone = (): string =>
  vscode.l10n.t(
    'This cannot be undone, and earlier edits, including saved ones, can no longer be undone. Guest and snapshot data does not change.',
  );
