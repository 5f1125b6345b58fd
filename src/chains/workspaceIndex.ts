/**
 * The images of the workspace by their headers, kept in step with the file system.
 *
 * Files are found by VS Code's search and read by one thread of their own, in small batches; the extension host only
 * keeps what came of it. Deleting a folder hides most of its files' events, and so may moving one in: deletions drop
 * whatever lies below, and a folder that appears is searched.
 */
import { stat } from 'node:fs/promises';
import { sep } from 'node:path';
import * as vscode from 'vscode';
import { isImageName } from '../words/viewTypes';
import { IndexClient } from '../worker/client';
import type { IndexedImage } from '../worker/indexApi';
import type { IndexedFiles } from './chainModel';
import { Debounce } from './debounce';
import { log } from '../words/log';

const IMAGES = '**/*.{qcow2,qcow,QCOW2,QCOW}';
/** Headers read in one message to the thread; the tree shows what is known in between. */
const BATCH = 64;
/** Milliseconds between two looks of the tree at a long reading: a tree of thousands takes its time. */
const SHOW_EVERY = 2000;
/** So many new names at once are a checkout or an unpacked archive: then everything is searched again. */
const MANY_NEW_NAMES = 50;

interface IndexSettings {
  readonly enabled: boolean;
  readonly maxFiles: number;
  readonly exclude: string;
}

function settings(): IndexSettings {
  const configuration = vscode.workspace.getConfiguration('qcow2.index');
  return {
    enabled: configuration.get('enabled', true),
    maxFiles: configuration.get('maxFiles', 10_000),
    exclude: configuration.get('exclude', ''),
  };
}

export class WorkspaceIndex implements vscode.Disposable {
  private readonly found = new Map<string, IndexedImage>();
  private readonly named = new Map<string, IndexedImage>();
  private readonly client: IndexClient;
  private readonly changeEmitter = new vscode.EventEmitter<void>();
  private readonly disposables: { dispose(): unknown }[] = [this.changeEmitter];
  private watchers: vscode.Disposable[] = [];
  private readonly events = {
    created: new Set<string>(),
    changed: new Set<string>(),
    deleted: new Set<string>(),
  };
  private readonly settle = new Debounce(() => void this.enqueue(() => this.takeEvents()), 300, 2000);
  /** Work on the index, one piece after the other. */
  private work: Promise<void> = Promise.resolve();
  private lastShown = 0;
  private started: Promise<void> | undefined;
  private isCut = false;
  /** What was there when everything was searched first. */
  private initial: ReadonlySet<string> | undefined;

  /** Something is shown differently now. */
  readonly onDidChange = this.changeEmitter.event;

  constructor(workerScript: string) {
    this.client = new IndexClient(workerScript, (error) => {
      log.fault('The thread of the workspace index', error);
    });
  }

  get files(): IndexedFiles {
    return { found: this.found, named: this.named };
  }

  /** True when there are more images than the settings allow. */
  get hasMore(): boolean {
    return this.isCut;
  }

  /** Starts indexing and watching, the first time it is called, and waits for the first index. */
  start(): Promise<void> {
    this.started ??= this.begin();
    return this.started;
  }

  /** The same, and waits until there is something to see, where the first index takes long. */
  async firstLook(): Promise<void> {
    const started = this.start();
    if (this.lastShown > 0) return;
    let subscription: vscode.Disposable | undefined;
    const shown = new Promise<undefined>((resolve) => {
      subscription = this.changeEmitter.event(() => {
        resolve(undefined);
      });
    });
    await Promise.race([started, shown]);
    subscription?.dispose();
  }

