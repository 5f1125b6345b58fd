/**
 * Change Backing File…: another file in the image's header, or none, as `qemu-img rebase -u` does. A person chooses the
 * file, is told what that means, and has an edit staged like any other; a program says it all at once.
 */
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { WorkspaceIndex } from '../chains/workspaceIndex';
import type { ImageDocument } from '../editor/document';
import { type FindUsers, guardsOf, readOnlyReason } from '../editor/editability';
import type { OpenImages } from '../editor/openImages';
import type { Page } from '../editor/page';
import { stageRequest } from '../editor/stage';
import { describe, describeWithFile } from '../words/words';
import type { ChangeRequest, ChangeTally } from '../worker/api';
import { choose } from '../words/choose';
import { ask, registerCommand, tellError, tellInformation, tellProblem } from '../words/tell';
import { relativeName } from './backingName';
import { rebaseDetail, rebaseLabel, rebaseQuestion } from './backingText';
import { pageInSight } from './open';
import { type CommandTarget, imageOf } from './target';

/** What the command may be called with by a program: no question is asked then. */
export interface ChangeBackingArguments {
  readonly uri: vscode.Uri;
  /** The name as it shall be written; `null`: no backing file any more. */
  readonly name: string | null;
  /** Without one, whoever opens the image guesses from the content. */
  readonly format?: string;
  /** Answers the guards' questions with yes. */
  readonly confirmed?: boolean;
}

type Rebase = ChangeRequest & { readonly kind: 'rebase' };

export function registerChangeBacking(
  images: OpenImages,
  index: WorkspaceIndex,
  findUsers: FindUsers,
): vscode.Disposable {
  return registerCommand(
    'qcow2.changeBackingFile',
    async (given?: CommandTarget | ChangeBackingArguments): Promise<ChangeTally | undefined> => {
      const isForProgram = isArguments(given);
      const uri = await imageOf(isForProgram ? given.uri : ownerOf(given), images);
      const page = uri === undefined ? undefined : await pageInSight(uri, images);
      if (page === undefined) return undefined;
      await page.document.whenRead();
      const reason = readOnlyReason(page.document);
      if (reason !== undefined) {
        refuse(reason);
        return undefined;
      }
      return isForProgram ? stageGiven(page, given, findUsers) : askAndStage(page, index, findUsers);
    },
  );
}

const isArguments = (given: CommandTarget | ChangeBackingArguments): given is ChangeBackingArguments =>
  given !== undefined && !(given instanceof vscode.Uri) && 'uri' in given && 'name' in given;

/** A broken link in the tree is mended in the image that has it. */
function ownerOf(target: CommandTarget): CommandTarget {
  const isNode = target !== undefined && !(target instanceof vscode.Uri) && 'kind' in target;
  return isNode && target.kind === 'broken' ? target.parent : target;
}

async function stageGiven(
  { document }: Page,
  { name, format, confirmed }: ChangeBackingArguments,
  findUsers: FindUsers,
): Promise<ChangeTally | undefined> {
  const backing = name === null ? {} : { backing: { name, ...(format === undefined ? {} : { format }) } };
  const { questions } = confirmed === true ? await guardsOf(document, findUsers) : { questions: [] };
  const ids = questions.map(({ id }) => id);
  return stage(document, { kind: 'rebase', ...backing }, ids, findUsers);
}

async function askAndStage(
  page: Page,
  index: WorkspaceIndex,
  findUsers: FindUsers,
): Promise<ChangeTally | undefined> {
  const { document, uri } = page;
  const guards = document.hasUnsaved ? { refusals: [], questions: [] } : await guardsOf(document, findUsers);
  if (guards.refusals[0] !== undefined) {
    refuse(guards.refusals[0]);
    return undefined;
  }
  const request = await askForBacking(page, index);
  if (request === undefined) return undefined;
  const preview = await document.preview(request);
  if (!preview.ok) {
    tellProblem(describeWithFile(preview.problem, uri.fsPath), preview.problem);
    return undefined;
  }
  const { rebased, changed } = preview.value;
  if (!changed || rebased === undefined) {
    void tellInformation(vscode.l10n.t('The image names this backing file already.'));
    return undefined;
  }
  const questions = guards.questions.filter(({ id }) => !document.isConfirmed(id));
  const detail = [...rebaseDetail(rebased), ...questions.map(({ text }) => text)];
  const yes =
    rebased.after === undefined ? vscode.l10n.t('Remove Backing File') : vscode.l10n.t('Change Backing File');
  const question = rebaseQuestion(basename(uri.fsPath), rebased);
  if ((await ask(question, { detail, buttons: [yes] })) !== yes) return undefined;
  const ids = questions.map(({ id }) => id);
  const tally = await stage(document, request, ids, findUsers);
  if (tally !== undefined) page.goTo({ tab: 'chain' });
  return tally;
}

async function stage(
  document: ImageDocument,
  request: Rebase,
  confirmed: readonly string[],
  findUsers: FindUsers,
): Promise<ChangeTally | undefined> {
  const staged = await stageRequest(
    document,
    request,
    rebaseLabel(request.backing?.name),
    confirmed,
    findUsers,
  );
  if (staged.ok) return staged.value.tally;
  refuse(staged.text);
  return undefined;
}

function refuse(text: string): void {
  void tellError(text);
}

/** A file, and how to name it; or that there shall be none. */
async function askForBacking(page: Page, index: WorkspaceIndex): Promise<Rebase | undefined> {
  const before = page.document.state?.summary?.backingName;
  if (before !== undefined) {
    const chosen = await choose(
      [
        { label: vscode.l10n.t('Choose File…'), value: 'choose' },
        { label: vscode.l10n.t('Remove Backing File'), value: 'remove' },
      ],
      {
        title: vscode.l10n.t('Change Backing File'),
        placeHolder: vscode.l10n.t('The image names {0} now', before),
      },
    );
    if (chosen === undefined) return undefined;
    if (chosen === 'remove') return { kind: 'rebase' };
  }
  const image = page.uri.fsPath;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Choose Backing File'),
      openLabel: vscode.l10n.t('Choose'),
      defaultUri: vscode.Uri.file(dirname(image)),
    })) ?? [];
  if (file === undefined) return undefined;
  const found = await index.look(file.fsPath);
  if (found.format === 'unknown' || (found.format === 'qcow2' && found.problem !== undefined)) {
    if (found.problem !== undefined) refuse(describe(found.problem));
    return undefined;
  }
  const name = await askForName(image, file.fsPath);
  return name === undefined ? undefined : { kind: 'rebase', backing: { name, format: found.format } };
}

/** Relative by default, where the file lies beside the image or below. */
async function askForName(image: string, backing: string): Promise<string | undefined> {
  const relative = relativeName(image, backing);
  if (relative === undefined) return backing;
  return choose(
    [
      {
        label: relative,
        description: vscode.l10n.t('relative: both can be moved together'),
        value: relative,
      },
      {
        label: backing,
        description: vscode.l10n.t('absolute: the image can be moved alone'),
        value: backing,
      },
    ],
    {
      title: vscode.l10n.t('Name in the Image'),
      placeHolder: vscode.l10n.t('How the image names the file'),
      // The dialog before it gives the focus back late, and would close it.
      ignoreFocusOut: true,
    },
  );
}
