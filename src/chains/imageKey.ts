/**
 * Tells VS Code which files are images although their names do not say so: menus ask `resourcePath in qcow2.images`.
 * (`resource` would be another one in a remote window, where the extension's files have another scheme.)
 */
import * as vscode from 'vscode';
import { isImageName } from '../qcow2/imageName';
import type { WorkspaceIndex } from './workspaceIndex';

const KEY = 'qcow2.images';
/** More names than this would keep the window busy each time they change. */
const MAX_NAMES = 20_000;

export class ImageKey implements vscode.Disposable {
  private readonly subscription: vscode.Disposable;
  private told: ReadonlySet<string> = new Set();

  constructor(private readonly index: WorkspaceIndex) {
    this.subscription = index.onDidChange(() => {
      this.show();
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }

  /** Once a batch, and only where something is different. */
  private show(): void {
    const paths = new Set(this.paths());
    if (paths.size === this.told.size && [...paths].every((path) => this.told.has(path))) return;
    this.told = paths;
    const names = Object.fromEntries([...paths].flatMap(resourcePaths).map((name) => [name, true]));
    void vscode.commands.executeCommand('setContext', KEY, names);
  }

  private *paths(): Iterable<string> {
    const { found, beside } = this.index.files;
    let count = 0;
    for (const { path, format } of [...found.values(), ...beside.values()]) {
      if (format !== 'qcow2' || isImageName(path)) continue;
      if (count++ === MAX_NAMES) return;
      yield path;
    }
  }
}

/** `resourcePath` is the file's path in a local window, and the path of its URI in a remote one. */
function resourcePaths(path: string): string[] {
  const uri = vscode.Uri.file(path);
  return uri.path === uri.fsPath ? [uri.path] : [uri.fsPath, uri.path];
}
