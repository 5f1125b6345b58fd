/**
 * Reclaim Free Space…: gives the clusters that an image does not use back to the file system. It is no edit: the user
 * is told what it would come to and that it cannot be undone, nor can what was before it.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import type { OpenImages } from '../editor/host/openImages';
import type { Control } from '../editor/model/operations';
import { sizeText } from '../text/sizeText';
import { describeWithFile } from '../text/vscode/describe';
import type { FreeSpace, GivenBack, Result } from '../worker/api';
import { targetIn } from './arguments';
import { ask, registerCommand, showProgress, tellInformation, tellWarning } from '../text/vscode/tell';
import { cannotBeUndone, questionsBefore, tellNotDone } from './changeFile';
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

class Giving {
  readonly #name: string;

  constructor(
    readonly uri: vscode.Uri,
    readonly document: ImageDocument,
    readonly ask: AskBeforeGiving,
  ) {
    this.#name = basename(uri.path);
  }

  /** Answers with what was given back; undefined where nothing was, which the user has been told. */
  async run(): Promise<GivenBack | undefined> {
    const { document } = this;
    const name = this.#name;
    const questions = await questionsBefore(this.uri, document, 'qcow2.giveBack');
    if (questions === undefined) return undefined;
    const space = await withProgress(vscode.l10n.t('Looking for free space in {0}', name), ({ cancel }) =>
      document.edit((staging) => staging.space.freeSpace(cancel)),
    );
    if (!space.ok) {
      tellNotDone(this.uri, space.problem);
      return undefined;
    }
    const { storedBytes, fileSize, newFileSize } = space.value;
    if (storedBytes === 0 && newFileSize === fileSize) {
      void tellInformation(
        [vscode.l10n.t('{0} has no free space to reclaim.', name), ...whatStays(space.value)].join(' '),
      );
      return undefined;
    }
    const texts = questions.map(({ text }) => text);
    if (!(await this.ask(name, space.value, texts))) return undefined;
    document.confirm(questions.map(({ id }) => id));
    const given = await withProgress(vscode.l10n.t('Reclaiming free space of {0}', name), (control) =>
      document.edit((staging) => staging.space.giveBack(control)),
    );
    if (!given.ok) {
      tellNotDone(this.uri, given.problem);
      return undefined;
    }
    this.#tell(given.value);
    return given.value;
  }

  #tell(given: GivenBack): void {
    const back = sizeText(Math.max(0, given.before.allocatedBytes - given.after.allocatedBytes));
    const left = sizeText(given.after.allocatedBytes);
    const name = this.#name;
    const text = [
      vscode.l10n.t('Reclaimed {1} of {0}; the file now takes {2}.', name, back, left),
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
}

async function askBeforeGiving(
  name: string,
  space: FreeSpace,
  questions: readonly string[],
): Promise<boolean> {
  const question = vscode.l10n.t('Reclaim the free space of {0}?', name);
  const detail = [...spaceText(space), cannotBeUndone(), ...whatStays(space), ...questions];
  const yes = vscode.l10n.t('Reclaim');
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

function spaceText({ storedBytes, isUpperBound, fileSize, newFileSize }: FreeSpace): string[] {
  const size = sizeText(storedBytes);
  const stored = isUpperBound
    ? vscode.l10n.t('Up to {0} can be reclaimed.', size)
    : vscode.l10n.t('{0} can be reclaimed.', size);
  const sizes = [sizeText(fileSize - newFileSize), sizeText(newFileSize)] as const;
  return [
    ...(storedBytes === 0 ? [] : [stored]),
    ...(fileSize === newFileSize ? [] : [vscode.l10n.t('The file shrinks by {0} to {1}.', ...sizes)]),
  ];
}

function whatStays({ canMakeHoles, dataFile }: FreeSpace | GivenBack): string[] {
  return [
    ...(canMakeHoles
      ? []
      : [
          vscode.l10n.t('The file system does not support holes: only the end of the file can be truncated.'),
        ]),
    ...(dataFile === undefined
      ? []
      : [
          vscode.l10n.t(
            'The external data file {0} is not changed: it has no record of unused space.',
            dataFile,
          ),
        ]),
  ];
}
