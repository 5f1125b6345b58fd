/**
 * What checks of images have found in this window, by the image's name. A finding is about the image as it was then:
 * it is forgotten as soon as the document shows another state, or, where no document is open, when the file changes.
 */
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Checked, ProgressReport, Result } from '../../worker/api';
import { type Health, healthAfter } from '../../text/vscode/health';
import type { ImageDocument } from '../model/document';
import type { Subscription } from '../model/emitter';
import { type ImageSource, sourceName } from '../model/source';
import { watchFile } from '../watch/watchFile';

/** Runs the check itself. */
export type CheckWork = (report: ProgressReport) => Promise<Result<Checked>>;

interface Entry {
  health: Health;
  /** Of the state that was checked; undefined where it is what is on disk, and no document shows it. */
  generation: number | undefined;
  /** Size and time of the file when the check began. */
  readonly stamp: string;
  readonly source: ImageSource;
  readonly watcher: vscode.Disposable;
}

const UNCHECKED: Health = { kind: 'unchecked' };

export class Checks implements vscode.Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, { readonly health: Promise<Health>; readonly stop: () => void }>();
  readonly #documents = new Map<string, Set<ImageDocument>>();
  readonly #changeEmitter = new vscode.EventEmitter<string>();
  /** The health of the image with this name is another one. */
  readonly onDidChange = this.#changeEmitter.event;
  readonly #followEmitter = new vscode.EventEmitter<ImageDocument>();
  /** A document was opened. */
  readonly onDidFollow = this.#followEmitter.event;

  of(name: string): Health {
    return this.#entries.get(name)?.health ?? UNCHECKED;
  }

  /** Nothing is known, and no check is running. */
  isUnknown(name: string): boolean {
    return this.of(name).kind === 'unchecked' && !this.#running.has(name);
  }

  /** Where the image is, as long as something is known of it. */
  uriOf(name: string): vscode.Uri | undefined {
    const source = this.#entries.get(name)?.source;
    if (source === undefined) return undefined;
    return source.kind === 'path' ? vscode.Uri.file(source.path) : vscode.Uri.parse(source.uri);
  }

  /**
   * Checks an image; where that is under way already, waits for it. Never rejects.
   * @param stop ends the work, which then answers with the problem `cancelled`
   */
  run(source: ImageSource, work: CheckWork, stop: () => void): Promise<Health> {
    const name = sourceName(source);
    const running = this.#running.get(name);
    if (running !== undefined) return running.health;
    const health = this.#runNow(source, work).finally(() => this.#running.delete(name));
    this.#running.set(name, { health, stop });
    return health;
  }

  /** Takes findings from elsewhere about the image as its document shows it; not while it is checked. */
  async learn(source: ImageSource, checked: Checked): Promise<void> {
    const name = sourceName(source);
    const stamp = await stampOf(source);
    const isOpen = this.#documents.has(name);
    if (!isOpen || this.#running.has(name) || !this.#isShown(name, checked.generation)) return;
    const { report, chain, generation } = checked;
    this.#set(name, { kind: 'checked', report, chain }, source, stamp, generation);
  }

  /** Stops a check that is under way. */
  cancel(name: string): void {
    this.#running.get(name)?.stop();
  }

  /** Forgets what was found once the document shows another state. Dispose when the document is closed. */
  follow(document: ImageDocument): Subscription {
    const name = sourceName(document.source);
    const documents = this.#documents.get(name) ?? new Set();
    this.#documents.set(name, documents.add(document));
    this.#followEmitter.fire(document);
    const reading = document.onDidRead(({ generation, edits }) => {
      const entry = this.#entries.get(name);
      if (entry === undefined || this.#running.has(name)) return;
      // Checked before it was opened: what is on disk is what is shown, as long as nothing is staged.
      const isSame = entry.generation === undefined ? edits?.unsaved === 0 : entry.generation === generation;
      if (!isSame) {
        this.#forget(name);
        return;
      }
      const isAdopted = entry.generation === undefined;
      entry.generation = generation;
      // The file may have changed between that check and this reading, unnoticed.
      if (isAdopted) void this.#compare(document.source);
    });
    return {
      dispose: () => {
        reading.dispose();
        documents.delete(document);
        if (documents.size > 0) return;
        this.#documents.delete(name);
        const entry = this.#entries.get(name);
        if (entry === undefined) return;
        const isOnDisk = document.source.kind === 'path' && (document.state?.edits?.unsaved ?? 0) === 0;
        if (isOnDisk && !this.#running.has(name)) entry.generation = undefined;
        else this.#forget(name);
      },
    };
  }

  dispose(): void {
    for (const { stop } of this.#running.values()) stop();
    for (const { watcher } of this.#entries.values()) watcher.dispose();
    this.#entries.clear();
    this.#changeEmitter.dispose();
    this.#followEmitter.dispose();
  }

  async #runNow(source: ImageSource, work: CheckWork): Promise<Health> {
    const name = sourceName(source);
    const stamp = await stampOf(source);
    this.#set(name, { kind: 'checking', done: 0, total: 0 }, source, stamp);
    const result = await work((done, total) => {
      this.#set(name, { kind: 'checking', done, total }, source, stamp);
    });
    // A check that was cancelled says nothing of the image; and it may have changed meanwhile.
    const isOver = result.ok
      ? !this.#isShown(name, result.value.generation)
      : result.problem.kind === 'cancelled';
    if (isOver) {
      this.#forget(name);
      return UNCHECKED;
    }
    const health: Health = result.ok
      ? { kind: 'checked', report: result.value.report, chain: result.value.chain }
      : healthAfter(result.problem);
    const [document] = this.#documents.get(name) ?? [];
    this.#set(name, health, source, stamp, document?.state?.generation);
    return health;
  }

  /** Whether every document on the image shows that state. */
  #isShown(name: string, generation: number): boolean {
    return [...(this.#documents.get(name) ?? [])].every(({ state }) => state?.generation === generation);
  }

  #set(name: string, health: Health, source: ImageSource, stamp: string, generation?: number): void {
    const entry = this.#entries.get(name);
    if (entry?.stamp === stamp) {
      entry.health = health;
      entry.generation = generation;
    } else {
      entry?.watcher.dispose();
      this.#entries.set(name, { health, generation, stamp, source, watcher: this.#watch(source) });
    }
    this.#changeEmitter.fire(name);
  }

  #forget(name: string): void {
    this.#entries.get(name)?.watcher.dispose();
    if (this.#entries.delete(name)) this.#changeEmitter.fire(name);
  }

  /** Where a document is open, it looks itself. */
  #watch(source: ImageSource): vscode.Disposable {
    if (source.kind !== 'path') return new vscode.Disposable(() => undefined);
    return watchFile(source.path, () => {
      if (!this.#documents.has(sourceName(source))) void this.#compare(source);
    });
  }

  /** Forgets what was found where the file is not what it was then. */
  async #compare(source: ImageSource): Promise<void> {
    const name = sourceName(source);
    const entry = this.#entries.get(name);
    const stamp = await stampOf(source);
    // Something else may have been found out meanwhile.
    if (entry === undefined || entry !== this.#entries.get(name) || this.#running.has(name)) return;
    if (entry.stamp !== stamp) this.#forget(name);
  }
}

/** Another one when the file has changed. */
async function stampOf(source: ImageSource): Promise<string> {
  if (source.kind !== 'path') return '';
  try {
    const { dev, ino, size, mtimeNs } = await stat(source.path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return '';
  }
}
