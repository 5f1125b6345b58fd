/**
 * Whether an image can be changed here, apart from what the engine finds in it: where the file is, whether the folder
 * is trusted, and who else shows it. VS Code would accept edits of anything; so these are asked before each.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Obstacle, Problem, Result } from '../../worker/api';
import type { SearchGap } from '../../worker/indexApi';
import { listed } from '../../text/printable';
import { gapTexts } from '../../text/vscode/gapText';
import { describe, describeWithFile } from '../../text/vscode/describe';
import type { ImageDocument } from '../model/document';
import { guardLevel } from './guardLevels';
import type { GuardQuestion, GuardReport } from './guardReport';

/** What is known of the images that have a file as their backing file. */
export interface KnownOverlays {
  /** Paths of the images. */
  readonly paths: readonly string[];
  /** Why there may be more of them. */
  readonly gaps: readonly SearchGap[];
}

export type FindOverlays = (path: string) => Promise<KnownOverlays>;

export interface GuardOptions {
  /** False for what leaves an external data file alone: then it need not be asked about. */
  readonly writesData?: boolean;
  /** For a repair, and for a save, which may be that of one: the engine knows, and refuses other saves itself. */
  readonly allowsDamage?: boolean;
  /** Images that use this one as their base are a refusal, whatever the settings say. */
  readonly refusesOverlays?: boolean;
}

/** Why nothing can be changed through a document at all; undefined where it can. */
export function readOnlyReason(
  document: ImageDocument,
  { allowsDamage = false }: GuardOptions = {},
): string | undefined {
  const { source, state } = document;
  if (source.kind === 'bytes') return describe({ kind: 'refused', code: 'guard.notLocal', file: '' });
  if (!vscode.workspace.isTrusted) {
    return vscode.l10n.t('Restricted Mode: images in untrusted folders cannot be changed.');
  }
  if (state?.raw !== undefined) return vscode.l10n.t('A raw disk is shown read-only.');
  if (state?.summary === undefined) return vscode.l10n.t('The image is not open.');
  if (!document.isOwner) {
    return vscode.l10n.t('The same file is open under another name. Change it there.');
  }
  if (document.compaction !== undefined) {
    return describe({ kind: 'refused', code: 'space.compacting', file: '' });
  }
  if (state.journal?.code === 'journal.exists') {
    return vscode.l10n.t('A save of the image was interrupted. Recover the image before you change it.');
  }
  if (state.journal !== undefined) return describeWithFile(state.journal, state.path);
  const refusal = state.access?.readOnly ?? state.access?.held?.problem;
  if (refusal !== undefined) return describeWithFile(refusal, state.path);
  if (state.summary.corrupt && !allowsDamage) {
    return vscode.l10n.t('The image is marked as corrupt. Repair it before you change it.');
  }
  const fault = state.summary.faults?.find(({ blocks }) => !allowsDamage || blocks === 'repair');
  if (fault !== undefined) {
    return vscode.l10n.t('The image is damaged and cannot be changed: {0}', describe(fault.problem));
  }
  // A repair reads no data, and moves it as it is where that can be.
  if (state.summary.encryption !== undefined && !allowsDamage) {
    return vscode.l10n.t('The image is encrypted and cannot be changed here.');
  }
  return undefined;
}

/** What the engine has against changing the image now. */
export const obstaclesOf = (document: ImageDocument): Promise<Result<readonly Obstacle[]>> =>
  document.run((engine, operation) => engine.obstacles(operation));

/** All that stands in the way of changing the image now. */
export async function guardsOf(
  document: ImageDocument,
  findOverlays: FindOverlays,
  options: GuardOptions = {},
): Promise<GuardReport> {
  await document.lookAtAccess();
  const reason = readOnlyReason(document, options);
  if (reason !== undefined) return { refusals: [reason], questions: [] };
  const { source } = document;
  if (source.kind !== 'path') return { refusals: [], questions: [] };
  const image = vscode.Uri.file(source.path);
  const [overlays, obstacles] = await Promise.all([findOverlays(source.path), obstaclesOf(document)]);
  const refusals: string[] = [];
  const questions: GuardQuestion[] = [];
  if (!obstacles.ok) refusals.push(describe(obstacles.problem));
  else {
    for (const obstacle of obstacles.value) {
      const { severity, problem, isDamage = false } = obstacle;
      if (options.allowsDamage === true && isDamage) continue;
      if (options.writesData === false && isAboutDataFile(problem)) continue;
      if (severity === 'refuse') refusals.push(describeWithFile(problem, source.path));
      else if (isAboutUnseenLocks(problem) && guardLevel('unseenLocks', image) === 'refuse') {
        refusals.push(refusedBySetting(describe(problem), 'unseenLocks'));
      } else questions.push({ id: `${problem.code}:${problem.value ?? ''}`, text: describe(problem) });
    }
  }
  const { refusesOverlays = false } = options;
  const level = guardLevel('usedAsBase', image);
  if (level === 'ignore' && !refusesOverlays) return { refusals, questions };
  const usage = overlaysQuestion(overlays);
  if (usage !== undefined) {
    // What is not known is no reason to refuse; it is one to ask.
    if (refusesOverlays && overlays.paths.length > 0) refusals.push(usage.text);
    else if (level === 'ask' || overlays.paths.length === 0) questions.push(usage);
    else refusals.push(refusedBySetting(usage.text, 'usedAsBase'));
  }
  return { refusals, questions };
}

/** Names the images that use it, and says where could not be looked for more; nothing where all is known. */
export function overlaysQuestion({ paths, gaps }: KnownOverlays): GuardQuestion | undefined {
  if (paths.length === 0 && gaps.length === 0) return undefined;
  const all = paths.map((path) => basename(path));
  const reasons = gapTexts(gaps).join('; ');
  const used = vscode.l10n.t(
    'Other images use this image as their backing file ({0}). Changing it changes or corrupts their data.',
    listed(all),
  );
  const id = `users:${all.join(', ')}`;
  if (gaps.length === 0) return { id, text: used };
  const unknown =
    paths.length === 0
      ? vscode.l10n.t(
          'Other images may use this image as their backing file, and changing it would corrupt them: {0}.',
          reasons,
        )
      : vscode.l10n.t('There may be more: {0}.', reasons);
  const kinds = gaps.map(({ kind }) => kind).join();
  return { id: `${id}:${kinds}`, text: paths.length === 0 ? unknown : `${used} ${unknown}` };
}

/** Another file is written along with the image. */
const isAboutDataFile = ({ code }: Problem): boolean =>
  code === 'dataFile.beside' || code === 'dataFile.elsewhere';

/** Whether another program has the file open is not known: all that the engine asks about locks. */
export const isAboutUnseenLocks = ({ code }: Problem): boolean =>
  code === 'lock.notTaken' || code === 'lock.network' || code === 'lock.unseen';

export const refusedBySetting = (text: string, name: string): string =>
  vscode.l10n.t('{0} Refused by the setting {1}.', text, `qcow2.guards.${name}`);
