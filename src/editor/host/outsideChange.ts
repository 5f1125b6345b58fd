/** Another program has changed a file while edits of it are staged: the user decides about them. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { tellWarning } from '../../text/vscode/tell';
import type { ImageDocument } from '../model/document';

export function askAboutOutsideChanges(uri: vscode.Uri, document: ImageDocument): void {
  document.onDidChangeOutside((change) => void ask(uri, document, change === 'gone'));
}

async function ask(uri: vscode.Uri, document: ImageDocument, isGone: boolean): Promise<void> {
  const name = basename(uri.path);
  const text = isGone
    ? vscode.l10n.t('{0} was deleted, moved or replaced while edits were staged.', name)
    : vscode.l10n.t(
        '{0} was changed by another program while edits were staged. The edits no longer apply.',
        name,
      );
  const keep = vscode.l10n.t('Keep Staged');
  const discard = vscode.l10n.t('Discard Edits');
  const saveAs = vscode.l10n.t('Save As…');
  const answer = await tellWarning(text, keep, discard, saveAs);
  if (answer === saveAs) await vscode.workspace.saveAs(uri);
  if (answer === discard) await discardAndRead(uri, document);
}

/** Reads the file again; what is staged goes. */
export async function discardAndRead(uri: vscode.Uri, document: ImageDocument): Promise<void> {
  await document.readAgain();
  // Nothing is staged any more, so this writes nothing: VS Code learns that there is nothing to save.
  await vscode.workspace.save(uri);
}
