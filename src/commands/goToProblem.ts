/**
 * Go to Problem…: what the check found, as a list to choose from; the choice leads to its cluster in the map. The
 * Problems panel has the same links, but its keyboard does not reach them.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import { targetIn } from './arguments';
import { namedImage } from './target';
import { type Choice, choose } from '../text/vscode/choose';
import { registerCommand, tellInformation } from '../text/vscode/tell';

export function registerGoToProblem(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.goToProblem', async (target?: unknown) => {
    const uri = namedImage(targetIn(target), images);
    if (uri === undefined) return;
    const choices = vscode.languages.getDiagnostics(uri).flatMap(choiceOf);
    const name = basename(uri.path);
    if (choices.length === 0) {
      const check = vscode.l10n.t('Check');
      const text = vscode.l10n.t('{0} has no known problems.', name);
      const answer = await tellInformation(text, check);
      if (answer === check) await vscode.commands.executeCommand('qcow2.check', uri);
      return;
    }
    const title = vscode.l10n.t('Problems in {0}', name);
    const placeHolder = vscode.l10n.t('Select a problem to show it in the map');
    const chosen = await choose(choices, { title, placeHolder });
    if (chosen === undefined) return;
    const { path, query } = chosen;
    await vscode.commands.executeCommand(path, ...(JSON.parse(query) as readonly unknown[]));
  });
}

/** One of ours that leads somewhere: where, and below it what is wrong. */
function choiceOf({ source, code, message, severity }: vscode.Diagnostic): readonly Choice<vscode.Uri>[] {
  if (source !== 'qcow2' || typeof code !== 'object') return [];
  const icon = severity === vscode.DiagnosticSeverity.Error ? 'error' : 'warning';
  return [{ icon, label: String(code.value), detail: message, value: code.target }];
}
