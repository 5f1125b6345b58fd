/** Watches one file by its path, inside the workspace or not. */
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';

/** @param happened the file was changed, made or deleted */
export function watchFile(path: string, happened: () => void): vscode.Disposable {
  const folder = vscode.Uri.file(dirname(path));
  // A name may hold what a glob takes for itself; such characters match any single one, and the path is compared.
  const pattern = basename(path).replace(/[*?[\]{}!,\\]/g, '?');
  const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, pattern));
  const { fsPath } = vscode.Uri.file(path);
  const onEvent = (uri: vscode.Uri): void => {
    if (uri.fsPath === fsPath) happened();
  };
  watcher.onDidChange(onEvent);
  watcher.onDidCreate(onEvent);
  watcher.onDidDelete(onEvent);
  return watcher;
}
