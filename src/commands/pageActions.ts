/** What the page's buttons and dialogs have done (`PageActions`). */
import * as vscode from 'vscode';
import type { FindOverlays } from '../editor/guards/guards';
import type { Checks } from '../editor/health/checks';
import type { PageActions } from '../editor/page/pageRequests';
import { stopCompaction } from './compact';
import { show } from './open';
import { stopPreview } from './preview';
import { previewChange, stageChange } from './stageChange';
import { previewRepair, stageRepair } from './stageRepair';
import {
  lookForGuestFree,
  previewShrink,
  scanContents,
  shrinkGuards,
  shrinkOffers,
  stageShrink,
  stopGuestLook,
  stopScan,
} from './stageShrink';

export function pageActions(findOverlays: FindOverlays, checks: Checks): PageActions {
  return {
    openImage: (uri, toTheSide) => show(uri, toTheSide ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active),
    preview: previewChange,
    stage: (document, change, confirmed) => stageChange(document, change, confirmed, findOverlays),
    previewRepair,
    stopPreview,
    stageRepair: async (document, mode, confirmed) => {
      const staged = await stageRepair(document, mode, confirmed, findOverlays, checks);
      return staged.ok ? { ok: true, value: { label: staged.value.label } } : staged;
    },
    scanContents,
    stopScan,
    stopCompaction,
    lookForGuestFree,
    stopGuestLook,
    shrinkOffers,
    shrinkGuards: (document) => shrinkGuards(document, findOverlays),
    previewShrink,
    stageShrink: (document, choice, confirmed) => stageShrink(document, choice, confirmed, findOverlays),
  };
}
