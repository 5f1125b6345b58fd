/** The command `qcow2` in VS Code's integrated terminal, where no Node has to be installed. */
import { delimiter } from 'node:path';
import * as vscode from 'vscode';
import { describeEnvironment } from './text/vscode/items';

/**
 * Appends the folder `bin` to the PATH of new terminals, and names for the scripts in there the runtime that runs this
 * extension: Electron on the desktop, the server's Node on a remote machine. Loads nothing of the command.
 */
export function offerInTerminal({
  environmentVariableCollection: variables,
  extensionUri,
}: vscode.ExtensionContext): void {
  const folder = vscode.Uri.joinPath(extensionUri, 'bin').fsPath;
  // Start-up files of a shell may set PATH: it is completed again after them.
  const options = { applyAtProcessCreation: true, applyAtShellIntegration: true };
  variables.append('PATH', `${delimiter}${folder}`, options);
  variables.replace('QCOW2_RUNTIME', process.execPath);
  describeEnvironment(variables, vscode.l10n.t('Adds the command qcow2 to the PATH'));
}
