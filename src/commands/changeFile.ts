/**
 * The way of commands that change the file on disk at once, without an edit: what stands in the way, what is to be saved
 * first, what it would come to, the question, and how a failure is told.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { KnownOverlays } from '../editor/guards/guards';
import { guardsOf } from '../editor/guards/guards';
import type { GuardQuestion } from '../editor/guards/guardReport';
import type { OpenImages } from '../editor/host/openImages';
import type { ImageDocument } from '../editor/model/document';
import type { Cancel } from '../editor/model/operations';
import { describe, describeWithFile } from '../text/vscode/describe';
import {
  ask,
  registerCommand,
  showProgress,
  type ShownProgress,
  tellError,
  tellProblem,
} from '../text/vscode/tell';
import type { Problem, Result } from '../worker/api';
import { targetIn } from './arguments';
import { pageInSight } from './open';
import { saveInSight } from './save';
import { imageOf } from './target';

/** A change of the file on disk, with what is told before and after it. */
export interface FileChange<Preview, Done> {
  /** Id of its command. */
  readonly command: string;
  /** Titles of the progress of both. @param name of the file */
  readonly titles: (name: string) => { readonly preview: string; readonly run: string };
  preview(document: ImageDocument, cancel: Cancel): Promise<Result<Preview>>;
  run(
    document: ImageDocument,
    control: { readonly cancel: Cancel; readonly report: ShownProgress },
  ): Promise<Result<Done>>;
  /** What the user is asked; undefined where there is nothing to do, which it tells. */
  question(name: string, preview: Preview): Question | undefined;
  tellDone(uri: vscode.Uri, done: Done): void;
}

export interface Question {
  readonly text: string;
  /** Paragraphs: what it comes to; that it cannot be undone follows. */
  readonly detail: readonly string[];
  readonly yes: string;
}

/** Whether the user wants it. @param detail the paragraphs of all that is to be known */
export type Ask = (question: Question, detail: readonly string[]) => Promise<boolean>;

const askUser: Ask = async ({ text, yes }, detail) => (await ask(text, { detail, buttons: [yes] })) === yes;

export function registerFileChange<Preview, Done>(
  change: FileChange<Preview, Done>,
  images: OpenImages,
): vscode.Disposable {
  return registerCommand(change.command, async (given?: unknown): Promise<Done | undefined> => {
    const uri = await imageOf(targetIn(given), images);
    return uri === undefined ? undefined : changeFile(change, uri, images, askUser);
  });
}

/** Answers with what was done; undefined where nothing was, which the user has been told. */
export async function changeFile<Preview, Done>(
  change: FileChange<Preview, Done>,
  image: vscode.Uri,
  images: OpenImages,
  askBefore: Ask,
): Promise<Done | undefined> {
  const page = await pageInSight(image, images);
  if (page === undefined) return undefined;
  const { uri, document } = page;
  const name = basename(uri.path);
  const titles = change.titles(name);
  const questions = await questionsBefore(uri, document, change.command);
  if (questions === undefined) return undefined;
  const preview = await showProgress(titles.preview, (_, token) =>
    change.preview(document, (stop) => token.onCancellationRequested(stop)),
  );
  if (!preview.ok) {
    tellNotDone(uri, preview.problem);
    return undefined;
  }
  const question = change.question(name, preview.value);
  if (question === undefined) return undefined;
  const detail = [...question.detail, cannotBeUndone(), ...questions.map(({ text }) => text)];
  if (!(await askBefore(question, detail))) return undefined;
  document.confirm(questions.map(({ id }) => id));
  const done = await showProgress(titles.run, (report, token) =>
    change.run(document, { report, cancel: (stop) => token.onCancellationRequested(stop) }),
  );
  if (!done.ok) {
    tellNotDone(uri, done.problem);
    return undefined;
  }
  // Once its tab is closed, the result is of no interest.
  if (!document.isClosed) change.tellDone(uri, done.value);
  return done.value;
}

/** No other images are in the way: what those that have this one as their base show stays what it is. */
const noOverlays = (): Promise<KnownOverlays> => Promise.resolve({ paths: [], gaps: [] });

/**
 * The questions that are to be answered with yes; undefined where the file may not be changed now, which the user has been
 * told. Staged edits can be saved from there: then `command` runs again.
 */
async function questionsBefore(
  uri: vscode.Uri,
  document: ImageDocument,
  command: string,
): Promise<readonly GuardQuestion[] | undefined> {
  await document.whenRead();
  await document.lookAgain();
  const { refusals, questions } = await guardsOf(document, noOverlays, { writesData: false });
  if (refusals[0] !== undefined) {
    void tellError(refusals[0]);
    return undefined;
  }
  if (document.hasUnsaved) {
    void offerToSave(uri, document, command);
    return undefined;
  }
  return questions.filter(({ id }) => !document.isConfirmed(id));
}

async function offerToSave(uri: vscode.Uri, document: ImageDocument, command: string): Promise<void> {
  const save = vscode.l10n.t('Save');
  const text = describe({ kind: 'refused', code: 'space.unsaved', file: '' });
  if ((await tellError(text, save)) !== save) return;
  await saveInSight(uri);
  if (!document.hasUnsaved) await vscode.commands.executeCommand(command, uri);
}

/** Tells why it was not done, unless the user cancelled it. */
function tellNotDone(uri: vscode.Uri, problem: Problem): void {
  if (problem.kind !== 'cancelled') tellProblem(describeWithFile(problem, uri.fsPath), problem);
}

/** Earlier states need what is overwritten or given away. */
const cannotBeUndone = (): string =>
  vscode.l10n.t(
    'This cannot be undone, and earlier edits, including saved ones, can no longer be undone. Guest and snapshot data does not change.',
  );
