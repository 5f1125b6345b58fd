/** What a repair does and what is lost by it, in the display language. */
import * as vscode from 'vscode';
import { describeExample, describeLoss } from '../../qcow2/describeRepair';
import { REPAIR_TEXT } from '../../qcow2/repairText';
import type { RepairActionKind, RepairExample, RepairLoss, RepairMode } from '../../worker/api';
import { translate } from './describe';

/** The edit's name in the list of what can be undone. */
export function repairLabel(mode: RepairMode): string {
  return mode === 'leaks' ? vscode.l10n.t('Repair leaks') : vscode.l10n.t('Repair everything');
}

export const actionText = (kind: RepairActionKind): string => translate(REPAIR_TEXT[kind], {});

export const exampleText = (example: RepairExample): string => describeExample(example, translate);

export const lossText = (loss: RepairLoss): string => describeLoss(loss, translate);
