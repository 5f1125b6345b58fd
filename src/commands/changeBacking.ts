/**
 * Change Backing File…: another file in the image's header, or none, as `qemu-img rebase -u` does. The user chooses the
 * file, is told what that means, and has an edit staged like any other.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ChainView } from '../chains/chainView';
import { type FindOverlays, guardsOf, readOnlyReason } from '../editor/guards/guards';
import type { OpenImages } from '../editor/host/openImages';
import type { Page } from '../editor/host/page';
import { preview } from './preview';
import { stageRequest } from './stageChange';
import { ask, registerCommand, tellError, tellInformation, tellProblem } from '../text/vscode/tell';
import { describeWithFile } from '../text/vscode/describe';
import type { ChangeTally } from '../worker/api';
import { fieldIn, nodeIn, targetIn } from './arguments';
import { askForBacking } from './backingChoice';
import { rebaseDetail, rebaseLabel, rebaseQuestion } from './backingText';
import { pageInSight } from './open';
import { type CommandTarget, imageOf } from './target';

export function registerChangeBacking(
  images: OpenImages,
  chains: ChainView,
  findOverlays: FindOverlays,
): vscode.Disposable {
  return registerCommand(
    'qcow2.changeBackingFile',
    async (given?: unknown): Promise<ChangeTally | undefined> => {
      const uri = await imageOf(ownerIn(given), images);
      const page = uri === undefined ? undefined : await pageInSight(uri, images);
      if (page === undefined) return undefined;
      await page.document.whenRead();
      const reason = readOnlyReason(page.document);
      if (reason !== undefined) {
        refuse(reason);
        return undefined;
      }
      return askAndStage(page, chains, findOverlays, fieldIn(given, 'choosesFile') === true);
    },
  );
}

/** A broken link in the tree is repaired in the image that has it. */
function ownerIn(given: unknown): CommandTarget {
  const node = nodeIn(given);
  return node?.kind === 'broken' ? nodeIn(node.parent) : targetIn(given);
}

async function askAndStage(
  page: Page,
  chains: ChainView,
  findOverlays: FindOverlays,
  choosesFile: boolean,
): Promise<ChangeTally | undefined> {
  const { document, uri } = page;
  const guards = document.hasUnsaved
    ? { refusals: [], questions: [] }
    : await guardsOf(document, findOverlays, { writesData: false });
  if (guards.refusals[0] !== undefined) {
    refuse(guards.refusals[0]);
    return undefined;
  }
  const choice = await askForBacking(page, chains, choosesFile);
  if (choice === undefined) return undefined;
  if ('text' in choice) {
    refuse(choice.text);
    return undefined;
  }
  const { request, size } = choice;
  const previewed = await preview(document, (engine, operation) => engine.preview(request, operation));
  if (!previewed.ok) {
    tellProblem(describeWithFile(previewed.problem, uri.fsPath), previewed.problem);
    return undefined;
  }
  const { rebased, changed } = previewed.value;
  if (!changed || rebased === undefined) {
    void tellInformation(vscode.l10n.t('This is already the backing file of the image.'));
    return undefined;
  }
  const questions = guards.questions.filter(({ id }) => !document.isConfirmed(id));
  const sizes = { backing: size, disk: document.state?.summary?.virtualSize };
  const detail = [...rebaseDetail(rebased, sizes), ...questions.map(({ text }) => text)];
  const yes =
    rebased.after === undefined ? vscode.l10n.t('Remove Backing File') : vscode.l10n.t('Change Backing File');
  const question = rebaseQuestion(basename(uri.fsPath), rebased);
  if ((await ask(question, { detail, buttons: [yes] })) !== yes) return undefined;
  const label = rebaseLabel(request.backing?.name);
  const confirmed = questions.map(({ id }) => id);
  const staged = await stageRequest(document, request, label, confirmed, findOverlays);
  if (!staged.ok) {
    refuse(staged.text);
    return undefined;
  }
  page.goTo({ tab: 'chain' });
  return staged.value.tally;
}

function refuse(text: string): void {
  void tellError(text);
}
