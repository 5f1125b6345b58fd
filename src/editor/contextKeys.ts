/** Tells VS Code what can be done to the image in the active editor: what is enabled in menus follows it. */
import * as vscode from 'vscode';
import { readOnlyReason } from './editability';
import type { Subscription } from './emitter';
import type { OpenImages } from './openImages';

export class ContextKeys implements vscode.Disposable {
  private readonly activeSubscription: vscode.Disposable;
  private reading: Subscription | undefined;
  private readonly told = new Map<string, boolean>();

  constructor(private readonly images: OpenImages) {
    this.activeSubscription = images.onDidChangeActive(() => {
      this.follow();
    });
  }

  dispose(): void {
    this.reading?.dispose();
    this.activeSubscription.dispose();
  }

  private follow(): void {
    this.reading?.dispose();
    this.reading = this.images.active?.document.onDidRead(() => {
      this.show();
    });
    this.show();
  }

  private show(): void {
    const document = this.images.active?.document;
    const canChange = document !== undefined && readOnlyReason(document) === undefined;
    this.tell('qcow2.canChange', canChange);
    this.tell('qcow2.isInterrupted', document?.state?.isInterrupted === true);
  }

  private tell(key: string, value: boolean): void {
    if (this.told.get(key) === value) return;
    this.told.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
