/**
 * Save, by the keyboard in our editor: announces itself, so that a save that was not asked for (Auto Save) is told from
 * one that was.
 */
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import { registerCommand } from '../text/vscode/tell';

/** Brings the image to the front and saves it; whether that was done is in the document. */
export async function saveInSight(uri: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand('qcow2.openImage', uri);
  await vscode.commands.executeCommand('qcow2.save');
}

export function registerSave(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.save', async () => {
    const { active } = images;
    if (active !== undefined) active.custom.isSaveAnnounced = true;
    try {
      await vscode.commands.executeCommand('workbench.action.files.save');
    } finally {
      if (active !== undefined) active.custom.isSaveAnnounced = false;
    }
  });
}
