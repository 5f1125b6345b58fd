/** One panel on one document: the webview, and what the host tells it. */
import { createBirpc } from 'birpc';
import type * as vscode from 'vscode';
import type { ImageDocument } from './document';
import type { Subscription } from './emitter';
import { hostHandler } from './hostHandler';
import type { PageApi, PageTab } from './messages';
import { pageHtml, pageResources } from './pageHtml';
import { pageState } from './pageState';

/** Where the page is asked to go. */
export interface Navigation {
  readonly guestOffset?: number;
  readonly tab?: PageTab;
}

export class Page implements vscode.Disposable {
  private readonly disposables: Subscription[] = [];
  private readonly rpc;
  /** What the page was asked while it was not up; it is told once it is. */
  private waiting: Navigation | undefined;
  private hasState = false;
  private isDisposed = false;

  constructor(
    readonly uri: vscode.Uri,
    readonly document: ImageDocument,
    readonly panel: vscode.WebviewPanel,
    extension: vscode.Uri,
  ) {
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: pageResources(extension) };
    const handler = hostHandler(uri, document, () => {
      this.cameUp();
    });
    // A hidden page takes no message and asks for its state when it is shown again: losing one does no harm.
    this.rpc = createBirpc<PageApi, typeof handler>(handler, {
      // An answer may come after its panel is gone.
      post: (message) => (this.isDisposed ? undefined : webview.postMessage(message)),
      on: (receive) => this.disposables.push(webview.onDidReceiveMessage(receive)),
      bind: 'functions',
      timeout: -1,
    });
    this.disposables.push(
      document.onDidRead((state) => void this.rpc.stateChanged.asEvent(pageState(document, state))),
      document.onDidScan(({ done, total }) => void this.rpc.scanProgress.asEvent(done, total)),
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.hasState = false;
      }),
    );
    webview.html = pageHtml(webview, extension);
  }

  /** The page has loaded and asked for its state. */
  get isUp(): boolean {
    return this.hasState;
  }

  goTo(navigation: Navigation): void {
    if (!this.hasState) {
      this.waiting = { ...this.waiting, ...navigation };
      return;
    }
    if (navigation.guestOffset !== undefined) void this.rpc.goTo.asEvent(navigation.guestOffset);
    if (navigation.tab !== undefined) void this.rpc.showTab.asEvent(navigation.tab);
  }

  dispose(): void {
    this.isDisposed = true;
    for (const disposable of this.disposables) disposable.dispose();
    this.rpc.$close();
  }

  private cameUp(): void {
    this.hasState = true;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting !== undefined) this.goTo(waiting);
  }
}
