// @ts-check
// A helper of `npm start`, loaded beside the extension: opens the image that QCOW2_START_FILE names in a window that
// has no editor open yet. (VS Code's own ways to name a file for a new window open it before extensions are known,
// and so in the text editor.)
import process from 'node:process';
import * as vscode from 'vscode';

export async function activate() {
  const file = process.env['QCOW2_START_FILE'];
  if (file === undefined || vscode.window.tabGroups.all.some((group) => group.tabs.length > 0)) return;
  await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file), { preview: false });
}
