/** Repair…: the page's dialog for a person, the same repair at once for a program. */
import * as vscode from 'vscode';
import type { Checks } from '../editor/checks';
import { type FindUsers, guardsOf } from '../editor/editability';
import type { OpenImages } from '../editor/openImages';
import { stageRepair } from '../editor/repair';
import type { RepairMode, RepairReport } from '../worker/api';
import { registerCommand, tellError } from '../words/tell';
import { pageInSight } from './open';
import { type CommandTarget, imageOf } from './target';

/** What Repair may be called with by a program. */
export interface RepairArguments {
  readonly uri: vscode.Uri;
  readonly mode: RepairMode;
  /** Answers the guards' questions with yes. */
  readonly confirmed?: boolean;
}

export function registerRepair(images: OpenImages, checks: Checks, findUsers: FindUsers): vscode.Disposable {
  return registerCommand('qcow2.repair', (given?: CommandTarget | RepairArguments) =>
    repair(given, images, checks, findUsers),
  );
}

/** Answers with what was staged, where it was asked for by a program. */
async function repair(
  given: CommandTarget | RepairArguments,
  images: OpenImages,
  checks: Checks,
  findUsers: FindUsers,
): Promise<RepairReport | undefined> {
  const uri = await imageOf(given, images);
  if (uri === undefined) return undefined;
  const page = await pageInSight(uri, images);
  await page?.document.whenRead();
  if (page === undefined) return undefined;
  if (!isArguments(given)) {
    page.goTo({ repair: true });
    return undefined;
  }
  const { mode, confirmed = false } = given;
  const { document } = page;
  const { questions } = confirmed
    ? await guardsOf(document, findUsers, { allowsDamage: true })
    : { questions: [] };
  const ids = questions.map(({ id }) => id);
  const staged = await stageRepair(document, mode, ids, findUsers, checks);
  if (staged.ok) return staged.value.report;
  void tellError(staged.text);
  return undefined;
}

const isArguments = (given: CommandTarget | RepairArguments): given is RepairArguments =>
  given !== undefined && !(given instanceof vscode.Uri) && 'mode' in given;
