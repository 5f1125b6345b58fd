/**
 * The edits of a file as VS Code numbers them, from 1 on. The thread's own history may begin later: the edits of
 * a thread that died cannot always be restored. Reading the file again begins another history.
 */
import type { ImageState } from '../../worker/api';

/** An edit as VS Code keeps it. Neither call ever rejects: VS Code would drop the whole history. */
export interface UndoableEdit {
  readonly label: string;
  undo(): Promise<void>;
  redo(): Promise<void>;
}

/**
 * Why nothing of a history can be undone any more: the file was read again, the space that its edits had freed was given
 * back to the host or used by a compaction, or the thread that knew them has died.
 */
export type HistoryEnd = 'readAnew' | 'gaveBack' | 'compacted' | 'lost';

export class EditHistory {
  /** Of the edits, done and undone, in their order. */
  #labels: string[] = [];
  /** For each history from before, why it ended. */
  readonly #ended: HistoryEnd[] = [];
  /** Edits at the start that the thread does not have: they are on disk, and cannot be undone. */
  #missing = 0;

  /** Which history it is. */
  get id(): number {
    return this.#ended.length;
  }

  get length(): number {
    return this.#labels.length;
  }

  get offset(): number {
    return this.#missing;
  }

  /** Edits that are done, as the thread tells. */
  doneIn(state: Pick<ImageState, 'edits'> | undefined): number {
    return (state?.edits?.done ?? 0) + this.#missing;
  }

  labelOf(number: number): string {
    return this.#labels[number - 1] ?? '';
  }

  /** Why so many edits of a history cannot be done; undefined where they can. */
  whyNot(done: number, id: number): HistoryEnd | undefined {
    if (id !== this.id) return this.#ended[id] ?? 'readAnew';
    return done < this.#missing || done > this.#labels.length ? 'lost' : undefined;
  }

  /** An edit was staged. @param number it is that one; what was undone cannot be done again */
  add(number: number, label: string): void {
    this.#labels.length = Math.max(0, number - 1);
    this.#labels.push(label);
  }

  /** What comes after the first edits cannot be done again. */
  keep(edits: number): void {
    this.#labels.length = Math.min(this.#labels.length, edits);
  }

  /** The same history in another thread. @param labels of the edits that it has, after those that it does not */
  revive(missing: number, labels: readonly string[]): void {
    this.#labels = [...this.#labels.slice(0, missing), ...labels];
    this.#missing = missing;
  }

  restart(labels: readonly string[], why: HistoryEnd): void {
    this.#ended.push(why);
    this.#labels = [...labels];
    this.#missing = 0;
  }
}
