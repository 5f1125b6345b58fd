/** The way of a repair from page or command into the document: what it would do, the guards, then the edit. */
import type { RepairMode, RepairReport } from '../worker/api';
import { describeWithFile } from '../text/vscode/describe';
import { actionText, exampleText, lossText, repairLabel } from '../text/vscode/repairText';
import { preview } from './preview';
import { guardRefusal, outsideRefusal } from './stagingRefusal';
import type { Checks } from '../editor/health/checks';
import type { ImageDocument } from '../editor/model/document';
import type { FindOverlays } from '../editor/guards/guards';
import type { RepairPreview, TextResult } from '../editor/page/messages';
import { pageHealth } from '../editor/page/pageState';

export interface StagedRepair {
  readonly label: string;
  readonly report: RepairReport;
}

export async function previewRepair(
  document: ImageDocument,
  mode: RepairMode,
): Promise<TextResult<RepairPreview>> {
  const previewed = await preview(document, (engine, operation) => engine.previewRepair(mode, operation));
  if (!previewed.ok) return { ok: false, text: describeWithFile(previewed.problem, document.path) };
  return { ok: true, value: repairPreview(previewed.value) };
}

function repairPreview({
  changed,
  actions,
  losses,
  lossCount,
  lostBytes,
  after,
}: RepairReport): RepairPreview {
  const { kind, text, detail } = pageHealth({ kind: 'checked', report: after, chain: [] });
  return {
    changed,
    actions: actions.map(({ kind: action, count, examples }) => ({
      kind: action,
      text: actionText(action),
      count,
      examples: examples.map(exampleText),
    })),
    losses: losses.map(lossText),
    lossCount,
    lostBytes,
    after: { kind, text, detail },
  };
}

/**
 * Stages a repair. Damage does not stand in its way; everything else that the guards find does.
 * @param confirmed ids of the guards' questions that the user has answered with yes
 */
export async function stageRepair(
  document: ImageDocument,
  mode: RepairMode,
  confirmed: readonly string[],
  findOverlays: FindOverlays,
  checks: Checks,
): Promise<TextResult<StagedRepair>> {
  await document.lookAgain();
  const options = { allowsDamage: true, writesData: false };
  const refusal =
    outsideRefusal(document) ?? (await guardRefusal(document, confirmed, findOverlays, options));
  if (refusal !== undefined) return { ok: false, text: refusal };
  const label = repairLabel(mode);
  const repaired = await document.edit((staging) => staging.repair(mode, label));
  if (!repaired.ok) return { ok: false, text: describeWithFile(repaired.problem, document.path) };
  const { report, checked } = repaired.value;
  if (report.changed) await checks.learn(document.source, checked);
  return { ok: true, value: { label, report } };
}
