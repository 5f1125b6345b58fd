/** Recover: takes back a save that was interrupted, or finishes it where it was done; or drops its journal. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import type { OpenImages } from '../editor/host/openImages';
import type { Problem, RecoverOutcome, RecoverTrust } from '../worker/api';
import { describeWithFile } from '../text/vscode/describe';
import { ask, registerCommand, tellError, tellInformation, tellProblem } from '../text/vscode/tell';
import { targetIn } from './arguments';
import { namedImage } from './target';

export function registerRecover(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.recover', async (target?: unknown) => {
    const uri = namedImage(targetIn(target), images);
    const document = uri === undefined ? undefined : images.find(uri);
    if (uri === undefined || document === undefined) return undefined;
    if (!vscode.workspace.isTrusted) {
      void tellError(vscode.l10n.t('Restricted Mode: images in untrusted folders cannot be changed.'));
      return undefined;
    }
    return recover(uri, document, {});
  });
}

/** What only the user can know is asked, and the recovery tried again. */
async function recover(
  uri: vscode.Uri,
  document: ImageDocument,
  trust: RecoverTrust,
): Promise<RecoverOutcome | undefined> {
  const name = basename(uri.path);
  const recovered = await document.edit((staging) => staging.recover(trust));
  if (recovered.ok) {
    void tellInformation(outcomeText(recovered.value, name));
    return recovered.value;
  }
  const text = describeWithFile(recovered.problem, uri.fsPath);
  const way = remedyFor(recovered.problem, trust, name);
  if (way === undefined) {
    tellProblem(text, recovered.problem);
    return undefined;
  }
  // The first button is the default: what cannot be taken back has to be chosen.
  const leave = vscode.l10n.t('Leave Unchanged');
  const answer = await ask(text, { detail: [way.detail], buttons: [leave, way.button] });
  return answer === way.button ? recover(uri, document, way.trust) : undefined;
}

/** What may be done about a problem once the user agrees. */
interface Remedy {
  readonly button: string;
  readonly detail: string;
  readonly trust: RecoverTrust;
}

/** Undefined where there is none, or it was taken already. */
function remedyFor({ code, value }: Problem, trust: RecoverTrust, name: string): Remedy | undefined {
  const anyway = vscode.l10n.t('Recover Anyway');
  switch (code) {
    case 'recover.version2': {
      const detail = vscode.l10n.t(
        'Only if no program has written to {0} since the save was interrupted.',
        name,
      );
      return trust.trustsVersion2 === true
        ? undefined
        : { button: anyway, detail, trust: { ...trust, trustsVersion2: true } };
    }
    case 'recover.otherMachine': {
      const detail = vscode.l10n.t('Only if no program on that machine is still saving {0}.', name);
      return trust.trustsOtherMachine === true
        ? undefined
        : { button: anyway, detail, trust: { ...trust, trustsOtherMachine: true } };
    }
    case 'recover.dataFile': {
      const path = String(value ?? '');
      return {
        button: vscode.l10n.t('Overwrite {0}', basename(path)),
        detail: vscode.l10n.t(
          'Only if you trust this image and know that {0} is its data file. An untrusted image can name any of your files.',
          path,
        ),
        trust: { ...trust, trustsDataFile: { path } },
      };
    }
    case 'journal.foreign':
      return {
        button: vscode.l10n.t('Delete File'),
        detail: vscode.l10n.t('The file is deleted permanently. {0} is not changed.', name),
        trust: { ...trust, discard: true },
      };
    case 'journal.access':
    case 'journal.broken':
    case 'recover.changed':
    case 'recover.unmarked':
      return {
        button: vscode.l10n.t('Discard Journal'),
        detail: vscode.l10n.t(
          '{0} stays as the interrupted save left it, and its earlier state can no longer be restored. Check it afterwards.',
          name,
        ),
        trust: { ...trust, discard: true },
      };
    default:
      return undefined;
  }
}

function outcomeText(outcome: RecoverOutcome, name: string): string {
  switch (outcome) {
    case 'rolledBack':
      return vscode.l10n.t('{0} was restored to its state before the save.', name);
    case 'completed':
      return vscode.l10n.t('The save of {0} was already complete. All edits are in the file.', name);
    case 'untouched':
      return vscode.l10n.t('The interrupted save had not changed {0}.', name);
    case 'discarded':
      return vscode.l10n.t('{0} no longer has a journal.', name);
    case 'none':
      return vscode.l10n.t('There is nothing to recover for {0}.', name);
  }
}
