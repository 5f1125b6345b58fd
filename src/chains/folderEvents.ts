/** File events of watched folders, delivered in batches. */
import * as vscode from 'vscode';
import { Debounce } from './debounce';

/** Milliseconds of quiet before a batch is delivered, and the longest delay. */
const QUIET = 300;
const LONGEST_WAIT = 2000;

/** Absolute paths. */
export interface FolderEvents {
  /** Created, changed, or both: their current state has to be read. */
  readonly touched: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
}

export class FolderWatch implements vscode.Disposable {
  #watchers: vscode.Disposable[] = [];
  readonly #touched = new Set<string>();
  readonly #deleted = new Set<string>();
  readonly #settle: Debounce;

  readonly #take: (events: FolderEvents) => void;

  /** @param take gets each batch; called at any time between `watch` and `dispose` */
  constructor(take: (events: FolderEvents) => void) {
    this.#take = take;
    this.#settle = new Debounce(
      () => {
        this.flush();
      },
      QUIET,
      LONGEST_WAIT,
    );
  }

  /** Watches exactly these folders. */
  watch(deep: readonly vscode.Uri[], shallow: readonly vscode.Uri[]): void {
    for (const watcher of this.#watchers) watcher.dispose();
    this.#watchers = [
      ...deep.map((folder) => this.#watchFolder(folder, '**/*')),
      ...shallow.map((folder) => this.#watchFolder(folder, '*')),
    ];
  }

  /** Delivers the events so far immediately. */
  flush(): void {
    if (this.#touched.size + this.#deleted.size === 0) return;
    const events = { touched: new Set(this.#touched), deleted: new Set(this.#deleted) };
    this.#touched.clear();
    this.#deleted.clear();
    this.#take(events);
  }

  dispose(): void {
    this.#settle.dispose();
    for (const watcher of this.#watchers) watcher.dispose();
  }

  #watchFolder(folder: vscode.Uri, pattern: string): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, pattern));
    const onTouch = (uri: vscode.Uri): void => {
      this.#touched.add(uri.fsPath);
      this.#settle.call();
    };
    watcher.onDidCreate(onTouch);
    watcher.onDidChange(onTouch);
    watcher.onDidDelete((uri) => {
      // Events before the deletion no longer matter.
      this.#touched.delete(uri.fsPath);
      this.#deleted.add(uri.fsPath);
      this.#settle.call();
    });
    return watcher;
  }
}
