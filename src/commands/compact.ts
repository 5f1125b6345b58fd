/**
 * Compact…: moves clusters from the end of the image file to free ones before it, and makes the file shorter. It is no edit:
 * the user is told what it does and that it cannot be undone. It can be cancelled after each batch, and keeps what it gained.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import type { ImageDocument } from '../editor/model/document';
import { sizeText } from '../text/sizeText';
import { compactionText } from '../text/vscode/compactionText';
import { describeWithFile } from '../text/vscode/describe';
import { ask, registerCommand, showProgress, tellInformation, tellWarning } from '../text/vscode/tell';
import type { Compacted, CompactPreview } from '../worker/api';
import { targetIn } from './arguments';
import { cannotBeUndone, questionsBefore, tellNotDone } from './changeFile';
import { pageInSight } from './open';
import { imageOf } from './target';

/** Of the compaction of a document. */
const COMPACTION = Symbol('compaction');

export function registerCompact(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.compact', async (given?: unknown): Promise<Compacted | undefined> => {
    const uri = await imageOf(targetIn(given), images);
    return uri === undefined ? undefined : compact(uri, images, askBeforeCompacting);
  });
}

/** Ends the compaction of a document after the batch that is under way. */
export function stopCompaction(document: ImageDocument): void {
  document.stop(COMPACTION);
}

/** Whether the user wants it, told what it does and what else is to be answered with yes. */
export type AskBeforeCompacting = (
  name: string,
  preview: CompactPreview,
  questions: readonly string[],
) => Promise<boolean>;

/** Answers with what was done; undefined where nothing was, which the user has been told. */
export async function compact(
  uri: vscode.Uri,
  images: OpenImages,
  askBefore: AskBeforeCompacting,
): Promise<Compacted | undefined> {
  const page = await pageInSight(uri, images);
  if (page === undefined) return undefined;
  const { document } = page;
  const name = basename(uri.path);
  const questions = await questionsBefore(page.uri, document, 'qcow2.compact');
  if (questions === undefined) return undefined;
  const preview = await showProgress(vscode.l10n.t('Looking how short {0} can be', name), (_, token) =>
    document.edit(({ space }) => space.compactPreview((stop) => token.onCancellationRequested(stop))),
  );
  if (!preview.ok) {
    tellNotDone(uri, preview.problem);
    return undefined;
  }
  const { fileSize, newFileSize } = preview.value;
  if (newFileSize >= fileSize) {
    tellNothingToGain(name);
    return undefined;
  }
  const texts = questions.map(({ text }) => text);
  if (!(await askBefore(name, preview.value, texts))) return undefined;
  document.confirm(questions.map(({ id }) => id));
  const compacted = await showProgress(vscode.l10n.t('Compacting {0}', name), (report, token) =>
    document.edit(({ space }) =>
      space.compact({
        key: COMPACTION,
        report: (done, total) => {
          report(done, total, space.compaction === undefined ? undefined : compactionText(space.compaction));
        },
        cancel: (stop) => token.onCancellationRequested(stop),
      }),
    ),
  );
  if (!compacted.ok) {
    tellNotDone(uri, compacted.problem);
    return undefined;
  }
  if (!document.isClosed) tellDone(uri, compacted.value);
  return compacted.value;
}

async function askBeforeCompacting(
  name: string,
  preview: CompactPreview,
  questions: readonly string[],
): Promise<boolean> {
  const { fileSize, newFileSize, moveBytes, leakedBytes, roomBytes } = preview;
  const sizes = [sizeText(fileSize), sizeText(newFileSize)] as const;
  const detail = [
    [
      vscode.l10n.t('The file shrinks from {0} to about {1}.', ...sizes),
      ...(moveBytes === 0 ? [] : [vscode.l10n.t('{0} are moved within the file.', sizeText(moveBytes))]),
      ...(leakedBytes === 0
        ? []
        : [vscode.l10n.t('Leaks of {0} are repaired first.', sizeText(leakedBytes))]),
    ].join(' '),
    ...(roomBytes === 0
      ? []
      : [
          vscode.l10n.t(
            'Up to {0} of free space are needed while it runs. You can cancel it: what is gained until then stays.',
            sizeText(roomBytes),
          ),
        ]),
    cannotBeUndone(),
    ...questions,
  ];
  const yes = vscode.l10n.t('Compact');
  return (await ask(vscode.l10n.t('Compact {0}?', name), { detail, buttons: [yes] })) === yes;
}

function tellNothingToGain(name: string): void {
  void tellInformation(vscode.l10n.t('{0} is as short as compaction can make it.', name));
}

function tellDone(uri: vscode.Uri, { changed, before, after, stopped }: Compacted): void {
  const name = basename(uri.path);
  if (!changed) {
    tellNothingToGain(name);
    return;
  }
  const sizes = [sizeText(before.fileSize), sizeText(after.fileSize)] as const;
  if (stopped === undefined) {
    void tellInformation(vscode.l10n.t('Compacted {0}: it was {1} long and is now {2}.', name, ...sizes));
  } else if (stopped.kind === 'cancelled') {
    void tellInformation(
      vscode.l10n.t('The compaction of {0} was cancelled: it was {1} long and is now {2}.', name, ...sizes),
    );
  } else {
    const why = describeWithFile(stopped, uri.fsPath);
    void tellWarning(
      vscode.l10n.t(
        'The compaction of {0} stopped: it was {1} long and is now {2}. {3}',
        name,
        ...sizes,
        why,
      ),
    );
  }
}
