/**
 * The images of the workspace and beside open images, recognised by their content and kept up to date with the file
 * system.
 *
 * A worker thread walks the folders and reads the files; the extension host only keeps its answers, in small parts. VS Code
 * drops most file events when a folder is deleted or moved, so a deletion removes everything below it, and a new folder is
 * walked.
 */
import { dirname, sep } from 'node:path';
import * as vscode from 'vscode';
import { IndexClient } from '../worker/indexClient';
import type { IndexedImage, SearchGap, WalkPart, WalkRequest } from '../worker/indexApi';
import type { IndexedFiles } from './chainModel';
import { log } from '../text/log';
import { type FolderEvents, FolderWatch } from './folderEvents';
import { INDEX_SETTINGS, indexSettings, localFolders } from './indexSettings';

/** Headers per message to the thread; the tree is updated in between. */
const BATCH = 64;
/** Milliseconds between tree updates during a long reading: drawing thousands of nodes takes time. */
const SHOW_EVERY = 2000;
/** Most files of a folder that are examined, images or not. */
const MAX_LOOKED_AT = 1_000_000;
/** Names per message to the thread. */
const NAMES_AT_ONCE = 1000;
/** With more new names than this, walking everything is as fast. */
const MANY_NAMES = 20_000;
/** Most names of unreadable files that are kept. */
const MAX_UNREADABLE = 1000;

export class WorkspaceIndex implements vscode.Disposable {
  readonly #found = new Map<string, IndexedImage>();
  readonly #beside = new Map<string, IndexedImage>();
  readonly #named = new Map<string, IndexedImage>();
  readonly #unreadable = new Set<string>();
  readonly #client: IndexClient;
  readonly #changeEmitter = new vscode.EventEmitter<void>();
  readonly #disposables: { dispose(): unknown }[] = [this.#changeEmitter];
  readonly #watch = new FolderWatch((events) => void this.#enqueue(() => this.#takeEvents(events)));
  /** Folders of open images. */
  #openFolders: readonly string[] = [];
  /** Those that no indexed workspace folder covers. */
  #shallowFolders: readonly string[] = [];
  /** Queue: work on the index, one piece after the other. */
  #work: Promise<void> = Promise.resolve();
  /** Counts restarts: a walk of an earlier one stops. */
  #edition = 0;
  #lastShown = 0;
  #started: Promise<void> | undefined;
  /** Folders with more images or files than the limits. */
  readonly #cut = new Set<string>();
  #isNamedCut = false;
  /** A walk did not finish. */
  #isBroken = false;
  /** The images that the first search found. */
  #initial: ReadonlySet<string> | undefined;

  /** Fires when something has to be shown differently. */
  readonly onDidChange = this.#changeEmitter.event;

