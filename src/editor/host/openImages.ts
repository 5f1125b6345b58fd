/** Which images are open, in which panels, and which one is active. Commands and the status bar ask here. */
import * as vscode from 'vscode';
import type { ImageDocument } from '../model/document';
import type { Page } from './page';

export class OpenImages implements vscode.Disposable {
  readonly #pages = new Set<Page>();
  readonly #documents = new Map<string, Set<ImageDocument>>();
  readonly #activeEmitter = new vscode.EventEmitter<Page | undefined>();
  #current: Page | undefined;
  readonly onDidChangeActive = this.#activeEmitter.event;
  readonly #documentsEmitter = new vscode.EventEmitter<void>();
  /** A document was opened or closed. */
  readonly onDidChangeDocuments = this.#documentsEmitter.event;

  /** The page that has the focus, or had it last while it is still the active editor. */
  get active(): Page | undefined {
    return this.#current;
  }

  /** The open document of a URI. */
  find(uri: vscode.Uri): ImageDocument | undefined {
    const [first] = this.#documents.get(uri.toString()) ?? [];
    return first;
  }

  /** The panel on a URI that is best to talk to: the active one, a visible one, any. */
  pageOf(uri: vscode.Uri): Page | undefined {
    const candidates = [...this.#pages].filter((page) => page.uri.toString() === uri.toString());
    return (
      candidates.find((page) => page.panel.active) ??
      candidates.find((page) => page.panel.visible) ??
      candidates[0]
    );
  }

  /** What is shown in panels, the one that was at the front last first. */
  recent(): vscode.Uri[] {
    const uris = [...this.#pages].reverse().map(({ uri }) => [uri.toString(), uri] as const);
    return [...new Map(uris).values()];
  }

  all(): ImageDocument[] {
    return this.entries().map(([, document]) => document);
  }

  /** All open documents with their URIs. */
  entries(): (readonly [vscode.Uri, ImageDocument])[] {
    return [...this.#documents].flatMap(([uri, documents]) =>
      [...documents].map((document) => [vscode.Uri.parse(uri), document] as const),
    );
  }

  addDocument(uri: vscode.Uri, document: ImageDocument): vscode.Disposable {
    const key = uri.toString();
    const documents = this.#documents.get(key) ?? new Set();
    documents.add(document);
    this.#documents.set(key, documents);
    this.#documentsEmitter.fire();
    return new vscode.Disposable(() => {
      documents.delete(document);
      if (documents.size === 0) this.#documents.delete(key);
      this.#documentsEmitter.fire();
    });
  }

  addPage(page: Page): void {
    this.#pages.add(page);
    const viewState = page.panel.onDidChangeViewState(() => {
      this.#update(page);
    });
    page.panel.onDidDispose(() => {
      viewState.dispose();
      this.#pages.delete(page);
      if (this.#current === page) this.#setActive(undefined);
    });
    this.#update(page);
  }

  dispose(): void {
    this.#activeEmitter.dispose();
    this.#documentsEmitter.dispose();
  }

  #update(page: Page): void {
    if (page.panel.active) this.#setActive(page);
    else if (this.#current === page) this.#setActive(undefined);
  }

  #setActive(page: Page | undefined): void {
    if (this.#current === page) return;
    this.#current = page;
    // The last one of the set is the one that was active last.
    if (page !== undefined && this.#pages.delete(page)) this.#pages.add(page);
    this.#activeEmitter.fire(page);
  }
}
