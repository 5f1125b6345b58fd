/**
 * Saving a document: one save at a time, after all that was asked for before. VS Code does not say why it saves; with
 * Auto Save on, what no command of ours has announced is asked about, since staged edits are not written unattended.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Problem, Result, SaveAsTrust } from '../../worker/api';
import { describe, describeWithFile } from '../../text/vscode/describe';
import { ask, showProgress, tellWarning, told } from '../../text/vscode/tell';
import type { CustomImageDocument } from './customDocument';
import { type FindOverlays, guardsOf, isAboutUnseenLocks } from '../guards/guards';
import { guardLevel } from '../guards/guardLevels';
import { replaceGuards, type ReplaceContext } from '../guards/replaceGuards';
import type { Cancel } from '../model/operations';

/** @throws CancellationError once the reason has been told; everything is still staged then */
export async function saveDocument(
  document: CustomImageDocument,
  findOverlays: FindOverlays,
  token: vscode.CancellationToken,
): Promise<void> {
  const isAnnounced = document.isSaveAnnounced;
  document.isSaveAnnounced = false;
  // Nothing is staged then, and the turn would come late.
  if (document.model.compaction !== undefined) {
    document.wasSaved();
    return;
  }
  await document.model.inTurn(async () => {
    if (!document.model.hasUnsaved) return;
    if (!isAnnounced) await askBeforeAutoSave(document);
    document.keepsStaged = false;
    await checkGuards(document, findOverlays);
    const { leftover } = settle(
      document,
      await withProgress(document, token, (cancel) => document.model.edit((staging) => staging.save(cancel))),
    );
    if (leftover === undefined) return;
    const text = describeWithFile(leftover, document.uri.fsPath);
    void tellWarning(vscode.l10n.t('Saved, but the journal could not be removed: {0}', text));
  });
  document.wasSaved();
}

/**
 * What a save to the file that is there would have to stand by is looked at for a copy that takes its place, too.
 * @throws as `saveDocument`
 */
export async function saveDocumentAs(
  document: CustomImageDocument,
  destination: vscode.Uri,
  context: ReplaceContext,
  token: vscode.CancellationToken,
): Promise<void> {
  if (destination.scheme !== 'file') {
    throw notSaved(document, vscode.l10n.t('Images can be saved only to a local disk.'));
  }
  if (await isSameFile(document.uri, destination)) {
    document.isSaveAnnounced = true;
    await saveDocument(document, context.findOverlays, token);
    return;
  }
  if (document.model.compaction !== undefined) {
    throw notSaved(document, describe({ kind: 'refused', code: 'space.compacting', file: '' }));
  }
  await askBeforeReplacing(destination, context);
  await document.model.inTurn(() => copyTo(document, destination, token));
  // VS Code takes the old document for clean from here on.
  const reverted = await document.model.revert();
  if (reverted.ok) document.wasReverted();
}

/** @throws CancellationError where the file is not to be written over after all, or the reason has been told */
async function askBeforeReplacing(target: vscode.Uri, context: ReplaceContext): Promise<void> {
  const { refusals, questions } = await replaceGuards(target, context);
  if (refusals[0] !== undefined) throw told(refusals[0]);
  const texts = questions.map(({ text }) => text);
  if (texts.length > 0) await confirmReplacing(target, texts);
}

/** @throws CancellationError */
async function confirmReplacing(target: vscode.Uri, detail: readonly string[]): Promise<void> {
  // The first button is the default: what cannot be taken back has to be chosen.
  const leave = vscode.l10n.t('Leave Unchanged');
  const replace = vscode.l10n.t('Replace Anyway');
  const question = vscode.l10n.t('Replace {0}?', basename(target.path));
  const answer = await ask(question, { detail, buttons: [leave, replace] });
  if (answer !== replace) throw new vscode.CancellationError();
}

/** Whether another program has the file that is replaced open is asked where it cannot be seen. */
async function copyTo(
  document: CustomImageDocument,
  target: vscode.Uri,
  token: vscode.CancellationToken,
  trust: SaveAsTrust = {},
): Promise<void> {
  const copied = await withProgress(document, token, (cancel) =>
    document.model.edit((staging) => staging.saveAs(target.fsPath, trust, cancel)),
  );
  const asks = !copied.ok && isAboutUnseenLocks(copied.problem) && trust.trustsUnseenLocks !== true;
  if (!asks || guardLevel('unseenLocks', target) === 'refuse') {
    settle(document, copied);
    return;
  }
  await confirmReplacing(target, [describe(copied.problem)]);
  await copyTo(document, target, token, { trustsUnseenLocks: true });
}

