/**
 * What stands in the way of writing over a file that is chosen by name: a copy of an image (Save As), or a map. What the
 * file itself tells (locks, links, owner) the thread that writes it looks at; here is what only this window knows.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { type FindOverlays, refusedBySetting, overlaysQuestion } from './guards';
import { guardLevel } from './guardLevels';
import type { GuardReport } from './guardReport';
import type { ImageDocument } from '../model/document';
import { identify } from '../model/source';

/** What is known in this window of files that may be written over. */
export interface ReplaceContext {
  /** The documents that are open. */
  readonly images: { all(): readonly ImageDocument[] };
  readonly findOverlays: FindOverlays;
}

export async function replaceGuards(
  target: vscode.Uri,
  { images, findOverlays }: ReplaceContext,
): Promise<GuardReport> {
  const path = target.fsPath;
  if (!(await exists(path))) return { refusals: [], questions: [] };
  const name = basename(path);
  if (await isStaged(path, images)) {
    const text = vscode.l10n.t('{0} is open and has staged edits: save or discard them first.', name);
    return { refusals: [text], questions: [] };
  }
  const level = guardLevel('usedAsBase', target);
  if (level === 'ignore') return { refusals: [], questions: [] };
  const overlays = await findOverlays(path);
  const usage = overlaysQuestion(overlays);
  if (usage === undefined) return { refusals: [], questions: [] };
  return level === 'ask' || overlays.paths.length === 0
    ? { refusals: [], questions: [usage] }
    : { refusals: [refusedBySetting(usage.text, 'usedAsBase')], questions: [] };
}

/** Whether any document on the file, under whatever name, has edits that are not on disk. */
async function isStaged(path: string, images: ReplaceContext['images']): Promise<boolean> {
  const target = await identify({ kind: 'path', path });
  for (const document of images.all()) {
    if (document.hasUnsaved && (await identify(document.source)) === target) return true;
  }
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
