/**
 * The sessions of images whose contents are asked for: those that editors have, or of the view's own, for as long as they are
 * used. What is staged in an editor is seen here, and nothing is changed from here.
 */
import * as vscode from 'vscode';
import { imageSource } from '../editor/host/imageSource';
import type { Subscription } from '../editor/model/emitter';
import type { Control } from '../editor/model/operations';
import type { ImageSession } from '../editor/model/session';
import type { SessionLease, Sessions } from '../editor/model/sessions';
import type { OperationId, Result } from '../worker/api';
import type { ContentsCalls } from '../worker/contentsApi';
import type { Remote } from '../worker/remote';

/** Milliseconds that a session is kept after it was asked for: questions come in groups. */
const KEPT = 10_000;

export type ContentsRequest<T> = (calls: Remote<ContentsCalls>, operation: OperationId) => Promise<Result<T>>;

export class ImageSessions implements vscode.Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #changeEmitter = new vscode.EventEmitter<string>();
  /** The disk of an image, by its URI, is another one: edited, undone, read again. */
  readonly onDidChange = this.#changeEmitter.event;
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** Asks about the inside of an image, as it is now. Never rejects because of the image. @param image its URI */
  async ask<T>(image: string, request: ContentsRequest<T>, control?: Control): Promise<Result<T>> {
    const session = await this.#current(image);
    return session.run(({ calls }, operation) => request(calls, operation), control);
  }

  /** When the disk became what it is, in milliseconds since 1970; undefined while it is as it was when first asked for. */
  changedAt(image: string): number | undefined {
    return this.#entries.get(image)?.changedAt;
  }

  /** Keeps the session of an image, and tells its changes, until it is disposed of. */
  follow(image: string): vscode.Disposable {
    const entry = this.#entryOf(image);
    entry.followers++;
    void this.#current(image);
    let isOver = false;
    return new vscode.Disposable(() => {
      if (isOver) return;
      isOver = true;
      entry.followers--;
      this.#releaseLater(image, entry);
    });
  }

  /** Reads images again that no editor does, after the workspace was trusted. */
  readAgain(): void {
    for (const [image, { lease }] of this.#entries)
      if (lease?.session.owner === undefined) void lease?.session.read(imageSource(vscode.Uri.parse(image)));
  }

  dispose(): void {
    for (const entry of this.#entries.values()) release(entry);
    this.#entries.clear();
    this.#changeEmitter.dispose();
  }

  #entryOf(image: string): Entry {
    let entry = this.#entries.get(image);
    if (entry === undefined) {
      entry = { followers: 0 };
      this.#entries.set(image, entry);
    }
    return entry;
  }

  /** The session of the file that the URI leads to now, which has read the file as it is now. */
  async #current(image: string): Promise<ImageSession> {
    const source = imageSource(vscode.Uri.parse(image));
    const lease = await this.#sessions.acquire(source);
    const entry = this.#entryOf(image);
    this.#hold(image, entry, lease);
    const { session } = lease;
    const isUnwatched = session.owner === undefined && session.state !== undefined;
    if (isUnwatched && (await session.hasChanged(source))) await session.read(source);
    else await session.whenRead(source);
    return session;
  }

  #hold(image: string, entry: Entry, lease: SessionLease): void {
    const { session } = lease;
    if (entry.lease?.session === session) lease.release();
    else {
      const wasOther = entry.lease !== undefined;
      release(entry);
      entry.lease = lease;
      let generation = session.state?.generation;
      const changed = (): void => {
        entry.changedAt = Date.now();
        this.#changeEmitter.fire(image);
      };
      entry.subscription = session.onDidRead((state) => {
        // The first answer is no change, and other news leave the disk as it is.
        if (generation !== undefined && state.generation !== generation) changed();
        generation = state.generation;
      });
      if (wasOther) changed();
    }
    this.#releaseLater(image, entry);
  }

  #releaseLater(image: string, entry: Entry): void {
    clearTimeout(entry.timer);
    if (entry.followers > 0) return;
    entry.timer = setTimeout(() => {
      if (entry.followers > 0) return;
      release(entry);
      this.#entries.delete(image);
    }, KEPT);
  }
}

/** What is kept of an image. */
interface Entry {
  followers: number;
  lease?: SessionLease;
  subscription?: Subscription;
  timer?: NodeJS.Timeout;
  changedAt?: number;
}

function release(entry: Entry): void {
  clearTimeout(entry.timer);
  entry.subscription?.dispose();
  entry.lease?.release();
}
