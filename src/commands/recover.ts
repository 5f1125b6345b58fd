/** Recover: takes back a save that was interrupted, or finishes it where it was done. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/document';
import type { OpenImages } from '../editor/openImages';
import type { RecoverOutcome, RecoverTrust } from '../worker/api';
import { describeWithFile } from '../words/words';
import { ask, registerCommand, tellError, tellInformation, tellProblem } from '../words/tell';
import { targetIn } from './arguments';
import { namedImage } from './target';

export function registerRecover(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.recover', async (target?: unknown) => {
    const uri = namedImage(targetIn(target), images);
    const document = uri === undefined ? undefined : images.find(uri);
    if (uri === undefined || document === undefined) return undefined;
    if (!vscode.workspace.isTrusted) {
      void tellError(vscode.l10n.t('Restricted Mode: nothing is changed in a folder that is not trusted.'));
      return undefined;
    }
    return recover(uri, document, {});
  });
}

/** What only a person can know is asked, and the recovery tried again. */
async function recover(
  uri: vscode.Uri,
  document: ImageDocument,
  trust: RecoverTrust,
): Promise<RecoverOutcome | undefined> {
  const name = basename(uri.path);
  const recovered = await document.recover(trust);
  if (recovered.ok) {
    void tellInformation(outcomeText(recovered.value, name));
    return recovered.value;
  }
  const { code } = recovered.problem;
  const text = describeWithFile(recovered.problem, uri.fsPath);
  const more: RecoverTrust | undefined =
    code === 'recover.version2' && trust.trustsVersion2 !== true
      ? { ...trust, trustsVersion2: true }
      : code === 'recover.otherMachine' && trust.trustsOtherMachine !== true
        ? { ...trust, trustsOtherMachine: true }
        : undefined;
  if (more === undefined) {
    tellProblem(text, recovered.problem);
    return undefined;
  }
  const anyway = vscode.l10n.t('Recover All the Same');
  const detail =
    code === 'recover.version2'
      ? vscode.l10n.t('Only if nobody has written to {0} since the save was interrupted.', name)
      : vscode.l10n.t('Only if no program on that machine is saving {0} any more.', name);
  const answer = await ask(text, { detail: [detail], buttons: [anyway] });
  return answer === anyway ? recover(uri, document, more) : undefined;
}

function outcomeText(outcome: RecoverOutcome, name: string): string {
  switch (outcome) {
    case 'rolledBack':
      return vscode.l10n.t('{0} is as it was before the save.', name);
    case 'completed':
      return vscode.l10n.t('The save of {0} was done: it is as it was to be.', name);
    case 'untouched':
      return vscode.l10n.t('The save of {0} had not changed anything yet.', name);
    case 'discarded':
    case 'none':
      return vscode.l10n.t('There is nothing to recover for {0}.', name);
  }
}
