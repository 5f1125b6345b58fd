/** VS Code's handle on a document of ours, and what it is told of its edits. */
import * as vscode from 'vscode';
import { describe } from '../words/words';
import { Belief } from './belief';
import type { ImageDocument } from './document';
import type { Subscription } from './emitter';
import type { DocumentFollower } from './follow';
import type { UndoableEdit } from './staging';

export type DocumentEvent =
  | vscode.CustomDocumentEditEvent<CustomImageDocument>
  | vscode.CustomDocumentContentChangeEvent<CustomImageDocument>;

export class CustomImageDocument implements vscode.CustomDocument {
  /** The next save was asked for by a person: with Auto Save on, others are asked about. */
  isSaveAnnounced = false;
  /** The person has said that Auto Save is not to write what is staged. */
  keepsStaged = false;

  private readonly belief = new Belief();
  private readonly subscriptions: Subscription[];

  /** @param tell VS Code */
  constructor(
    readonly uri: vscode.Uri,
    readonly model: ImageDocument,
    readonly follower: DocumentFollower,
    private readonly tell: (event: DocumentEvent) => void,
    registration: vscode.Disposable,
  ) {
    this.subscriptions = [
      registration,
      model.onDidEdit((edit) => {
        this.tellEdit(edit);
      }),
      model.onDidFail((why) => {
        const reason =
          why === 'dropped'
            ? vscode.l10n.t('the file was changed by another program or read anew since')
            : describe(why);
        void vscode.window.showWarningMessage(vscode.l10n.t('This cannot be undone or redone: {0}', reason));
      }),
    ];
  }

  /** Tells VS Code of an edit that is staged already. */
  tellEdit(edit: UndoableEdit): void {
    this.belief.staged();
    this.tell({
      document: this,
      label: edit.label,
      undo: async () => {
        this.belief.undone();
        await edit.undo();
        this.setRight();
      },
      redo: async () => {
        this.belief.redone();
        await edit.redo();
        this.setRight();
      },
    });
    this.setRight();
  }

  /** Call when a save or a revert has been answered: VS Code takes its word for what is on disk now. */
  wasSaved(): void {
    this.belief.wasSaved();
    this.setRightLater();
  }

  wasReverted(): void {
    this.belief.wasReverted();
    this.setRightLater();
  }

  /** Makes VS Code know that there is something to save, where it believes that there is not. */
  setRight(): void {
    if (!this.model.hasUnsaved || this.belief.isDirty) return;
    this.belief.changedContent();
    this.tell({ document: this });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.follower.dispose();
    this.model.dispose();
  }

  /** After VS Code has taken the answer. */
  private setRightLater(): void {
    setTimeout(() => {
      this.setRight();
    }, 100);
  }
}
