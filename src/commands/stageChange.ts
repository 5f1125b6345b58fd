/** The way of a change from page or command into the document: guards first, then the edit. */
import { describe, describeWithFile } from '../text/vscode/describe';
import type { ChangeRequest, ChangeTally } from '../worker/api';
import { labelOf, makesRoom, notesOf, requestOf, uriOf } from './changeRequest';
import { followChange } from './afterFreeing';
import type { ImageDocument } from '../editor/model/document';
import { preview } from './preview';
import { guardRefusal, outsideRefusal } from './stagingRefusal';
import { type FindOverlays, obstaclesOf, readOnlyReason } from '../editor/guards/guards';
import type { ChangePreview, PageChange, TextResult } from '../editor/page/messages';

export interface Staged {
  readonly label: string;
  readonly tally: ChangeTally;
}

/**
 * Stages a change. The guards are asked before the first edit over what is on disk, and again by the save.
 * @param confirmed ids of the guards' questions that the user has answered with yes
 */
export async function stageChange(
  document: ImageDocument,
  change: PageChange,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
): Promise<TextResult<Staged>> {
  const request = requestOf(change, uriOf(document));
  const staged = await stageRequest(document, request, labelOf(change), confirmed, findOverlays);
  if (staged.ok && makesRoom(staged.value.tally)) followChange(document);
  return staged;
}

/** @param label the edit's name in the list of what can be undone */
export async function stageRequest(
  document: ImageDocument,
  request: ChangeRequest,
  label: string,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
): Promise<TextResult<Staged>> {
  await document.lookAgain();
  const writesData = request.kind !== 'rebase';
  const refusal = await refusalOf(document, confirmed, findOverlays, writesData);
  if (refusal !== undefined) return { ok: false, text: refusal };
  const staged = await document.edit((staging) => staging.stage(request, label));
  if (!staged.ok) return { ok: false, text: describeWithFile(staged.problem, document.path) };
  return { ok: true, value: { label, tally: staged.value } };
}

export async function previewChange(
  document: ImageDocument,
  change: PageChange,
): Promise<TextResult<ChangePreview>> {
  const reason = readOnlyReason(document);
  if (reason !== undefined) return { ok: false, text: reason };
  const previewed = await preview(document, (engine, operation) =>
    engine.preview(requestOf(change, uriOf(document)), operation),
  );
  if (!previewed.ok) return { ok: false, text: describeWithFile(previewed.problem, document.path) };
  return {
    ok: true,
    value: { tally: previewed.value, notes: notesOf(previewed.value, document.state?.summary) },
  };
}

async function refusalOf(
  document: ImageDocument,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
  writesData: boolean,
): Promise<string | undefined> {
  const refusal = outsideRefusal(document);
  if (refusal !== undefined) return refusal;
  if (document.hasUnsaved) {
    // A repair that is staged may have left damage.
    const obstacles = await obstaclesOf(document);
    const damage = obstacles.ok ? obstacles.value.find(({ isDamage }) => isDamage) : undefined;
    return damage === undefined ? readOnlyReason(document) : describe(damage.problem);
  }
  return guardRefusal(document, confirmed, findOverlays, { writesData });
}