  constructor(workerScript: string) {
    this.#client = new IndexClient(workerScript, (error) => {
      log.fault('The thread of the workspace index', error);
    });
  }

  get files(): IndexedFiles {
    return { found: this.#found, beside: this.#beside, named: this.#named };
  }

  /** True when there are more images than the settings allow. */
  get hasMore(): boolean {
    return this.#cut.size > 0 || this.#isNamedCut;
  }

  /** Why images of the workspace may be missing, apart from the search still running. */
  get gaps(): readonly SearchGap[] {
    const isOff = localFolders().some((folder) => !indexSettings(folder).enabled);
    return [
      ...(isOff ? [{ kind: 'off' } as const] : []),
      ...(this.hasMore ? [{ kind: 'cut' } as const] : []),
      ...(this.#isBroken ? [{ kind: 'running' } as const] : []),
      ...(this.#unreadable.size > 0 ? [{ kind: 'unreadable', paths: [...this.#unreadable] } as const] : []),
    ];
  }

  /** Whether a file is known to be a qcow2 image, by its content. */
  isImage(path: string): boolean {
    return (this.#found.get(path) ?? this.#beside.get(path))?.format === 'qcow2';
  }

  /** Starts indexing and watching, the first time it is called, and waits for the first index. */
  start(): Promise<void> {
    this.#started ??= this.#begin();
    return this.#started;
  }

  /** The same; if the first index takes long, waits only until there is something to show. */
  async firstLook(): Promise<void> {
    const started = this.start();
    if (this.#lastShown > 0) return;
    let subscription: vscode.Disposable | undefined;
    const shown = new Promise<undefined>((resolve) => {
      subscription = this.#changeEmitter.event(() => {
        resolve(undefined);
      });
    });
    await Promise.race([started, shown]);
    subscription?.dispose();
  }

  async #begin(): Promise<void> {
    this.#disposables.push(
      vscode.workspace.onDidChangeWorkspaceFolders(() => void this.#restart()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (INDEX_SETTINGS.some((section) => event.affectsConfiguration(section))) void this.#restart();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.refresh()),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        // Files outside the workspace are not watched.
        if (focused && this.#named.size > 0) void this.#enqueue(() => this.#followNames());
      }),
    );
    await this.#restart();
  }

  /** Sets the folders of open images: they are indexed too, without their subfolders. */
  setOpenFolders(folders: readonly string[]): void {
    this.#openFolders = [...new Set(folders)];
    if (this.#started === undefined || sameNames(this.#shallowFolders, this.#uncovered())) return;
    this.#watchFolders();
    void this.#enqueue(() => this.#readBeside());
  }

  /** Reads the header of any file, indexed or not. */
  async look(path: string): Promise<IndexedImage> {
    const [image] = await this.#client.readHeaders([path]);
    return image ?? { path, fileSize: 0, allocatedBytes: 0, format: 'unknown' };
  }

  /** Whether an image was created after the workspace was opened. */
  isNew(path: string): boolean {
    return this.#initial?.has(path) === false && this.#found.has(path);
  }

  /** Waits until everything pending at the time of the call has been read. */
  whenSettled(): Promise<void> {
    this.#watch.flush();
    return this.#work;
  }

  /** Searches and reads everything again. */
  refresh(): Promise<void> {
    return this.#started === undefined ? this.start() : this.#enqueue(() => this.#readAll());
  }

  dispose(): void {
    this.#edition++;
    this.#watch.dispose();
    this.#client.dispose();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #restart(): Promise<void> {
    this.#edition++;
    this.#initial = undefined;
    this.#watchFolders();
    return this.#enqueue(() => this.#readAll());
  }

  #watchFolders(): void {
    this.#shallowFolders = this.#uncovered();
    this.#watch.watch(
      indexedFolders(),
      this.#shallowFolders.map((folder) => vscode.Uri.file(folder)),
    );
  }

  /** Folders of open images that no indexed folder of the workspace covers. */
  #uncovered(): string[] {
    if (!indexSettings().enabled) return [];
    const roots = localFolders().map(({ fsPath }) => fsPath);
    return this.#openFolders.filter((folder) => !roots.some((root) => isWithin(folder, root)));
  }

  #enqueue(piece: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(piece);
    return this.#work;
  }

  async #readAll(): Promise<void> {
    const edition = this.#edition;
    const seen = new Set<string>();
    this.#cut.clear();
    this.#unreadable.clear();
    this.#isBroken = false;
    for (const folder of indexedFolders()) {
      await this.#walk(folder, [folder.fsPath], indexSettings(folder).maxImages, (images) => {
        for (const image of images) {
          seen.add(image.path);
          this.#found.set(image.path, image);
        }
      });
    }
    if (edition !== this.#edition) return;
    for (const path of this.#found.keys()) if (!seen.has(path)) this.#found.delete(path);
    this.#initial ??= seen;
    await this.#readBeside();
  }

  /** Indexes the folders of open images that lie outside. */
  async #readBeside(): Promise<void> {
    const seen = new Map<string, IndexedImage>();
    const { maxImages, followsLinks } = indexSettings();
    for (const root of this.#shallowFolders) {
      const limits = { maxImages, maxFiles: MAX_LOOKED_AT };
      const request = { root, starts: [root], exclude: [], isDeep: false, followsLinks, ...limits };
      await this.#client.walk(request, ({ images }) => {
        for (const image of images) seen.set(image.path, image);
        return true;
      });
    }
    this.#beside.clear();
    for (const [path, image] of seen) this.#beside.set(path, image);
    await this.#followNames();
  }

  /** Walks a workspace folder, starting at some files and folders. @param take gets the images of each part */
  async #walk(
    folder: vscode.Uri,
    starts: readonly string[],
    maxImages: number,
    take: (images: readonly IndexedImage[]) => void,
  ): Promise<void> {
    const edition = this.#edition;
    const { exclude, followsLinks } = indexSettings(folder);
    const root = folder.fsPath;
    const limits = { maxImages, maxFiles: MAX_LOOKED_AT };
    const request: WalkRequest = { root, starts, exclude, isDeep: true, followsLinks, ...limits };
    const isWhole = await this.#client.walk(request, ({ images, unreadable, isCut }: WalkPart) => {
      if (edition !== this.#edition) return false;
      take(images);
      for (const path of unreadable) if (this.#unreadable.size < MAX_UNREADABLE) this.#unreadable.add(path);
      if (isCut) this.#cut.add(root);
      if (images.length > 0 && performance.now() - this.#lastShown > SHOW_EVERY) this.#show();
      return true;
    });
    if (!isWhole && edition === this.#edition) this.#isBroken = true;
  }

  /** Reads the files that headers name and that were not found; they are read again each time. */
  async #followNames(): Promise<void> {
    const before = new Set(this.#named.keys());
    const reached = new Set<string>();
    this.#isNamedCut = false;
    if (vscode.workspace.isTrusted) {
      for (let next = this.#namedBeyond(reached); next.length > 0; next = this.#namedBeyond(reached)) {
        for (const path of next) reached.add(path);
        await this.#readNamed(next);
      }
    }
    for (const path of before) if (!reached.has(path)) this.#named.delete(path);
    this.#show();
  }

  #show(): void {
    this.#lastShown = performance.now();
    this.#changeEmitter.fire();
  }

  /** Named files that were neither found nor followed yet; at most as many as the settings allow. */
  #namedBeyond(reached: ReadonlySet<string>): string[] {
    const beyond = new Set<string>();
    const room = indexSettings().maxImages - reached.size;
    const consider = (image: IndexedImage | undefined): void => {
      for (const path of [image?.linkTarget, image?.backing?.path]) {
        if (path === undefined || this.#found.has(path) || this.#beside.has(path) || reached.has(path))
          continue;
        if (beyond.size < room) beyond.add(path);
        else this.#isNamedCut = true;
      }
    };
    for (const image of this.#found.values()) consider(image);
    for (const image of this.#beside.values()) consider(image);
    for (const path of reached) consider(this.#named.get(path));
    return [...beyond];
  }

  async #readNamed(paths: readonly string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += BATCH) {
      const images = await this.#client.readHeaders(paths.slice(at, at + BATCH));
      for (const image of images) this.#named.set(image.path, image);
      if (performance.now() - this.#lastShown > SHOW_EVERY) this.#show();
    }
  }

  async #takeEvents({ touched, deleted }: FolderEvents): Promise<void> {
    if (touched.size > MANY_NAMES) return this.#readAll();
    const concernsNamed = [...touched, ...deleted].some((path) => this.#named.has(path));
    const isShallow = [...touched, ...deleted].some((path) => this.#shallowFolders.includes(dirname(path)));
    const seen = new Set<string>();
    dropBelow(this.#unreadable, [...deleted], seen);
    let isChanged = false;
    for (const folder of indexedFolders()) {
      // A late deletion event may be about a file that exists again.
      const names = [...touched, ...deleted].filter((path) => isWithin(path, folder.fsPath));
      for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
        const looked = await this.#lookAtNames(folder, names.slice(at, at + NAMES_AT_ONCE), seen);
        isChanged ||= looked;
      }
    }
    const isDropped = this.#drop([...deleted], seen);
    if (isShallow) await this.#readBeside();
    else if (isDropped || concernsNamed || isChanged) await this.#followNames();
  }

  /**
   * Examines files that were created or changed, and new folders.
   * @param seen receives the images among them
   * @returns whether there are or were any
   */
  async #lookAtNames(folder: vscode.Uri, names: readonly string[], seen: Set<string>): Promise<boolean> {
    for (const path of names) this.#unreadable.delete(path);
    const before = seen.size;
    const known = names.filter((path) => this.#found.has(path));
    // Files that are examined again do not count against the limit.
    const others =
      [...this.#found.keys()].filter((path) => isWithin(path, folder.fsPath)).length - known.length;
    const room = Math.max(0, indexSettings(folder).maxImages - others);
    await this.#walk(folder, names, room, (images) => {
      for (const image of images) {
        seen.add(image.path);
        this.#found.set(image.path, image);
      }
    });
    const isNoImageNow = known.filter((path) => !seen.has(path));
    for (const path of isNoImageNow) this.#found.delete(path);
    return seen.size > before || isNoImageNow.length > 0;
  }

  /** Forgets deleted files and everything below deleted folders, except `seen`. Returns whether anything was known. */
  #drop(deleted: readonly string[], seen: ReadonlySet<string>): boolean {
    if (deleted.length === 0) return false;
    const before = this.#found.size;
    dropBelow(this.#found, deleted, seen);
    return this.#found.size < before;
  }
}

/** Folders of the workspace that are indexed. */
function indexedFolders(): vscode.Uri[] {
  return localFolders().filter((folder) => indexSettings(folder).enabled);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}

/** Removes some paths and everything below them, except what is kept. */
function dropBelow(
  names: Map<string, unknown> | Set<string>,
  paths: readonly string[],
  kept: ReadonlySet<string>,
): void {
  const sorted = [...names.keys()].filter((name) => !kept.has(name)).sort();
  for (const path of paths) {
    if (!kept.has(path)) names.delete(path);
    const prefix = path + sep;
    for (let at = lowerBound(sorted, prefix); sorted[at]?.startsWith(prefix) === true; at++) {
      names.delete(sorted[at] ?? '');
    }
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
