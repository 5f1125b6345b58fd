/**
 * The custom editor: hands VS Code documents and panels. Opening never fails because of what is in a file or because
 * there is none: VS Code would keep the rejection until the window is reloaded. What is wrong the page shows.
 *
 * Read-only for now. With edits this becomes a `CustomEditorProvider` on the same documents: the model
 * (document.ts) is where they are staged, so that save, undo and backup need no panel.
 */
import * as vscode from 'vscode';
import { ImageDocument } from './document';
import { DocumentFollower } from './follow';
import type { OpenImages } from './openImages';
import { Page } from './page';
import type { Sessions } from './sessions';
import { imageSource } from './sources';
import { VIEW_TYPES } from '../words/viewTypes';

/** VS Code's handle on a document of ours. */
class CustomImageDocument implements vscode.CustomDocument {
  constructor(
    readonly uri: vscode.Uri,
    readonly model: ImageDocument,
    readonly follower: DocumentFollower,
    private readonly registration: vscode.Disposable,
  ) {}

  dispose(): void {
    this.registration.dispose();
    this.follower.dispose();
    this.model.dispose();
  }
}

class ImageEditorProvider implements vscode.CustomReadonlyEditorProvider<CustomImageDocument> {
  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
    private readonly images: OpenImages,
  ) {}

  openCustomDocument(uri: vscode.Uri): CustomImageDocument {
    const model = new ImageDocument(imageSource(uri), this.sessions);
    const registration = this.images.addDocument(uri, model);
    return new CustomImageDocument(uri, model, new DocumentFollower(model), registration);
  }

  resolveCustomEditor(document: CustomImageDocument, panel: vscode.WebviewPanel): void {
    const page = new Page(document.uri, document.model, panel, this.extension);
    this.images.addPage(page);
    panel.onDidChangeViewState(() => {
      if (panel.active) document.follower.lookSoon();
    });
    panel.onDidDispose(() => {
      page.dispose();
    });
  }
}

/** Registers both entries of the editor, and reads open images anew once the workspace is trusted. */
export function registerEditor(
  context: vscode.ExtensionContext,
  sessions: Sessions,
  images: OpenImages,
): vscode.Disposable {
  const provider = new ImageEditorProvider(context.extensionUri, sessions, images);
  return vscode.Disposable.from(
    ...VIEW_TYPES.map((viewType) =>
      vscode.window.registerCustomEditorProvider(viewType, provider, {
        supportsMultipleEditorsPerDocument: true,
      }),
    ),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      for (const document of images.all()) void document.readAgain();
    }),
  );
}
