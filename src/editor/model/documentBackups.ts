/**
 * The backups of one document that VS Code knows: it deletes each once a newer one is there, and forgets the one that a
 * document was opened from. They outlive the document, since that is when they may be needed; what goes is what is known
 * not to be needed: a backup that a newer one replaces, and all of them once nothing is staged any more.
 */
import type { BackupPlace, Result } from '../../worker/api';
import type { UndoableEdit } from './editHistory';
import type { Staging } from './staging';
import { removeBackup } from './storage';

/** What backups need of their document. */
export interface BackedDocument {
  hasUnsaved(): boolean;
  /** What is staged on the file, once it was read. */
  staging(): Promise<Staging>;
  /** Runs a piece once no backup is being written. */
  inTurn(piece: () => Promise<void>): Promise<void>;
}

export class DocumentBackups {
  readonly #document: BackedDocument;
  /** Files of pages by the path of the manifest; backups of one document may share one. */
  readonly #pages = new Map<string, string>();
  #openedFrom: string | undefined;

  constructor(document: BackedDocument) {
    this.#document = document;
  }

  /**
   * Writes what is staged to a backup, which stays when the document is closed.
   * @param keepsEmpty whether it stays, too, where nothing is staged any more, after a save that came first
   */
  async write(path: string, keepsEmpty = false): Promise<Result<BackupPlace>> {
    const staging = await this.#document.staging();
    return staging.backUp(path, async (place, hasUnsaved) => {
      await this.#wrote(path, place);
      if (!hasUnsaved && !keepsEmpty) await this.#removeEach();
    });
  }

  /** Writes a backup for the document that takes the place of this one, and removes it. */
  async writeForMove(path: string): Promise<Result<BackupPlace>> {
    return (await this.#document.staging()).backUp(path, () => Promise.resolve());
  }

  /** Writes the newest backup again, where there is one and something is staged. */
  async renew(): Promise<void> {
    const newest = [...this.#pages.keys()].at(-1);
    if (newest !== undefined && this.#document.hasUnsaved()) await this.write(newest);
  }

  /** Stages the edits of a backup again; it goes with the first backup that is written. */
  async restore(path: string): Promise<Result<readonly UndoableEdit[]>> {
    const restored = await (await this.#document.staging()).restore(path);
    if (!restored.ok) return restored;
    const { pages, edits } = restored.value;
    this.#openedFrom = path;
    this.#pages.set(path, pages);
    return { ok: true, value: edits };
  }

  remove(path: string): Promise<void> {
    return this.#document.inTurn(() => this.#remove(path));
  }

  /** Nothing is staged any more, or it is staged elsewhere. */
  removeAll(): Promise<void> {
    return this.#document.inTurn(() => this.#removeEach());
  }

  /** A backup was written, in the place of another one perhaps. */
  async #wrote(path: string, { pages }: BackupPlace): Promise<void> {
    const openedFrom = this.#openedFrom;
    const replaced = this.#pages.get(path);
    this.#pages.delete(path);
    this.#pages.set(path, pages);
    this.#openedFrom = undefined;
    if (replaced !== undefined) await removeBackup({ path, pages: replaced }, this.#all());
    if (openedFrom !== undefined && openedFrom !== path) await this.#remove(openedFrom);
  }

  async #removeEach(): Promise<void> {
    for (const path of [...this.#pages.keys()]) await this.#remove(path);
  }

  async #remove(path: string): Promise<void> {
    const pages = this.#pages.get(path);
    if (pages === undefined) return;
    this.#pages.delete(path);
    await removeBackup({ path, pages }, this.#all());
  }

  #all(): { readonly path: string; readonly pages: string }[] {
    return [...this.#pages].map(([path, pages]) => ({ path, pages }));
  }
}
