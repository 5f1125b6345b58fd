/**
 * The way on from VS Code's own page for a disk image ("the file is not displayed because it is binary", "is very
 * large"): a notification that offers this editor, once a file.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { tellInformation } from '../text/vscode/tell';
import type { WorkspaceIndex } from '../chains/workspaceIndex';

/** Milliseconds that VS Code is given to show the file as text. */
const PATIENCE = 500;
/** Where the files that were hinted at are remembered, and how many. */
const MEMORY = 'qcow2.openHints';
const REMEMBERED = 500;

export class OpenHint implements vscode.Disposable {
  readonly #subscription: vscode.Disposable;
  #timer: NodeJS.Timeout | undefined;

  readonly #index: WorkspaceIndex;
  readonly #memory: vscode.Memento;

  constructor(index: WorkspaceIndex, memory: vscode.Memento) {
    this.#index = index;
    this.#memory = memory;
    this.#subscription = vscode.Disposable.from(
      vscode.window.tabGroups.onDidChangeTabs(() => {
        this.#lookSoon();
      }),
      vscode.window.tabGroups.onDidChangeTabGroups(() => {
        this.#lookSoon();
      }),
    );
    this.#lookSoon();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscription.dispose();
  }

  #lookSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), PATIENCE);
  }

  async #look(): Promise<void> {
    const uri = fileNotShown();
    if (uri === undefined || this.#hinted().includes(uri.fsPath)) return;
    const isImage =
      this.#index.isImage(uri.fsPath) || (await this.#index.look(uri.fsPath)).format === 'qcow2';
    if (!isImage || this.#hinted().includes(uri.fsPath)) return;
    await this.#memory.update(MEMORY, [...this.#hinted(), uri.fsPath].slice(-REMEMBERED));
    const open = vscode.l10n.t('Open with QCOW2 Editor');
    const always = vscode.l10n.t('Always Open…');
    const text = vscode.l10n.t('{0} is a qcow2 disk image.', basename(uri.path));
    const answer = await tellInformation(text, open, always);
    if (answer === open) await vscode.commands.executeCommand('qcow2.openWithEditor', uri);
    if (answer === always) await vscode.commands.executeCommand('qcow2.alwaysOpen', uri);
  }

  #hinted(): readonly string[] {
    return this.#memory.get<readonly string[]>(MEMORY, []);
  }
}

/** The local file in the active text editor of which VS Code has no text. */
function fileNotShown(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (!(input instanceof vscode.TabInputText) || input.uri.scheme !== 'file') return undefined;
  const name = input.uri.toString();
  const isShown = vscode.workspace.textDocuments.some(({ uri }) => uri.toString() === name);
  return isShown ? undefined : input.uri;
}
