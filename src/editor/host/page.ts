/** The page in one panel on one document: the webview, and what the host tells it. */
import { createBirpc } from 'birpc';
import type * as vscode from 'vscode';
import { log } from '../../text/log';
import type { Checks } from '../health/checks';
import type { CustomImageDocument } from './customDocument';
import type { ImageDocument, Selection } from '../model/document';
import type { Subscription } from '../model/emitter';
import type { FindOverlays } from '../guards/guards';
import { pageHandler, type PageActions } from '../page/pageRequests';
import type { ChangeKind, FileOnMap, PageApi, PageTab } from '../page/messages';
import { pageHtml, pageResources } from '../page/pageHtml';
import { documentHealth, pageCompaction, pageState } from '../page/pageState';
import { sourceName } from '../model/source';

/** Where the page is asked to go. */
export interface Navigation {
  readonly guestOffset?: number;
  /** A place in the image file. */
  readonly hostOffset?: number;
  readonly tab?: PageTab;
  /** A file of the guest to be marked on the map. */
  readonly file?: FileOnMap;
  readonly repair?: true;
  readonly shrink?: true;
  /** The dialog of a change, for a range, or one to be entered there. */
  readonly change?: { readonly kind: ChangeKind; readonly range: Selection | undefined };
}

export class Page implements vscode.Disposable {
  readonly #disposables: Subscription[] = [];
  readonly #rpc;
  /** What the page was asked while it was not up; it is told once it is. */
  #waiting: Navigation | undefined;
  #hasState = false;
  #isDisposed = false;

  constructor(
    readonly custom: CustomImageDocument,
    readonly panel: vscode.WebviewPanel,
    extension: vscode.Uri,
    findOverlays: FindOverlays,
    checks: Checks,
    actions: PageActions,
  ) {
    const { uri, document } = this;
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: pageResources(extension) };
    const handler = pageHandler(uri, document, findOverlays, checks, actions, {
      ready: () => {
        this.#cameUp();
      },
      layoutProgress: (done, total) => {
        void this.#rpc.layoutProgress.asEvent(done, total);
      },
      contentProgress: (done, total) => {
        void this.#rpc.contentProgress.asEvent(done, total);
      },
      guestProgress: (done, total) => {
        void this.#rpc.guestProgress.asEvent(done, total);
      },
      ownerProgress: (done, total) => {
        void this.#rpc.ownerProgress.asEvent(done, total);
      },
    });
    // A hidden page takes no message and asks for its state when it is shown again: losing one does no harm.
    this.#rpc = createBirpc<PageApi, typeof handler>(handler, {
      // An answer may come after its panel is gone.
      post: (message) => (this.#isDisposed ? undefined : webview.postMessage(message)),
      on: (receive) => this.#disposables.push(webview.onDidReceiveMessage(receive)),
      bind: 'functions',
      timeout: -1,
      onFunctionError: (error, name) => {
        log.fault(`The page of ${uri.path} asked for ${name}`, error);
      },
    });
    this.#disposables.push(
      document.onDidRead((state) => void this.#rpc.stateChanged.asEvent(pageState(document, state, checks))),
      checks.onDidChange((name) => {
        if (name === sourceName(document.source)) {
          void this.#rpc.healthChanged.asEvent(documentHealth(document, checks));
        }
      }),
      document.onDidCompact((compaction) => {
        void this.#rpc.compactionProgress.asEvent(pageCompaction(compaction));
      }),
      document.onDidScan(({ done, total }) => void this.#rpc.scanProgress.asEvent(done, total)),
      document.onDidScanContents(() => void this.#rpc.contentsScanned.asEvent()),
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.#hasState = false;
      }),
    );
    webview.html = pageHtml(webview, extension);
  }

  get uri(): vscode.Uri {
    return this.custom.uri;
  }

  get document(): ImageDocument {
    return this.custom.model;
  }

  /** The page has loaded and asked for its state. */
  get isUp(): boolean {
    return this.#hasState;
  }

  goTo(navigation: Navigation): void {
    if (!this.#hasState) {
      this.#waiting = { ...this.#waiting, ...navigation };
      return;
    }
    if (navigation.guestOffset !== undefined) void this.#rpc.goTo.asEvent(navigation.guestOffset);
    if (navigation.hostOffset !== undefined) void this.#rpc.goToHost.asEvent(navigation.hostOffset);
    if (navigation.file !== undefined) void this.#rpc.showFile.asEvent(navigation.file);
    if (navigation.tab !== undefined) void this.#rpc.showTab.asEvent(navigation.tab);
    if (navigation.repair === true) void this.#rpc.openRepair.asEvent();
    if (navigation.shrink === true) void this.#rpc.openShrink.asEvent();
    const { change } = navigation;
    if (change !== undefined) void this.#rpc.openChange.asEvent(change.kind, change.range);
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const disposable of this.#disposables) disposable.dispose();
    this.#rpc.$close();
  }

  #cameUp(): void {
    this.#hasState = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.goTo(waiting);
  }
}
