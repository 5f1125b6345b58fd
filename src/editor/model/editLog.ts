/**
 * What it takes to stage the edits of a file again when its thread has died: a backup of the whole history, which the
 * thread is asked for after changes, and the requests since. VS Code's own backups are no help: it makes none while Auto
 * Save is on, and they lack what is undone and what is saved.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ChangeRequest, Problem, RepairMode, Result } from '../../worker/api';
import type { EngineClient } from '../../worker/engineClient';
import { type Backup, removeBackup } from './storage';

/** Something that moved the staged edits, and does it again. */
export type EditRequest =
  | { readonly kind: 'change'; readonly change: ChangeRequest; readonly label: string }
  | { readonly kind: 'repair'; readonly mode: RepairMode; readonly label: string }
  /** Undo or redo until so many edits of the history are done. */
  | { readonly kind: 'goTo'; readonly done: number };

/** What is known of the edits of a file whose thread has died. */
export interface LoggedEdits {
  /** Absent where none could be written, or the file was saved since. */
  readonly backup?: string;
  /** Where there is no backup: edits of the history that are done, all of them on disk. */
  readonly savedAt?: number;
  /** What came after that, the oldest first. */
  readonly requests: readonly EditRequest[];
  /** Why the last backup could not be written. */
  readonly problem?: Problem;
}

export class EditLog {
  #backup: Backup | undefined;
  #savedAt: number | undefined;
  #requests: EditRequest[] = [];
  #problem: Problem | undefined;

  readonly #folder: string;

  /** @param folder made when it is needed */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get edits(): LoggedEdits {
    const backup = this.#backup;
    const savedAt = this.#savedAt;
    const requests = this.#requests;
    const problem = this.#problem;
    return {
      ...(backup === undefined ? {} : { backup: backup.path }),
      ...(savedAt === undefined ? {} : { savedAt }),
      requests,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Call before each edit: the first one of a history is added to a backup of nothing. */
  async begin(engine: EngineClient): Promise<void> {
    if (this.#backup === undefined) await this.write(engine);
  }

  add(request: EditRequest): void {
    this.#requests.push(request);
  }

  /** Has the thread write a backup; what was asked for until now is in it. */
  async write(engine: EngineClient): Promise<Result<undefined>> {
    const before = this.#backup;
    const path = before?.path ?? join(this.#folder, `edits-${randomBytes(6).toString('hex')}`);
    const written = await engine.calls.backUp(path, 'history');
    if (!written.ok) {
      // The one before still does, with the requests since.
      this.#problem = written.problem;
      return written;
    }
    const backup = { path, pages: written.value.pages };
    this.#forget();
    this.#backup = backup;
    if (before !== undefined) await removeBackup(before, [backup]);
    return { ok: true, value: undefined };
  }

  /** The file was saved: the backup from before does not fit it. @param done edits of the history that are done */
  async writeAfterSave(engine: EngineClient, done: number): Promise<Result<undefined>> {
    this.remove();
    this.#savedAt = done;
    return this.write(engine);
  }

  /** The history has ended: nothing of it is needed any more. */
  remove(): void {
    const backup = this.#backup;
    this.#forget();
    if (backup !== undefined) void removeBackup(backup);
  }

  #forget(): void {
    this.#backup = undefined;
    this.#savedAt = undefined;
    this.#requests = [];
    this.#problem = undefined;
  }
}
