/**
 * The backups of one document that VS Code knows: it deletes each once a newer one is there, and forgets the one that a
 * document was opened from. They outlive the document, since that is when they may be needed; what goes is what is known
 * not to be needed: a backup that a newer one replaces, and all of them once nothing is staged any more.
 */
import type { BackupPlace } from '../../worker/api';
import { removeBackup } from './storage';

export class DocumentBackups {
  /** Files of pages by the path of the manifest; backups of one document may share one. */
  private readonly pages = new Map<string, string>();
  private openedFrom: string | undefined;

  /** The path of the newest one. */
  get last(): string | undefined {
    return [...this.pages.keys()].at(-1);
  }

  /** The document was opened from a backup; it goes with the first one that is written. */
  opened(path: string, { pages }: BackupPlace): void {
    this.openedFrom = path;
    this.pages.set(path, pages);
  }

  /** A backup was written, in the place of another one perhaps. */
  async wrote(path: string, { pages }: BackupPlace): Promise<void> {
    const { openedFrom } = this;
    const replaced = this.pages.get(path);
    this.pages.delete(path);
    this.pages.set(path, pages);
    this.openedFrom = undefined;
    if (replaced !== undefined) await removeBackup({ path, pages: replaced }, this.all());
    if (openedFrom !== undefined && openedFrom !== path) await this.remove(openedFrom);
  }

  async remove(path: string): Promise<void> {
    const pages = this.pages.get(path);
    if (pages === undefined) return;
    this.pages.delete(path);
    await removeBackup({ path, pages }, this.all());
  }

  async removeAll(): Promise<void> {
    for (const path of [...this.pages.keys()]) await this.remove(path);
  }

  private all(): { readonly path: string; readonly pages: string }[] {
    return [...this.pages].map(([path, pages]) => ({ path, pages }));
  }
}
