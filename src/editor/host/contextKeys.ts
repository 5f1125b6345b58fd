/** Tells VS Code what can be done to the image in the active editor: what is enabled in menus follows it. */
import * as vscode from 'vscode';
import type { Checks } from '../health/checks';
import { readOnlyReason } from '../guards/guards';
import type { Subscription } from '../model/emitter';
import type { Problem } from '../../worker/api';
import type { OpenImages } from './openImages';
import { documentHealth } from '../page/pageState';
import { sourceName } from '../model/source';

export class ContextKeys implements vscode.Disposable {
  readonly #subscriptions: readonly vscode.Disposable[];
  #reading: Subscription | undefined;
  readonly #told = new Map<string, boolean>();

  readonly #images: OpenImages;
  readonly #checks: Checks;

  constructor(images: OpenImages, checks: Checks) {
    this.#images = images;
    this.#checks = checks;
    this.#subscriptions = [
      images.onDidChangeActive(() => {
        this.#follow();
      }),
      checks.onDidChange(() => {
        this.#show();
      }),
    ];
  }

  dispose(): void {
    this.#reading?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #follow(): void {
    this.#reading?.dispose();
    this.#reading = this.#images.active?.document.onDidRead(() => {
      this.#show();
    });
    this.#show();
  }

  #show(): void {
    const document = this.#images.active?.document;
    const canChange = document !== undefined && readOnlyReason(document) === undefined;
    this.#tell('qcow2.canChange', canChange);
    const isChecking =
      document !== undefined && this.#checks.of(sourceName(document.source)).kind === 'checking';
    this.#tell('qcow2.isChecking', isChecking);
    const canRepair = document !== undefined && documentHealth(document, this.#checks).canRepair;
    this.#tell('qcow2.canRepair', canRepair);
    this.#tell('qcow2.isRaw', document?.state?.raw !== undefined);
    this.#tell('qcow2.hasStaged', document?.hasUnsaved === true);
    this.#tell('qcow2.isInterrupted', isRecoverable(document?.state?.journal));
  }

  #tell(key: string, value: boolean): void {
    if (this.#told.get(key) === value) return;
    this.#told.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}

/** Whether Recover has something to do, or to say. */
const isRecoverable = (journal: Problem | undefined): boolean =>
  journal !== undefined && journal.code !== 'recover.running';
