/**
 * The edits of a document in a row: which of them are done, which are undone, and where the file on disk stands. The
 * states before and after an edit are whole staged files (io/stagedFile.ts), so that going there is an assignment.
 */
import type { ClusterBits, ClusterSet } from '../clusterSet';
import type { StagedState } from '../io/stagedFile';
import type { ComparedFile } from './comparedFiles';

/** The image and its external data file at one moment. */
export interface StagedPair {
  readonly image: StagedState;
  readonly dataFile: StagedState | undefined;
}

export interface Repaired {
  readonly wasSound: boolean;
  readonly isSound: boolean;
}

/** What is to be known of some edits. Plain JSON. */
export interface EditFacts {
  /** It is a repair: whether the check found the image sound before and after it. Other edits leave that as it is. */
  readonly repaired?: Repaired;
  /** It has given up data that these files have, too. */
  readonly comparedWith?: readonly ComparedFile[];
}

export const factsOf = ({ repaired, comparedWith }: EditFacts): EditFacts => ({
  ...(repaired === undefined ? {} : { repaired }),
  ...(comparedWith === undefined ? {} : { comparedWith }),
});

export interface Edit extends EditFacts {
  readonly before: StagedPair;
  readonly after: StagedPair;
  /** What the person is shown. */
  readonly label: string;
  /** Host clusters that it gave up. */
  readonly freed: ClusterBits;
}

/** Edits in a row, and where in it the image and the file on disk stand. */
export interface EditRow {
  readonly edits: readonly Edit[];
  /** Edits that are done; the others can be done again. */
  readonly done: number;
  /** Edits that are on disk; undefined where no edit leads there. */
  readonly saved: number | undefined;
}

export class History {
  readonly #edits: Edit[] = [];
  /** Edits that are done. */
  #done = 0;
  /** Edits that were done when the file was saved; undefined once no edit leads there any more. */
  #saved: number | undefined = 0;
  /** Where no edit leads to what is on disk any more: edits of the row that led there, too. */
  #sharedWithDisk = 0;

  get undoable(): number {
    return this.#done;
  }

  get redoable(): number {
    return this.#edits.length - this.#done;
  }

  /** Steps between what is shown and what is on disk. */
  get unsaved(): number {
    return this.#saved === undefined ? this.#done + 1 : Math.abs(this.#done - this.#saved);
  }

  /**
   * Host clusters that nothing uses any more but a state that undo can still reach: handed out again, they would not
   * hold what that state left there.
   */
  get held(): ClusterSet {
    const freed = this.#edits.slice(0, this.#done).map((edit) => edit.freed);
    return { has: (cluster) => freed.some((set) => set.has(cluster)) };
  }

  /** Adds an edit that is done; what was undone before cannot be redone any more. */
  add(edit: Edit): void {
    this.dropUndone();
    this.#edits.push(edit);
    this.#done++;
  }

  /** Forgets the edits that are undone. */
  dropUndone(): void {
    if (this.#saved !== undefined && this.#saved > this.#done) {
      this.#saved = undefined;
      this.#sharedWithDisk = this.#done;
    }
    this.#sharedWithDisk = Math.min(this.#sharedWithDisk, this.#done);
    this.#edits.length = this.#done;
  }

  /** The state to go back to; undefined where nothing can be undone. */
  undo(): StagedPair | undefined {
    const edit = this.#edits[this.#done - 1];
    if (edit !== undefined) this.#done--;
    return edit?.before;
  }

  /** The state to go forward to; undefined where nothing can be redone. */
  redo(): StagedPair | undefined {
    const edit = this.#edits[this.#done];
    if (edit !== undefined) this.#done++;
    return edit?.after;
  }

  get row(): EditRow {
    return { edits: [...this.#edits], done: this.#done, saved: this.#saved };
  }

  /** Takes the place of what there is. */
  restore({ edits, done, saved }: EditRow): void {
    this.#edits.splice(0, this.#edits.length, ...edits);
    this.#done = done;
    this.#saved = saved;
    this.#sharedWithDisk = 0;
  }

  /** The edits that are done and not on disk, the first one first; undefined where an undo went back past the save. */
  get unsavedEdits(): readonly Edit[] | undefined {
    return this.#saved === undefined || this.#saved > this.#done
      ? undefined
      : this.#edits.slice(this.#saved, this.#done);
  }

  /** The files that edits which are done and not on disk have compared the image with. */
  get comparedFiles(): readonly ComparedFile[] {
    const edits = this.#edits.slice(this.#saved ?? this.#sharedWithDisk, this.#done);
    return edits.flatMap(({ comparedWith }) => comparedWith ?? []);
  }

  /** The last repair that is done. */
  get repaired(): Repaired | undefined {
    return this.#edits.slice(0, this.#done).findLast(({ repaired }) => repaired !== undefined)?.repaired;
  }

  /** The repairs that are done and not on disk, and those that are on disk and undone. */
  get unsavedRepairs(): readonly Repaired[] {
    const saved = this.#saved ?? (this.#done === 0 ? this.#edits.length : 0);
    const edits = this.#edits.slice(Math.min(saved, this.#done), Math.max(saved, this.#done));
    return edits.flatMap(({ repaired }) => repaired ?? []);
  }

  /** Drops all edits, done or not. */
  forget(): void {
    this.#edits.length = 0;
    this.#done = 0;
    this.#saved = 0;
  }

  markSaved(): void {
    this.#saved = this.#done;
  }
}
