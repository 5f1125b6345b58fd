/**
 * VS Code's own record of a document's edits, followed from what it is told: a list of edits, how many of them are done,
 * and how many were when it was saved. The record is wrong where an edit takes the place of a saved one that was undone,
 * and where undo was asked for while a save was running: VS Code is then told that the content has changed.
 */
export class VsCodeHistory {
  #edits = 0;
  #done = 0;
  #saved = 0;
  #contentChanged = false;

  get isDirty(): boolean {
    return this.#contentChanged || this.#done !== this.#saved;
  }

  staged(): void {
    this.#done++;
    this.#edits = this.#done;
  }

  undone(): void {
    this.#done = Math.max(0, this.#done - 1);
  }

  redone(): void {
    this.#done = Math.min(this.#edits, this.#done + 1);
  }

  wasSaved(): void {
    this.#saved = this.#done;
    this.#contentChanged = false;
  }

  wasReverted(): void {
    this.#done = this.#saved;
    this.#edits = this.#done;
    this.#contentChanged = false;
  }

  changedContent(): void {
    this.#contentChanged = true;
  }
}