  private async begin(): Promise<void> {
    this.disposables.push(
      vscode.workspace.onDidChangeWorkspaceFolders(() => void this.restart()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('qcow2.index')) void this.restart();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.refresh()),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        // Files outside of the workspace are not watched.
        if (focused && this.named.size > 0) void this.enqueue(() => this.read([]));
      }),
    );
    await this.restart();
  }

  /** Looks at the header of any file, whether it is indexed or not. */
  async look(path: string): Promise<IndexedImage> {
    const [image] = await this.client.readHeaders([path]);
    return image ?? { path, fileSize: 0, allocatedBytes: 0, format: 'unknown' };
  }

  /** Whether an image came since the workspace was opened. */
  isNew(path: string): boolean {
    return this.initial?.has(path) === false && this.found.has(path);
  }

  /** Waits until everything is read that was to be read when it was called. */
  whenSettled(): Promise<void> {
    return this.work;
  }

  /** Searches and reads everything again. */
  refresh(): Promise<void> {
    return this.started === undefined ? this.start() : this.enqueue(() => this.readAll());
  }

  dispose(): void {
    this.settle.dispose();
    this.client.dispose();
    for (const watcher of this.watchers) watcher.dispose();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private restart(): Promise<void> {
    for (const watcher of this.watchers) watcher.dispose();
    this.initial = undefined;
    this.watchers = settings().enabled ? localFolders().map((folder) => this.watch(folder)) : [];
    return this.enqueue(() => this.readAll());
  }

  private enqueue(piece: () => Promise<void>): Promise<void> {
    this.work = this.work.then(piece);
    return this.work;
  }

  private async readAll(): Promise<void> {
    const { enabled, maxFiles, exclude } = settings();
    const paths: string[] = [];
    if (enabled) {
      for (const folder of localFolders()) {
        const pattern = new vscode.RelativePattern(folder, IMAGES);
        const files = await vscode.workspace.findFiles(
          pattern,
          exclude || undefined,
          maxFiles + 1 - paths.length,
        );
        paths.push(...files.map((file) => file.fsPath));
      }
    }
    this.isCut = paths.length > maxFiles;
    const wanted = new Set(paths.slice(0, maxFiles));
    for (const path of this.found.keys()) if (!wanted.has(path)) this.found.delete(path);
    await this.read([...wanted]);
    this.initial ??= wanted;
  }

  /** Reads found files, then whatever headers name beyond them; what is named is read afresh each time. */
  private async read(paths: readonly string[]): Promise<void> {
    await this.readInto(this.found, paths);
    const before = new Set(this.named.keys());
    const reached = new Set<string>();
    if (vscode.workspace.isTrusted) {
      for (let next = this.namedBeyond(reached); next.length > 0; next = this.namedBeyond(reached)) {
        for (const path of next) reached.add(path);
        await this.readInto(this.named, next);
      }
    }
    for (const path of before) if (!reached.has(path)) this.named.delete(path);
    this.show();
  }

  private show(): void {
    this.lastShown = performance.now();
    this.changeEmitter.fire();
  }

  /** Backing files that are named and were neither found nor reached; as many as the settings allow. */
  private namedBeyond(reached: ReadonlySet<string>): string[] {
    const beyond = new Set<string>();
    const room = settings().maxFiles - reached.size;
    const consider = (image: IndexedImage | undefined): void => {
      const path = image?.backing?.path;
      if (path === undefined || this.found.has(path) || reached.has(path)) return;
      if (beyond.size < room) beyond.add(path);
    };
    for (const image of this.found.values()) consider(image);
    for (const path of reached) consider(this.named.get(path));
    return [...beyond];
  }

  private async readInto(target: Map<string, IndexedImage>, paths: readonly string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += BATCH) {
      const images = await this.client.readHeaders(paths.slice(at, at + BATCH));
      for (const image of images) {
        const isGone = image.problem?.code === 'file.missing';
        if (isGone && target === this.found) target.delete(image.path);
        else target.set(image.path, image);
      }
      if (performance.now() - this.lastShown > SHOW_EVERY) this.show();
    }
  }

  private watch(folder: vscode.WorkspaceFolder): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, '**/*'));
    const { created, changed, deleted } = this.events;
    watcher.onDidCreate((uri) => {
      created.add(uri.fsPath);
      this.settle.call();
    });
    watcher.onDidDelete((uri) => {
      created.delete(uri.fsPath);
      deleted.add(uri.fsPath);
      this.settle.call();
    });
    watcher.onDidChange((uri) => {
      changed.add(uri.fsPath);
      this.settle.call();
    });
    return watcher;
  }

  private async takeEvents(): Promise<void> {
    const created = [...this.events.created];
    const changed = [...this.events.changed];
    const deleted = [...this.events.deleted];
    for (const events of Object.values(this.events)) events.clear();

    const dropped = this.drop(deleted);
    // A file or folder that went and came again is told as one change: it may be new here.
    const again = changed.filter((path) => this.found.has(path));
    const maybeNew = changed.filter((path) => !this.found.has(path) && !this.named.has(path));
    const isBusy = maybeNew.length > MANY_NEW_NAMES;
    const paths = await this.newImages([...created, ...(isBusy ? maybeNew.filter(isImageName) : maybeNew)]);
    if (paths === undefined) return this.readAll();
    const concernsNamed = [...created, ...changed, ...deleted].some((path) => this.named.has(path));
    if (dropped || concernsNamed || paths.length + again.length > 0) {
      const room = settings().maxFiles - this.found.size;
      if (paths.length > room) this.isCut = true;
      await this.read([...again, ...paths.slice(0, Math.max(0, room))]);
    }
  }

  /** Forgets deleted files, and everything below deleted folders. Whether anything was known of them. */
  private drop(deleted: readonly string[]): boolean {
    if (deleted.length === 0) return false;
    const known = [...this.found.keys()].sort();
    const before = this.found.size;
    for (const path of deleted) {
      this.found.delete(path);
      const prefix = path + sep;
      for (let at = lowerBound(known, prefix); known[at]?.startsWith(prefix) === true; at++) {
        this.found.delete(known[at] ?? '');
      }
    }
    return this.found.size < before;
  }

  /** Images among new names and in new folders; undefined when there are too many to look at one by one. */
  private async newImages(created: readonly string[]): Promise<string[] | undefined> {
    if (created.length > MANY_NEW_NAMES) return undefined;
    const images: string[] = [];
    for (const path of created) {
      const pattern = isImageName(path) ? '' : (await isFolder(path)) ? `/${IMAGES}` : undefined;
      if (pattern !== undefined) images.push(...(await findBelow(path, pattern)));
    }
    return images;
  }
}

/** Folders of the workspace on a local disk: only their files have a header to read. */
function localFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

/** Searches the way the whole workspace is searched, so that the same files are left out. */
async function findBelow(path: string, pattern: string): Promise<string[]> {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path));
  if (folder === undefined) return [];
  const relative = path
    .slice(folder.uri.fsPath.length + 1)
    .split(sep)
    .join('/');
  const { exclude, maxFiles } = settings();
  const glob = new vscode.RelativePattern(folder, relative.replace(/[*?[\]{}!,\\]/g, '?') + pattern);
  const files = await vscode.workspace.findFiles(glob, exclude || undefined, maxFiles);
  return files.map((file) => file.fsPath);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Index of the first entry of sorted `values` that is not less than `value`. */
function lowerBound(values: readonly string[], value: string): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? '') < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