/** @throws CancellationError where the user would rather keep the edits staged */
async function askBeforeAutoSave(document: CustomImageDocument): Promise<void> {
  const isOn = vscode.workspace.getConfiguration('files', document.uri).get('autoSave') !== 'off';
  if (!isOn) return;
  if (document.keepsStaged || guardLevel('autoSave', document.uri) === 'keepStaged')
    throw new vscode.CancellationError();
  const save = vscode.l10n.t('Save');
  const keep = vscode.l10n.t('Keep Staged');
  const answer = await ask(
    vscode.l10n.t('Auto Save is on. Write the staged edits to {0} now?', basename(document.uri.path)),
    {
      detail: [vscode.l10n.t('If you keep them staged, they are written when you save the image.')],
      buttons: [save, keep],
      closing: keep,
    },
  );
  if (answer === save) return;
  document.keepsStaged = true;
  throw new vscode.CancellationError();
}

/** The guards are asked again: much may have happened since the first edit. */
async function checkGuards(document: CustomImageDocument, findOverlays: FindOverlays): Promise<void> {
  const { model, uri } = document;
  if (model.isChangedOutside) {
    throw notSaved(
      document,
      model.outsideChange === 'gone'
        ? vscode.l10n.t('The file was deleted, moved or replaced after the edits were staged. Use Save As.')
        : vscode.l10n.t(
            'Another program changed the file after the edits were staged. Discard the edits, or use Save As.',
          ),
    );
  }
  const writesData = model.state?.edits?.writesDataFile === true;
  const { refusals, questions } = await guardsOf(model, findOverlays, { allowsDamage: true, writesData });
  if (refusals[0] !== undefined) throw notSaved(document, refusals[0]);
  const open = questions.filter(({ id }) => !model.isConfirmed(id));
  if (open.length === 0) return;
  const save = vscode.l10n.t('Save Anyway');
  const answer = await ask(vscode.l10n.t('Write the staged edits to {0}?', basename(uri.path)), {
    detail: open.map(({ text }) => text),
    buttons: [save],
  });
  if (answer !== save) throw new vscode.CancellationError();
  model.confirm(open.map(({ id }) => id));
}

/** Runs a save; where it takes long, with a notification that can cancel it until it is past the point of return. */
function withProgress<T>(
  document: CustomImageDocument,
  token: vscode.CancellationToken,
  run: (cancel: Cancel) => Promise<Result<T>>,
): Promise<Result<T>> {
  const title = vscode.l10n.t('Saving {0}', basename(document.uri.path));
  return showProgress(title, (_, shown) => {
    const subscriptions: vscode.Disposable[] = [];
    const cancel: Cancel = (stop) => {
      for (const each of [token, shown]) subscriptions.push(each.onCancellationRequested(stop));
    };
    return run(cancel).finally(() => {
      for (const subscription of subscriptions) subscription.dispose();
    });
  });
}

/** @throws CancellationError for a failure, which is told as long as the document is open */
function settle<T>(document: CustomImageDocument, result: Result<T>): T {
  if (result.ok) return result.value;
  // Nothing is told of what was closed: a save past its seal goes on to its end.
  if (document.model.isClosed) throw new vscode.CancellationError();
  throw notSaved(document, describeWithFile(result.problem, document.uri.fsPath), result.problem);
}

/** Tells why; answers with what to throw to VS Code. */
function notSaved({ uri }: CustomImageDocument, why: string, problem?: Problem): vscode.CancellationError {
  return told(vscode.l10n.t('{0} was not saved: {1}', basename(uri.path), why), problem);
}

async function isSameFile(one: vscode.Uri, other: vscode.Uri): Promise<boolean> {
  if (one.fsPath === other.fsPath) return true;
  try {
    const [first, second] = await Promise.all(
      [one, other].map(({ fsPath }) => stat(fsPath, { bigint: true })),
    );
    return first?.dev === second?.dev && first?.ino === second?.ino;
  } catch {
    return false;
  }
}
