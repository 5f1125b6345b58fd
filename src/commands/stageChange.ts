/** The way of a change from page or command into the document: guards first, then the edit. */
import * as vscode from 'vscode';
import { describe, describeWithFile } from '../text/vscode/describe';
import type { ChangeRequest, ChangeTally } from '../worker/api';
import { labelOf, notesOf, requestOf } from './changeRequest';
import type { ImageDocument } from '../editor/model/document';
import { type FindUsers, guardsOf, readOnlyReason } from '../editor/guards/guards';
import type { ChangePreview, PageChange, Told } from '../editor/page/messages';

export interface Staged {
  readonly label: string;
  readonly tally: ChangeTally;
}

/**
 * Stages a change. The guards are asked before the first edit over what is on disk, and again by the save.
 * @param confirmed ids of the guards' questions that the person has answered with yes
 */
export function stageChange(
  document: ImageDocument,
  change: PageChange,
  confirmed: readonly string[],
  findUsers: FindUsers,
): Promise<Told<Staged>> {
  return stageRequest(document, requestOf(change, uriOf(document)), labelOf(change), confirmed, findUsers);
}

/** @param label the edit's name in the list of what can be undone */
export async function stageRequest(
  document: ImageDocument,
  request: ChangeRequest,
  label: string,
  confirmed: readonly string[],
  findUsers: FindUsers,
): Promise<Told<Staged>> {
  await document.lookAgain();
  const writesData = request.kind !== 'rebase';
  const refusal = await refusalOf(document, confirmed, findUsers, writesData);
  if (refusal !== undefined) return { ok: false, text: refusal };
  const staged = await document.stage(request, label);
  if (!staged.ok) return { ok: false, text: describeWithFile(staged.problem, pathOf(document)) };
  return { ok: true, value: { label, tally: staged.value } };
}

export async function previewChange(
  document: ImageDocument,
  change: PageChange,
): Promise<Told<ChangePreview>> {
  const reason = readOnlyReason(document);
  if (reason !== undefined) return { ok: false, text: reason };
  const preview = await document.preview(requestOf(change, uriOf(document)));
  if (!preview.ok) return { ok: false, text: describeWithFile(preview.problem, pathOf(document)) };
  return {
    ok: true,
    value: { tally: preview.value, notes: notesOf(preview.value, document.state?.summary) },
  };
}

async function refusalOf(
  document: ImageDocument,
  confirmed: readonly string[],
  findUsers: FindUsers,
  writesData: boolean,
): Promise<string | undefined> {
  if (document.isChangedOutside) {
    return vscode.l10n.t(
      'Another program changed the file while edits were staged. Keep or discard the edits first.',
    );
  }
  if (document.hasUnsaved) {
    // A repair that is staged may have left damage.
    const obstacles = await document.obstacles();
    const damage = obstacles.ok ? obstacles.value.find(({ isDamage }) => isDamage) : undefined;
    return damage === undefined ? readOnlyReason(document) : describe(damage.problem);
  }
  const { refusals, questions } = await guardsOf(document, findUsers, { writesData });
  if (refusals[0] !== undefined) return refusals[0];
  document.confirm(confirmed);
  return questions.find(({ id }) => !document.isConfirmed(id))?.text;
}

const uriOf = ({ source }: ImageDocument): vscode.Uri =>
  source.kind === 'path' ? vscode.Uri.file(source.path) : vscode.Uri.parse(source.uri);

const pathOf = (document: ImageDocument): string => document.state?.path ?? '';
