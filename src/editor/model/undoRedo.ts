/** Undo and redo: an edit knows its place in the history, not a direction, so that both are one call of the engine. */
import type { Problem } from '../../worker/api';
import { isDeath } from '../../worker/engineClient';
import type { EditHistory, HistoryEnd, UndoableEdit } from './editHistory';
import type { EditRecovery } from './editRecovery';
import { Emitter } from './emitter';
import type { StagingHost } from './stagingHost';
import type { Turns } from './turns';

export class UndoRedo {
  readonly #failEmitter = new Emitter<Problem | HistoryEnd>();
  /** An undo or redo could not be done: why, or how its history ended. */
  readonly onDidFail = this.#failEmitter.event;
  readonly #host: StagingHost;
  readonly #turns: Turns;
  readonly #history: EditHistory;
  readonly #recovery: EditRecovery;
  readonly #refusal: () => Problem | undefined;

  /** @param refusal why nothing can be undone now, and not soon either */
  constructor(
    host: StagingHost,
    turns: Turns,
    history: EditHistory,
    recovery: EditRecovery,
    refusal: () => Problem | undefined,
  ) {
    this.#host = host;
    this.#turns = turns;
    this.#history = history;
    this.#recovery = recovery;
    this.#refusal = refusal;
  }

  dispose(): void {
    this.#failEmitter.dispose();
  }

  /** @param number 1 for the first edit */
  edit(number: number): UndoableEdit {
    const { id } = this.#history;
    return {
      label: this.#history.labelOf(number),
      undo: () => this.#goTo(number - 1, id),
      redo: () => this.#goTo(number, id),
    };
  }

  #goTo(done: number, history: number): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#failEmitter.fire(refusal);
      return Promise.resolve();
    }
    return this.#turns.take(() => this.#goNow(done, history));
  }

  /** VS Code has moved already: where the thread dies over it, the next one goes there. */
  async #goNow(done: number, history: number): Promise<void> {
    const why = this.#history.whyNot(done, history);
    if (why !== undefined) {
      this.#failEmitter.fire(why);
      return;
    }
    const request = { kind: 'goTo', done } as const;
    const { lost } = this.#recovery;
    if (lost !== undefined) {
      this.#recovery.noteWaiting(request, done);
      return;
    }
    const generation = this.#host.nextGeneration();
    const result = await this.#host.ask((engine) =>
      engine.calls.goTo(done - this.#history.offset, generation),
    );
    if (result.ok) {
      this.#host.take(result.value);
      this.#recovery.note(request);
    } else if (
      isDeath(result) &&
      ((await this.#host.whenRevived()) !== undefined || this.#recovery.lost !== undefined)
    ) {
      await this.#goNow(done, history);
    } else {
      this.#failEmitter.fire(result.problem);
    }
  }
}
