/**
 * The custom editor: hands VS Code documents and panels, tells it of edits, and saves, reverts and backs up when it
 * asks. Opening never fails because of what is in a file or because there is none: VS Code would keep the rejection
 * until the window is reloaded. What is wrong the page shows.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { describeWithFile } from '../../text/vscode/describe';
import { VIEW_TYPES } from './viewTypes';
import { guarded, tellProblem, tellWarning, told } from '../../text/vscode/tell';
import type { Checks } from '../health/checks';
import { CustomImageDocument, type DocumentEvent } from './customDocument';
import { ImageDocument } from '../model/document';
import type { FindOverlays } from '../guards/guards';
import { AccessPoll } from '../watch/accessPoll';
import { DocumentFollower } from '../watch/documentFollower';
import type { OpenImages } from './openImages';
import { askAboutOutsideChanges } from './outsideChange';
import { Page } from './page';
import type { PageActions } from '../page/pageRequests';
import type { Renames } from './renames';
import { saveDocument, saveDocumentAs } from './save';
import type { Sessions } from '../model/sessions';
import { imageSource } from './imageSource';
import { isForeign, leaveToDefault } from './foreignFiles';

/** What the editor is made from. */
export interface EditorContext {
  /** Where the extension is installed. */
  readonly extension: vscode.Uri;
  readonly sessions: Sessions;
  readonly images: OpenImages;
  readonly renames: Renames;
  readonly checks: Checks;
  readonly findOverlays: FindOverlays;
  readonly actions: PageActions;
}

class ImageEditorProvider implements vscode.CustomEditorProvider<CustomImageDocument> {
  readonly #changeEmitter = new vscode.EventEmitter<DocumentEvent>();
  readonly onDidChangeCustomDocument = this.#changeEmitter.event as vscode.Event<
    vscode.CustomDocumentEditEvent<CustomImageDocument>
  >;

  readonly #context: EditorContext;

  constructor(context: EditorContext) {
    this.#context = context;
  }

  async openCustomDocument(
    uri: vscode.Uri,
    { backupId }: vscode.CustomDocumentOpenContext,
  ): Promise<CustomImageDocument> {
    const { sessions, images, renames, checks } = this.#context;
    const moved = await renames.take(uri);
    const backup = moved?.backup ?? backupId;
    const model = new ImageDocument(imageSource(uri), sessions);
    const document = new CustomImageDocument(
      uri,
      model,
      new DocumentFollower(model),
      (event) => {
        this.#changeEmitter.fire(event);
      },
      vscode.Disposable.from(images.addDocument(uri, model), checks.follow(model)),
    );
    askAboutOutsideChanges(uri, model);
    if (backup !== undefined) await this.#restore(document, backup);
    // Not waited for: VS Code is to have the document before it is told of its edits.
    void moved?.remove();
    return document;
  }

  async resolveCustomEditor(
    document: CustomImageDocument,
    panel: vscode.WebviewPanel,
    token: vscode.CancellationToken,
  ): Promise<void> {
    if (await isForeign(document)) {
      void leaveToDefault(document.uri, panel);
      return;
    }
    if (token.isCancellationRequested) return;
    const { extension, images, findOverlays, checks, actions } = this.#context;
    const page = new Page(document, panel, extension, findOverlays, checks, actions);
    images.addPage(page);
    const poll = new AccessPoll(document.model, panel);
    panel.onDidChangeViewState(() => {
      if (panel.active) document.follower.lookSoon();
    });
    panel.onDidDispose(() => {
      poll.dispose();
      page.dispose();
    });
  }

  async saveCustomDocument(document: CustomImageDocument, token: vscode.CancellationToken): Promise<void> {
    await guarded(`Save of ${document.uri.path}`, () =>
      untilClosed(document, saveDocument(document, this.#context.findOverlays, token)),
    );
    await removeBackupsOfSaved(document);
  }

  async saveCustomDocumentAs(
    document: CustomImageDocument,
    destination: vscode.Uri,
    token: vscode.CancellationToken,
  ): Promise<void> {
    await guarded(`Save of ${document.uri.path} as ${destination.path}`, () =>
      untilClosed(document, saveDocumentAs(document, destination, this.#context, token)),
    );
    await removeBackupsOfSaved(document);
  }

  async revertCustomDocument(document: CustomImageDocument): Promise<void> {
    const reverted = await document.model.revert();
    // Not even a CancellationError may be thrown here: VS Code would show the raw file name. It takes the document for
    // reverted then, and is told that it is not.
    if (!reverted.ok) {
      const text = describeWithFile(reverted.problem, document.uri.fsPath);
      const name = basename(document.uri.path);
      tellProblem(vscode.l10n.t('{0} was not reverted: {1}', name, text), reverted.problem);
    }
    document.wasReverted();
    await document.model.backups.removeAll();
  }

  async backupCustomDocument(
    document: CustomImageDocument,
    { destination }: vscode.CustomDocumentBackupContext,
  ): Promise<vscode.CustomDocumentBackup> {
    const path = destination.fsPath;
    // What VS Code takes for changed it restores from this path, be there anything to restore or not.
    const backedUp = await document.model.backups.write(path, document.isDirty);
    if (!backedUp.ok) {
      const text = describeWithFile(backedUp.problem, document.uri.fsPath);
      const name = basename(document.uri.path);
      throw told(vscode.l10n.t('Staged edits of {0} were not backed up: {1}', name, text), backedUp.problem);
    }
    return { id: path, delete: () => void document.model.backups.remove(path) };
  }

  dispose(): void {
    this.#changeEmitter.dispose();
  }

  /** Stages the edits of a backup again, and hands them to VS Code one by one, to be undone one by one. */
  async #restore(document: CustomImageDocument, backup: string): Promise<void> {
    await document.model.whenRead();
    const restored = await document.model.backups.restore(backup);
    if (!restored.ok) {
      const text = describeWithFile(restored.problem, document.uri.fsPath);
      void tellWarning(vscode.l10n.t('Staged edits were not restored: {0}', text));
      document.wasOpenedChanged();
      return;
    }
    // Once VS Code has the document: it cannot take edits of one that it does not know yet.
    setTimeout(() => {
      for (const edit of restored.value) document.tellEdit(edit);
    });
  }
}

/** A save of a document that was closed meanwhile ends without a word: VS Code would show why it failed. */
async function untilClosed(document: CustomImageDocument, save: Promise<void>): Promise<void> {
  try {
    await save;
  } catch (error) {
    throw document.model.isClosed ? new vscode.CancellationError() : error;
  }
}

/** VS Code deletes the last backup that it was given, not the one that the document was opened from. */
async function removeBackupsOfSaved({ model }: CustomImageDocument): Promise<void> {
  if (!model.hasUnsaved) await model.backups.removeAll();
}

/** Registers both entries of the editor, and reads open images again once the workspace is trusted. */
export function registerEditor(context: EditorContext): vscode.Disposable {
  return vscode.Disposable.from(
    ...VIEW_TYPES.map((viewType) => registerViewType(viewType, context)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      for (const document of context.images.all()) void document.readAgain();
    }),
  );
}

/** A provider for each: VS Code looks for the document of an edit in the entry that it was told by. */
function registerViewType(viewType: string, context: EditorContext): vscode.Disposable {
  const provider = new ImageEditorProvider(context);
  const options = { supportsMultipleEditorsPerDocument: true };
  return vscode.Disposable.from(
    provider,
    vscode.window.registerCustomEditorProvider(viewType, provider, options),
  );
}
