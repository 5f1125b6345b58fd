/** The way of a shrink from page or command into the document: what it would free, the guards, then the edit. */
import * as vscode from 'vscode';
import type { ChangeRequest, ProgressReport, ShrinkSource } from '../worker/api';
import type { FindOverlays } from '../editor/guards/guards';
import { guardsOf, readOnlyReason } from '../editor/guards/guards';
import type { GuardReport, ShrinkOffer, TextResult } from '../editor/page/messages';
import type { ImageDocument } from '../editor/model/document';
import { describe, describeWithFile } from '../text/vscode/describe';
import { followShrink } from './afterFreeing';
import { unmapPolicy, uriOf } from './changeRequest';
import { preview } from './preview';
import { outsideRefusal } from './stagingRefusal';

const SCAN = Symbol('content scan');

/** Looks at all data of the image's disk for what need not be stored. */
export async function scanContents(
  document: ImageDocument,
  report: ProgressReport,
): Promise<TextResult<undefined>> {
  const scanned = await document.run((engine, operation) => engine.scanContents(operation), {
    report,
    key: SCAN,
    stopsOlder: true,
  });
  if (!scanned.ok) return { ok: false, text: describeWithFile(scanned.problem, document.path) };
  return { ok: true, value: undefined };
}

export function stopScan(document: ImageDocument): void {
  document.stop(SCAN);
}

/** What each source would free. */
export async function shrinkOffers(document: ImageDocument): Promise<TextResult<readonly ShrinkOffer[]>> {
  const reason = readOnlyReason(document);
  if (reason !== undefined) return { ok: false, text: reason };
  const policy = unmapPolicy(uriOf(document));
  const offers = await document.run((engine, operation) => engine.shrinkOffers(policy, operation));
  if (!offers.ok) return { ok: false, text: describeWithFile(offers.problem, document.path) };
  return {
    ok: true,
    value: offers.value.map(({ source, freed, problem }) => ({
      source,
      ...(freed === undefined ? {} : { freed }),
      ...(problem === undefined ? {} : { problemText: describe(problem) }),
    })),
  };
}

/** Images that others use as their base are not shrunk: a program that reads it beside them would see it change. */
export const shrinkGuards = (document: ImageDocument, findOverlays: FindOverlays): Promise<GuardReport> =>
  guardsOf(document, findOverlays, { writesData: false, refusesOverlays: true });

/** What giving up some sources together would free, bytes. */
export async function previewShrink(
  document: ImageDocument,
  sources: readonly ShrinkSource[],
): Promise<TextResult<number>> {
  const previewed = await preview(document, (engine, operation) =>
    engine.preview(requestOf(document, sources), operation),
  );
  if (!previewed.ok) return { ok: false, text: describeWithFile(previewed.problem, document.path) };
  return { ok: true, value: previewed.value.freedBytes };
}

/**
 * Stages a shrink, and offers what makes the file smaller once it is saved.
 * @param confirmed ids of the guards' questions that the user has answered with yes
 */
export async function stageShrink(
  document: ImageDocument,
  sources: readonly ShrinkSource[],
  confirmed: readonly string[],
  findOverlays: FindOverlays,
): Promise<TextResult<{ readonly label: string }>> {
  await document.lookAgain();
  const refusal = await refusalOf(document, confirmed, findOverlays);
  if (refusal !== undefined) return { ok: false, text: refusal };
  const label = vscode.l10n.t('Shrink');
  const staged = await document.edit((staging) => staging.stage(requestOf(document, sources), label));
  if (!staged.ok) return { ok: false, text: describeWithFile(staged.problem, document.path) };
  if (staged.value.changed) followShrink(document, staged.value.freedBytes);
  return { ok: true, value: { label } };
}

async function refusalOf(
  document: ImageDocument,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
): Promise<string | undefined> {
  const outside = outsideRefusal(document);
  if (outside !== undefined) return outside;
  const { refusals, questions } = await shrinkGuards(document, findOverlays);
  if (refusals[0] !== undefined) return refusals[0];
  document.confirm(confirmed);
  return questions.find(({ id }) => !document.isConfirmed(id))?.text;
}

const requestOf = (document: ImageDocument, sources: readonly ShrinkSource[]): ChangeRequest => ({
  kind: 'shrink',
  sources,
  policy: unmapPolicy(uriOf(document)),
});
