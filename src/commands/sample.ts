/** Open Sample Image: a copy of an image that comes with the extension, to look at and to change without a thought. */
import * as vscode from 'vscode';
import { registerCommand } from '../text/vscode/tell';
import { show } from './open';

const NAMES = ['sample-base.qcow2', 'sample.qcow2'] as const;

export function registerSample(context: vscode.ExtensionContext): vscode.Disposable {
  return registerCommand('qcow2.openSample', async () => {
    const from = vscode.Uri.joinPath(context.extensionUri, 'media', 'walkthrough');
    const to = vscode.Uri.joinPath(context.globalStorageUri, 'sample');
    const [, sample] = NAMES.map((name) => vscode.Uri.joinPath(to, name));
    // What was tried before stays as it is.
    for (const name of NAMES) await copyOnce(vscode.Uri.joinPath(from, name), vscode.Uri.joinPath(to, name));
    if (sample !== undefined) await show(sample);
    return sample;
  });
}

async function copyOnce(from: vscode.Uri, to: vscode.Uri): Promise<void> {
  try {
    await vscode.workspace.fs.copy(from, to, { overwrite: false });
  } catch (error) {
    if (!(error instanceof vscode.FileSystemError) || error.code !== 'FileExists') throw error;
  }
}
