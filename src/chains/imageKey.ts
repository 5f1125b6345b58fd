/**
 * Tells VS Code which files are images although their names do not show it: menus test `resourcePath in qcow2.images`.
 * (`resource` differs in a remote window, where the extension's files have another scheme.)
 */
import * as vscode from 'vscode';
import { isImageName } from '../qcow2/imageName';
import type { WorkspaceIndex } from './workspaceIndex';

const KEY = 'qcow2.images';
/** Limit: more names would keep the window busy whenever they change. */
const MAX_NAMES = 20_000;

export class ImageKey implements vscode.Disposable {
  readonly #subscription: vscode.Disposable;
  #told: ReadonlySet<string> = new Set();

  readonly #index: WorkspaceIndex;

  constructor(index: WorkspaceIndex) {
    this.#index = index;
    this.#subscription = index.onDidChange(() => {
      this.#show();
    });
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  /** Once per batch, and only if something changed. */
  #show(): void {
    const paths = new Set(this.#paths());
    if (paths.size === this.#told.size && [...paths].every((path) => this.#told.has(path))) return;
    this.#told = paths;
    const names = Object.fromEntries([...paths].flatMap(resourcePaths).map((name) => [name, true]));
    void vscode.commands.executeCommand('setContext', KEY, names);
  }

  *#paths(): Iterable<string> {
    const { found, beside } = this.#index.files;
    let count = 0;
    for (const { path, format } of [...found.values(), ...beside.values()]) {
      if (format !== 'qcow2' || isImageName(path)) continue;
      if (count++ === MAX_NAMES) return;
      yield path;
    }
  }
}

/** `resourcePath` is the path of the file in a local window, and the path of its URI in a remote one. */
function resourcePaths(path: string): string[] {
  const uri = vscode.Uri.file(path);
  return uri.path === uri.fsPath ? [uri.path] : [uri.fsPath, uri.path];
}
