/** VS Code's handle on a document of ours, and what it is told of its edits. */
import * as vscode from 'vscode';
import { describe } from '../words/words';
import type { Problem } from '../worker/api';
import { plain } from '../words/plain';
import { tellWarning } from '../words/tell';
import { Belief } from './belief';
import type { ImageDocument } from './document';
import type { Subscription } from './emitter';
import type { DocumentFollower } from './follow';
import type { Dropped, UndoableEdit } from './staging';

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
        const text = vscode.l10n.t('This cannot be undone or redone: {0}', reasonText(why));
        void tellWarning(text);
        if (typeof why === 'string') this.setCleanLater();
      }),
    ];
  }

  /** Tells VS Code of an edit that is staged already. */
  tellEdit(edit: UndoableEdit): void {
    this.belief.staged();
    this.tell({
      document: this,
      label: plain(edit.label),
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

  /** VS Code counts an undo that led nowhere as one: nothing is there to be saved, and a save says so. */
  private setCleanLater(): void {
    setTimeout(() => {
      if (!this.model.hasUnsaved && this.belief.isDirty) void vscode.workspace.save(this.uri);
    }, 100);
  }

  /** After VS Code has taken the answer. */
  private setRightLater(): void {
    setTimeout(() => {
      this.setRight();
    }, 100);
  }
}

function reasonText(why: Problem | Dropped): string {
  switch (why) {
    case 'readAnew':
      return vscode.l10n.t('the file was changed by another program or read anew since');
    case 'gaveBack':
      return vscode.l10n.t('the free space of the image was given back to the host since');
    default:
      return describe(why);
  }
}
