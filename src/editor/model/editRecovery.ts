/**
 * Brings back what was staged in a thread that died. As long as it lives, a backup of the whole history is kept, and the
 * requests since (editLog.ts); then another thread stages all of it again (revival.ts).
 */
import type { EditState, ImageState, Problem, RecoverOutcome, Result } from '../../worker/api';
import type { EngineClient } from '../../worker/engineClient';
import type { EditHistory } from './editHistory';
import { EditLog, type EditRequest } from './editLog';
import { type LostEdits, type Numbers, recoverOpened, type RevivedEdits, stageAgain } from './revival';

/** Edits of a thread that died, until they are staged again. */
interface Waiting extends LostEdits {
  /** As the thread told them last. */
  readonly edits: EditState;
}

/** What has become of them; `waiting`: until the file can be opened, or a save that was interrupted be recovered. */
export type Restaged =
  | { readonly kind: 'none' }
  | { readonly kind: 'restored' | 'saved' }
  | { readonly kind: 'waiting'; readonly problem: Problem }
  | { readonly kind: 'lost'; readonly problem: Problem; readonly labels: readonly string[] };

/** Milliseconds after a change until the thread is asked for a backup. */
const BACK_UP_AFTER = 1000;

export class EditRecovery {
  readonly #log: EditLog;
  #waiting: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  readonly #history: EditHistory;
  readonly #numbers: Numbers;
  readonly #backUpSoon: () => void;

  /**
   * @param folder for backups; made when it is needed
   * @param backUpSoon has `write` called in its turn
   */
  constructor(history: EditHistory, numbers: Numbers, folder: string, backUpSoon: () => void) {
    this.#history = history;
    this.#numbers = numbers;
    this.#backUpSoon = backUpSoon;
    this.#log = new EditLog(folder);
  }

  /** The edits that wait for another thread, and why; undefined where none do. */
  get lost(): { readonly edits: EditState; readonly done: number; readonly problem: Problem } | undefined {
    return this.#waiting;
  }

  /** Runs a change in the thread, once there is a backup that it can be added to. */
  async change<T>(engine: EngineClient, ask: () => Promise<Result<T>>): Promise<Result<T>> {
    // It would be put before what waits.
    if (this.#waiting !== undefined) return { ok: false, problem: this.#waiting.problem };
    await this.#log.begin(engine);
    return ask();
  }

  /** Something was done: it is done again in another thread, unless it is in a backup by then. */
  note(request: EditRequest): void {
    this.#log.add(request);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#backUpSoon, BACK_UP_AFTER);
  }

  /** VS Code has moved while no thread is there to follow. @param done edits */
  noteWaiting(request: EditRequest, done: number): void {
    if (this.#waiting === undefined) return;
    this.#log.add(request);
    this.#waiting = { ...this.#waiting, done };
  }

  write(engine: EngineClient): Promise<Result<undefined>> {
    clearTimeout(this.#timer);
    return this.#log.write(engine);
  }

  /** @param done edits, all of them on disk now */
  writeAfterSave(engine: EngineClient, done: number): Promise<Result<undefined>> {
    clearTimeout(this.#timer);
    return this.#log.writeAfterSave(engine, done);
  }

  /** Nothing of the history is needed any more; its backup goes at once. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#waiting = undefined;
    this.#log.remove();
  }

  /** The thread has died. @param save over one: whether it was done */
  suspend(state: ImageState | undefined, problem: Problem, save: LostEdits['save']): void {
    clearTimeout(this.#timer);
    if (this.#waiting !== undefined || state?.edits === undefined || this.#history.length === 0) return;
    const { offset } = this.#history;
    const done = this.#history.doneIn(state);
    const over = save === undefined ? {} : { save };
    this.#waiting = { problem, ...this.#log.edits, edits: state.edits, done, offset, ...over };
  }

  /**
   * Stages all again.
   * @param opened the file as the thread has opened it
   * @returns the state to be shown
   */
  async revive(engine: EngineClient, opened: ImageState): Promise<readonly [ImageState, Restaged]> {
    const recovered = await recoverOpened(engine, opened, this.#numbers);
    if (recovered.ok) return this.restage(engine, recovered.value.state, recovered.value.outcome);
    const { problem } = recovered;
    return [opened, this.#waiting === undefined ? { kind: 'none' } : { kind: 'waiting', problem }];
  }

  /** The same, once a save that was interrupted has been recovered. */
  async restage(
    engine: EngineClient,
    opened: ImageState,
    outcome: RecoverOutcome,
  ): Promise<readonly [ImageState, Restaged]> {
    const waiting = this.#waiting;
    if (waiting === undefined) return [opened, { kind: 'none' }];
    const revived = await stageAgain(
      engine,
      opened,
      outcome,
      { ...waiting, ...this.#log.edits },
      this.#numbers,
    );
    const { state, labels, problem } = revived;
    if (engine.hasEnded) return [opened, { kind: 'waiting', problem: problem ?? waiting.problem }];
    this.#waiting = undefined;
    if (problem !== undefined) {
      return [state, { kind: 'lost', problem, labels: labels.slice(0, state.edits?.done ?? 0) }];
    }
    await this.#goOn(engine, revived);
    return [state, { kind: revived.isSaved ? 'saved' : 'restored' }];
  }

  async #goOn(engine: EngineClient, { missing, labels, isSaved }: RevivedEdits): Promise<void> {
    this.#history.revive(missing, labels);
    // The file has another time since a save was taken back.
    await (isSaved ? this.writeAfterSave(engine, missing) : this.write(engine));
  }
}
