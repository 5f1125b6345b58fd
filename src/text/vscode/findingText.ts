/** What the check finds, in the display language: what, where, what is there, what should be, and what repairs it. */
import * as vscode from 'vscode';
import { describeClaim, describeFinding } from '../../qcow2/describeFinding';
import type { Claim, Finding, Structure } from '../../worker/api';
import { translate } from './describe';

/** In one sentence or two; where a check counts it more often than it is told, with how often. */
export function findingText(finding: Finding): string {
  const { times, clusters = 1 } = finding;
  const counted = times === clusters ? undefined : vscode.l10n.t('Counted {0} times.', times);
  const parts = [describeFinding(finding, translate), repairText(finding), counted];
  return parts
    .filter((part) => part !== undefined)
    .reduce((text, part) => vscode.l10n.t('{0} {1}', text, part));
}

export const claimText = (claim: Claim): string => describeClaim(claim, translate);

export const structureText = (structure: Structure): string => translate(structure, {});

function repairText({ repair }: Finding): string | undefined {
  switch (repair) {
    case 'leaks':
      return vscode.l10n.t('Fixed by Repair Leaks.');
    case 'all':
      return vscode.l10n.t('Fixed by Repair Everything.');
    case 'rebuild':
      return vscode.l10n.t('Repair Everything rebuilds the refcounts.');
    case 'none':
      return undefined;
  }
}
