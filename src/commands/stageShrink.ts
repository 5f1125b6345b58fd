/** The way of a shrink from page or command into the document: what it would free, the guards, then the edit. */
import * as vscode from 'vscode';
import type { ChangeRequest, ProgressReport } from '../worker/api';
import type { FindOverlays } from '../editor/guards/guards';
import { guardsOf, readOnlyReason } from '../editor/guards/guards';
import { guestFreeInWords } from '../editor/page/guestFreeWords';
import type { GuardReport, ShrinkChoice, ShrinkOffers, TextResult } from '../editor/page/messages';
import type { ImageDocument } from '../editor/model/document';
import { describe, describeWithFile } from '../text/vscode/describe';
import { followShrink } from './afterFreeing';
import { unmapPolicy, uriOf } from './changeRequest';
import { preview } from './preview';
import { outsideRefusal } from './stagingRefusal';

const SCAN = Symbol('content scan');
const GUEST_LOOK = Symbol('look for what the guest does not use');

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

/**
 * Finds what the guest's file systems do not use. Where the image cannot be changed, a program may have it open: then what is
 * found is not worth much.
 */
export async function lookForGuestFree(
  document: ImageDocument,
  report: ProgressReport,
): Promise<TextResult<undefined>> {
  const reason = readOnlyReason(document);
  if (reason !== undefined) return { ok: false, text: reason };
  const policy = unmapPolicy(uriOf(document));
  const looked = await document.run((engine, operation) => engine.lookForGuestFree(policy, operation), {
    report,
    key: GUEST_LOOK,
    stopsOlder: true,
  });
  if (!looked.ok) return { ok: false, text: describeWithFile(looked.problem, document.path) };
  return { ok: true, value: undefined };
}

export function stopGuestLook(document: ImageDocument): void {
  document.stop(GUEST_LOOK);
}

/** What each source would free. */
export async function shrinkOffers(document: ImageDocument): Promise<TextResult<ShrinkOffers>> {
  const reason = readOnlyReason(document);
  if (reason !== undefined) return { ok: false, text: reason };
  const policy = unmapPolicy(uriOf(document));
  const offers = await document.run((engine, operation) => engine.shrinkOffers(policy, operation));
  if (!offers.ok) return { ok: false, text: describeWithFile(offers.problem, document.path) };
  const { sources, guestFree } = offers.value;
  return {
    ok: true,
    value: {
      sources: sources.map(({ source, freed, problem }) => ({
        source,
        ...(freed === undefined ? {} : { freed }),
        ...(problem === undefined ? {} : { problemText: describe(problem) }),
      })),
      guestFree: guestFreeInWords(guestFree),
    },
  };
}

/** Images that others use as their base are not shrunk: a program that reads it beside them would see it change. */
export const shrinkGuards = (document: ImageDocument, findOverlays: FindOverlays): Promise<GuardReport> =>
  guardsOf(document, findOverlays, { writesData: false, refusesOverlays: true });

/** What giving up all that is chosen would free, bytes. */
export async function previewShrink(
  document: ImageDocument,
  choice: ShrinkChoice,
): Promise<TextResult<number>> {
  const previewed = await preview(document, (engine, operation) =>
    engine.preview(requestOf(document, choice), operation),
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
  choice: ShrinkChoice,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
): Promise<TextResult<{ readonly label: string }>> {
  await document.lookAgain();
  const refusal = await refusalOf(document, confirmed, findOverlays);
  if (refusal !== undefined) return { ok: false, text: refusal };
  const label =
    choice.guestFree.length > 0
      ? vscode.l10n.t('Shrink, with free space of the guest')
      : vscode.l10n.t('Shrink');
  const staged = await document.edit((staging) => staging.stage(requestOf(document, choice), label));
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

const requestOf = (document: ImageDocument, { sources, guestFree }: ShrinkChoice): ChangeRequest => ({
  kind: 'shrink',
  sources,
  guestFree,
  policy: unmapPolicy(uriOf(document)),
});
