/**
 * Give Free Space Back to the Host…: what nothing in an image uses goes back to the file system. It is no edit: the user
 * is told what it would come to and that it cannot be undone, nor can what was before it.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import { guardsOf, type KnownOverlays } from '../editor/guards/guards';
import type { OpenImages } from '../editor/host/openImages';
import type { Control } from '../editor/model/operations';
import { sizeText } from '../text/sizeText';
import { describeWithFile } from '../text/vscode/describe';
import type { FreeSpace, GivenBack, Problem, Result } from '../worker/api';
import { targetIn } from './arguments';
import {
  ask,
  registerCommand,
  showProgress,
  tellError,
  tellInformation,
  tellProblem,
  tellWarning,
} from '../text/vscode/tell';
import { pageInSight } from './open';
import { imageOf } from './target';

export function registerGiveBack(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.giveBack', async (given?: unknown): Promise<GivenBack | undefined> => {
    const uri = await imageOf(targetIn(given), images);
    return uri === undefined ? undefined : giveBack(uri, images, askBeforeGiving);
  });
}

/** Whether the user wants it, told what it comes to and what else is to be answered with yes. */
export type AskBeforeGiving = (
  name: string,
  space: FreeSpace,
  questions: readonly string[],
) => Promise<boolean>;

/** Answers with what was given back; undefined where nothing was, which the user has been told. */
export async function giveBack(
  uri: vscode.Uri,
  images: OpenImages,
  ask: AskBeforeGiving,
): Promise<GivenBack | undefined> {
  const page = await pageInSight(uri, images);
  return page === undefined ? undefined : new Giving(page.uri, page.document, ask).run();
}

/** No other images are in the way: what those that have this one as their base show stays what it is. */
const noOverlays = (): Promise<KnownOverlays> => Promise.resolve({ paths: [], gaps: [] });

class Giving {
  private readonly name: string;

  constructor(
    readonly uri: vscode.Uri,
    readonly document: ImageDocument,
    readonly ask: AskBeforeGiving,
  ) {
    this.name = basename(uri.path);
  }

  /** Answers with what was given back; undefined where nothing was, which the user has been told. */
  async run(): Promise<GivenBack | undefined> {
    const { document, name } = this;
    await document.whenRead();
    await document.lookAgain();
    const { refusals, questions } = await guardsOf(document, noOverlays, { writesData: false });
    if (refusals[0] !== undefined) {
      refuse(refusals[0]);
      return undefined;
    }
    const space = await withProgress(vscode.l10n.t('Looking for free space in {0}', name), ({ cancel }) =>
      document.edit((staging) => staging.freeSpace(cancel)),
    );
    if (!space.ok) {
      this.fail(space.problem);
      return undefined;
    }
    const { storedBytes, fileSize, newFileSize } = space.value;
    if (storedBytes === 0 && newFileSize === fileSize) {
      void tellInformation(
        [vscode.l10n.t('{0} has no free space to give back.', name), ...whatStays(space.value)].join(' '),
      );
      return undefined;
    }
    const asked = questions.filter(({ id }) => !document.isConfirmed(id));
    const texts = asked.map(({ text }) => text);
    if (!(await this.ask(name, space.value, texts))) return undefined;
    document.confirm(asked.map(({ id }) => id));
    const given = await withProgress(vscode.l10n.t('Giving free space of {0} back', name), (control) =>
      document.edit((staging) => staging.giveBack(control)),
    );
    if (!given.ok) {
      this.fail(given.problem);
      return undefined;
    }
    this.tell(given.value);
    return given.value;
  }

  private tell(given: GivenBack): void {
    const back = sizeText(Math.max(0, given.before.allocatedBytes - given.after.allocatedBytes));
    const left = sizeText(given.after.allocatedBytes);
    const { name } = this;
    const text = [
      vscode.l10n.t('{0} gave {1} back to the host; it takes {2} now.', name, back, left),
      ...whatStays(given),
    ].join(' ');
    const trouble = given.stopped ?? given.leftover;
    if (trouble === undefined && given.canMakeHoles) {
      void tellInformation(text);
      return;
    }
    const why = trouble === undefined ? [] : [describeWithFile(trouble, this.uri.fsPath)];
    void tellWarning([text, ...why].join(' '));
  }

  private fail(problem: Problem): void {
    if (problem.kind !== 'cancelled') tellProblem(describeWithFile(problem, this.uri.fsPath), problem);
  }
}

async function askBeforeGiving(
  name: string,
  space: FreeSpace,
  questions: readonly string[],
): Promise<boolean> {
  const question = vscode.l10n.t('Give the free space of {0} back to the host?', name);
  const detail = [
    ...spaceText(space),
    vscode.l10n.t(
      'This cannot be undone, and no edit from before it can be undone any more, saved ones included. Nothing that the guest or a snapshot reads changes.',
    ),
    ...whatStays(space),
    ...questions,
  ];
  const yes = vscode.l10n.t('Give Back');
  return (await ask(question, { detail, buttons: [yes] })) === yes;
}

function withProgress<T>(
  title: string,
  run: (control: Required<Pick<Control, 'report' | 'cancel'>>) => Promise<Result<T>>,
): Thenable<Result<T>> {
  return showProgress(title, (report, token) =>
    run({ report, cancel: (stop) => token.onCancellationRequested(stop) }),
  );
}

function refuse(text: string): void {
  void tellError(text);
}

function spaceText({ storedBytes, isUpperBound, fileSize, newFileSize }: FreeSpace): string[] {
  const size = sizeText(storedBytes);
  const stored = isUpperBound
    ? vscode.l10n.t('Up to {0} that nothing in the image uses go back to the file system.', size)
    : vscode.l10n.t('{0} that nothing in the image uses go back to the file system.', size);
  const sizes = [sizeText(fileSize - newFileSize), sizeText(newFileSize)] as const;
  return [
    ...(storedBytes === 0 ? [] : [stored]),
    ...(fileSize === newFileSize ? [] : [vscode.l10n.t('The file gets shorter by {0}, to {1}.', ...sizes)]),
  ];
}

function whatStays({ canMakeHoles, dataFile }: FreeSpace | GivenBack): string[] {
  return [
    ...(canMakeHoles
      ? []
      : [vscode.l10n.t('Holes cannot be made where it is: only the end of the file can be cut off.')]),
    ...(dataFile === undefined
      ? []
      : [
          vscode.l10n.t(
            'Its external data file {0} is left as it is: nothing says what of it is not in use.',
            dataFile,
          ),
        ]),
  ];
}
