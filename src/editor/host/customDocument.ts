/** VS Code's handle on a document of ours, and what it is told of its edits. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { describe } from '../../text/vscode/describe';
import type { Problem } from '../../worker/api';
import { plain } from '../../text/plain';
import { tellWarning } from '../../text/vscode/tell';
import { VsCodeHistory } from '../model/vscodeHistory';
import type { ImageDocument } from '../model/document';
import type { Subscription } from '../model/emitter';
import type { DocumentFollower } from '../watch/documentFollower';
import type { Revival } from '../model/revival';
import type { HistoryEnd, UndoableEdit } from '../model/editHistory';

export type DocumentEvent =
  | vscode.CustomDocumentEditEvent<CustomImageDocument>
  | vscode.CustomDocumentContentChangeEvent<CustomImageDocument>;

export class CustomImageDocument implements vscode.CustomDocument {
  /** The user has asked for the next save: with Auto Save on, any other save is asked about. */
  isSaveAnnounced = false;
  /** The user does not want Auto Save to write what is staged. */
  keepsStaged = false;

  readonly #vscodeHistory = new VsCodeHistory();
  #isWaitingTold = false;
  readonly #subscriptions: Subscription[];

  readonly #tell: (event: DocumentEvent) => void;

  /** @param tell VS Code */
  constructor(
    readonly uri: vscode.Uri,
    readonly model: ImageDocument,
    readonly follower: DocumentFollower,
    tell: (event: DocumentEvent) => void,
    registration: vscode.Disposable,
  ) {
    this.#tell = tell;
    this.#subscriptions = [
      registration,
      model.onDidEdit((edit) => {
        this.tellEdit(edit);
      }),
      model.onDidFail((why) => {
        const text = vscode.l10n.t('This cannot be undone or redone: {0}', reasonText(why));
        void tellWarning(text);
        if (typeof why === 'string' || why.code === 'space.compacting') this.#clearDirtyLater();
      }),
      model.onDidRevive((revival) => void this.#takeRevival(revival)),
    ];
  }

  /** Tells VS Code of an edit that is staged already. */
  tellEdit(edit: UndoableEdit): void {
    this.#vscodeHistory.staged();
    this.#tell({
      document: this,
      label: plain(edit.label),
      undo: async () => {
        this.#vscodeHistory.undone();
        await edit.undo();
        this.ensureDirty();
      },
      redo: async () => {
        this.#vscodeHistory.redone();
        await edit.redo();
        this.ensureDirty();
      },
    });
    this.ensureDirty();
  }

  /** Call when a save or a revert has been answered: VS Code takes its word for what is on disk now. */
  wasSaved(): void {
    this.#vscodeHistory.wasSaved();
    this.#ensureDirtyLater();
  }

  wasReverted(): void {
    this.#vscodeHistory.wasReverted();
    this.#ensureDirtyLater();
  }

  /** VS Code takes it for changed: it was opened from a backup, of which nothing could be staged. */
  wasOpenedChanged(): void {
    this.#vscodeHistory.changedContent();
  }

  /** VS Code takes it for changed. */
  get isDirty(): boolean {
    return this.#vscodeHistory.isDirty;
  }

  /** Makes VS Code know that there is something to save, where it believes that there is not. */
  ensureDirty(): void {
    if (!this.model.hasUnsaved || this.#vscodeHistory.isDirty) return;
    this.#vscodeHistory.changedContent();
    this.#tell({ document: this });
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.follower.dispose();
    this.model.dispose();
  }

  /** The thread has died: in one line what became of what was staged. */
  async #takeRevival(revival: Revival): Promise<void> {
    const name = basename(this.uri.path);
    const isTold = revival.kind === 'waiting' && this.#isWaitingTold;
    this.#isWaitingTold = revival.kind === 'waiting';
    if (!isTold) void tellWarning(revivalText(revival, name));
    if (revival.kind === 'lost') for (const edit of revival.edits) this.tellEdit(edit);
    if (revival.kind === 'lost' || revival.kind === 'saved') this.#clearDirtyLater();
    // A save that was taken back has given the file another time: what VS Code would ask for has to fit it.
    if (revival.kind !== 'waiting') await this.model.backups.renew();
  }

  /** VS Code counts an undo that led nowhere as one: nothing is there to be saved, and a save says so. */
  #clearDirtyLater(): void {
    setTimeout(() => {
      if (!this.model.hasUnsaved && this.#vscodeHistory.isDirty) void vscode.workspace.save(this.uri);
    }, 100);
  }

  /** After VS Code has taken the answer. */
  #ensureDirtyLater(): void {
    setTimeout(() => {
      this.ensureDirty();
    }, 100);
  }
}

function reasonText(why: Problem | HistoryEnd): string {
  switch (why) {
    case 'readAnew':
      return vscode.l10n.t('the file was since changed by another program or reloaded');
    case 'gaveBack':
      return vscode.l10n.t('the free space of the image was since reclaimed');
    case 'compacted':
      return vscode.l10n.t('the image was since compacted');
    case 'lost':
      return vscode.l10n.t('its state was lost when the engine restarted');
    default:
      return describe(why);
  }
}

function revivalText(revival: Revival, name: string): string {
  switch (revival.kind) {
    case 'restored':
      return vscode.l10n.t(
        'The engine of {0} stopped and was restarted. All staged edits are restored.',
        name,
      );
    case 'saved':
      return vscode.l10n.t('The engine of {0} stopped and was restarted. The image is saved.', name);
    case 'lost':
      return revival.edits.length === 0
        ? vscode.l10n.t(
            'The engine of {0} stopped and was restarted. Its staged edits are lost: {1}',
            name,
            describe(revival.problem),
          )
        : vscode.l10n.t(
            'The engine of {0} stopped and was restarted. The last staged edits are lost: {1}',
            name,
            describe(revival.problem),
          );
    case 'waiting':
      return vscode.l10n.t(
        'The engine of {0} stopped. Its staged edits are kept until the image can be opened or recovered: {1}',
        name,
        describe(revival.problem),
      );
  }
}
