/**
 * Looks every few seconds whether the file of a visible page may be written. Another program that opens or closes an
 * image changes nothing in the file, so that no watcher tells of it.
 */
import type * as vscode from 'vscode';
import type { ImageDocument } from '../model/document';
import type { Subscription } from '../model/emitter';

/** Milliseconds between two looks. */
const PAUSE = 3000;

export class AccessPoll implements vscode.Disposable {
  readonly #visibility: Subscription;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  readonly #document: ImageDocument;
  readonly #panel: vscode.WebviewPanel;

  constructor(document: ImageDocument, panel: vscode.WebviewPanel) {
    this.#document = document;
    this.#panel = panel;
    this.#visibility = panel.onDidChangeViewState(() => {
      if (panel.visible) this.#lookIn(0);
    });
    this.#lookIn(PAUSE);
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#visibility.dispose();
  }

  #lookIn(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), delay);
  }

  /** The next look waits for the answer: the thread may be busy. */
  async #look(): Promise<void> {
    await this.#document.lookAtAccess();
    if (!this.#isDisposed && this.#panel.visible) this.#lookIn(PAUSE);
  }
}
