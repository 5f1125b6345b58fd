/**
 * Whether an image can be changed here, apart from what the engine finds in it: where the file is, whether the folder
 * is trusted, and who else shows it. VS Code would accept edits of anything; so these are asked before each.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Problem } from '../worker/api';
import { printable } from '../text/printable';
import { describe, describeWithFile } from '../words/words';
import type { ImageDocument } from './document';
import { guardLevel } from './guardLevels';
import type { GuardQuestion, GuardReport } from './messages';

/** Names of images that have a file as their backing file, as far as they are known. */
export type FindUsers = (path: string) => Promise<readonly string[]>;

export interface Leniency {
  /** For a repair, and for a save, which may be that of one: the engine knows, and refuses other saves itself. */
  readonly allowsDamage?: boolean;
}

/** Why nothing can be changed through a document at all; undefined where it can. */
export function readOnlyReason(
  document: ImageDocument,
  { allowsDamage = false }: Leniency = {},
): string | undefined {
  const { source, state } = document;
  if (source.kind === 'bytes') {
    return vscode.l10n.t('The file is not on a local disk: it is shown and cannot be changed here.');
  }
  if (!vscode.workspace.isTrusted) {
    return vscode.l10n.t('Restricted Mode: nothing is changed in a folder that is not trusted.');
  }
  if (state?.summary === undefined) return vscode.l10n.t('The image is not open.');
  if (!document.isOwner) {
    return vscode.l10n.t('The same file is open under another name: it is changed there, and shown here.');
  }
  if (state.journal?.code === 'journal.exists') {
    return vscode.l10n.t('A save of the image was interrupted: it has to be recovered before it is changed.');
  }
  if (state.journal !== undefined) return describeWithFile(state.journal, state.path);
  if (state.summary.corrupt && !allowsDamage) {
    return vscode.l10n.t('The image is marked as corrupt: it has to be repaired before it is changed.');
  }
  const fault = state.summary.faults?.find(({ blocks }) => !allowsDamage || blocks === 'repair');
  if (fault !== undefined) {
    return vscode.l10n.t('The image is damaged and cannot be changed: {0}', describe(fault.problem));
  }
  // A repair reads no data, and moves it as it is where that can be.
  if (state.summary.encryption !== undefined && !allowsDamage) {
    return vscode.l10n.t('The image is encrypted: it is shown and cannot be changed here.');
  }
  return undefined;
}

/** All that stands in the way of changing the image now. */
export async function guardsOf(
  document: ImageDocument,
  findUsers: FindUsers,
  leniency: Leniency = {},
): Promise<GuardReport> {
  const reason = readOnlyReason(document, leniency);
  if (reason !== undefined) return { refusals: [reason], questions: [] };
  const { source } = document;
  if (source.kind !== 'path') return { refusals: [], questions: [] };
  const image = vscode.Uri.file(source.path);
  const [users, obstacles] = await Promise.all([findUsers(source.path), document.obstacles()]);
  const refusals: string[] = [];
  const questions: GuardQuestion[] = [];
  if (!obstacles.ok) refusals.push(describe(obstacles.problem));
  else {
    for (const obstacle of obstacles.value) {
      const { severity, problem, isDamage = false } = obstacle;
      if (leniency.allowsDamage === true && isDamage) continue;
      if (severity === 'refuse') refusals.push(describe(problem));
      else if (isAboutLocks(obstacle) && guardLevel('unseenLocks', image) === 'refuse') {
        refusals.push(refusedBySetting(describe(problem), 'unseenLocks'));
      } else questions.push({ id: `${problem.code}:${problem.value ?? ''}`, text: describe(problem) });
    }
  }
  const level = guardLevel('usedAsBase', image);
  if (users.length > 0 && level !== 'ignore') {
    const names = users.map((user) => printable(basename(user))).join(', ');
    const text = vscode.l10n.t(
      'Other images use it as their backing file ({0}): changing it changes what they show, or corrupts them.',
      names,
    );
    if (level === 'ask') questions.push({ id: `users:${names}`, text });
    else refusals.push(refusedBySetting(text, 'usedAsBase'));
  }
  return { refusals, questions };
}

/** Whether somebody else has the image open is not known: all that the engine asks about locks. */
const isAboutLocks = ({ problem }: { readonly problem: Problem }): boolean =>
  problem.code.startsWith('lock.');

const refusedBySetting = (text: string, name: string): string =>
  vscode.l10n.t('{0} The setting {1} refuses it.', text, `qcow2.guards.${name}`);
