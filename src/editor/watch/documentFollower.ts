/**
 * Follows an image on disk: VS Code tells a custom editor nothing of changes from outside, so each document watches
 * its file and the files of its chain, inside the workspace or not, and looks again whenever the window gets the
 * focus, since watching fails silently on some file systems.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageState } from '../../worker/api';
import type { ImageDocument } from '../model/document';
import type { Subscription } from '../model/emitter';
import { watchFile } from './watchFile';

/** Milliseconds between two readings, at least. */
const SHORTEST_PAUSE = 1000;
/** A running machine writes its disk all the time: then the last reading should at least have been seen whole. */
const LONGEST_PAUSE = 10_000;

export class DocumentFollower implements vscode.Disposable {
  #watchers = new Map<string, vscode.Disposable>();
  readonly #disposables: Subscription[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastLook = 0;

  readonly #document: ImageDocument;

  constructor(document: ImageDocument) {
    this.#document = document;
    const { source } = document;
    if (source.kind === 'path') this.#watch([source.path]);
    else this.#watchUri(vscode.Uri.parse(source.uri));
    this.#disposables.push(
      document.onDidRead((state) => {
        this.#watch(filesOf(document, state));
      }),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused) this.lookSoon();
      }),
    );
  }

  /** Looks again after some milliseconds, or as soon as the pause since the last look is over. */
  lookSoon(after = 0): void {
    if (this.#timer !== undefined) return;
    const pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, 3 * this.#document.lastReadingTook));
    const delay = Math.max(after, this.#lastLook + pause - performance.now());
    this.#timer = setTimeout(() => void this.#look(), delay);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const watcher of this.#watchers.values()) watcher.dispose();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  async #look(): Promise<void> {
    this.#lastLook = performance.now();
    // What changes while we look is looked at after the next pause.
    this.#timer = undefined;
    await this.#document.lookAgain();
  }

  #watch(paths: readonly string[]): void {
    const wanted = new Set(paths);
    for (const [path, watcher] of this.#watchers) {
      if (wanted.has(path)) continue;
      watcher.dispose();
      this.#watchers.delete(path);
    }
    const added = [...wanted].filter((path) => !this.#watchers.has(path));
    for (const path of added) {
      this.#watchers.set(
        path,
        watchFile(path, () => {
          this.lookSoon();
        }),
      );
    }
    // A watcher needs a while to begin: what happens until then is seen by looking.
    if (added.length > 0) this.lookSoon(SHORTEST_PAUSE);
  }

  /** Only some file systems that are not local tell of changes at all. */
  #watchUri(uri: vscode.Uri): void {
    const folder = vscode.Uri.joinPath(uri, '..');
    const pattern = new vscode.RelativePattern(folder, basename(uri.path));
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    const onEvent = (): void => {
      this.lookSoon();
    };
    watcher.onDidChange(onEvent);
    watcher.onDidCreate(onEvent);
    watcher.onDidDelete(onEvent);
    this.#disposables.push(watcher);
  }
}

/** The image and every local file of its chain, those that are missing too: they may come. */
function filesOf(document: ImageDocument, state: ImageState): string[] {
  if (document.source.kind !== 'path') return [];
  const named = (state.chain?.layers ?? []).flatMap(({ path, dataFilePath }) =>
    [path, dataFilePath].filter((each) => each !== undefined),
  );
  return [document.source.path, ...named];
}
