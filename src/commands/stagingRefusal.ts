/** Why nothing may be staged in a document now. */
import * as vscode from 'vscode';
import { type FindOverlays, type GuardOptions, guardsOf } from '../editor/guards/guards';
import type { ImageDocument } from '../editor/model/document';

/** What the user has to decide first; undefined where there is nothing. */
export const outsideRefusal = (document: ImageDocument): string | undefined =>
  document.isChangedOutside
    ? vscode.l10n.t(
        'Another program changed the file while edits were staged. Keep or discard the edits first.',
      )
    : undefined;

/**
 * What the guards refuse, or ask and the user has not confirmed; undefined where there is nothing.
 * @param confirmed ids of the guards' questions that the user has answered with yes
 */
export async function guardRefusal(
  document: ImageDocument,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
  options: GuardOptions,
): Promise<string | undefined> {
  const { refusals, questions } = await guardsOf(document, findOverlays, options);
  if (refusals[0] !== undefined) return refusals[0];
  document.confirm(confirmed);
  return questions.find(({ id }) => !document.isConfirmed(id))?.text;
}
