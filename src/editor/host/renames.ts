/**
 * Files that are renamed or moved inside VS Code, by themselves or with a folder: VS Code closes the document and opens
 * another one on the new name. What is staged is put into a backup before, and staged again by the new document, which
 * also resolves names in the image from where it is then.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../model/document';
import { imageSource } from './imageSource';
import type { OpenImages } from './openImages';
import { removeBackup } from '../model/storage';

/** What was staged under the name before. */
export interface MovedEdits {
  /** Path of a backup. */
  readonly backup: string;
  /** They are staged again, or cannot be: no backup of them is needed any more. */
  remove(): Promise<void>;
}

/** Milliseconds that a backup waits for the new document: VS Code may not open it at all. */
const PATIENCE = 60_000;

interface Moved extends MovedEdits {
  /** On the old name. */
  readonly document: ImageDocument;
}

export class Renames implements vscode.Disposable {
  /** Backups by the URI of the document that is to come. */
  readonly #waiting = new Map<string, Moved>();
  readonly #subscription: vscode.Disposable;

  readonly #images: OpenImages;
  readonly #folder: string;

  /** @param folder for the backups; made when it is needed */
  constructor(images: OpenImages, folder: string) {
    this.#images = images;
    this.#folder = folder;
    this.#subscription = vscode.workspace.onWillRenameFiles((event) => {
      event.waitUntil(this.#keep(event.files));
    });
  }

  /** The backup for a document that is being opened; it is handed out once, and the old document gives up the file. */
  async take(uri: vscode.Uri): Promise<MovedEdits | undefined> {
    const key = uri.toString();
    const moved = this.#waiting.get(key);
    this.#waiting.delete(key);
    await moved?.document.giveUp(imageSource(uri));
    return moved;
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  async #keep(files: readonly { readonly oldUri: vscode.Uri; readonly newUri: vscode.Uri }[]): Promise<void> {
    for (const [uri, document] of this.#images.entries()) {
      if (!document.hasUnsaved) continue;
      const file = files.find(({ oldUri }) => isAtOrBelow(uri, oldUri));
      if (file === undefined) continue;
      const backup = join(this.#folder, `renamed-${randomBytes(6).toString('hex')}`);
      const backedUp = await document.backups.writeForMove(backup);
      if (!backedUp.ok) continue;
      const target = file.newUri.with({ path: file.newUri.path + uri.path.slice(file.oldUri.path.length) });
      document.isMoving = true;
      const removeMoved = (): Promise<void> => removeBackup({ path: backup, ...backedUp.value });
      const remove = async (): Promise<void> => {
        await removeMoved();
        // VS Code has the old document write one before a rename, and never deletes it.
        await document.backups.removeAll();
      };
      const moved = { backup, document, remove };
      this.#waiting.set(target.toString(), moved);
      setTimeout(() => {
        document.isMoving = false;
        // VS Code has not opened it: what VS Code was given for the old document stays.
        if (this.#waiting.get(target.toString()) !== moved) return;
        this.#waiting.delete(target.toString());
        void removeMoved();
      }, PATIENCE);
    }
  }
}

/** Whether a file is the one that is renamed, or lies in the folder that is. */
function isAtOrBelow(uri: vscode.Uri, renamed: vscode.Uri): boolean {
  if (uri.scheme !== renamed.scheme || uri.authority !== renamed.authority) return false;
  return uri.path === renamed.path || uri.path.startsWith(`${renamed.path}/`);
}
