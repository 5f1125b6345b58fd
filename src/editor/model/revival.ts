/**
 * A thread has died, and another one has opened its file: what was staged is staged again. A save that the death has
 * interrupted is taken back first, or finished where it was done.
 */
import type { ImageState, Problem, RecoverOutcome, Result, Run } from '../../worker/api';
import type { EngineClient } from '../../worker/engineClient';
import type { UndoableEdit } from './editHistory';
import type { EditRequest, LoggedEdits } from './editLog';

/** What has become of the staged edits of a thread that died. */
export type Revival =
  /** All is as it was, with undo and redo. */
  | { readonly kind: 'restored' }
  /** The save that was interrupted was done: nothing is staged any more. */
  | { readonly kind: 'saved' }
  /** Some edits are gone; those that are not begin another history. */
  | { readonly kind: 'lost'; readonly problem: Problem; readonly edits: readonly UndoableEdit[] }
  /** They are kept until the file can be opened, or the save that was interrupted be recovered. */
  | { readonly kind: 'waiting'; readonly problem: Problem };

/** How far restoring got. */
export interface RevivedEdits {
  readonly state: ImageState;
  /** Of the edits in the thread's history, done or not. */
  readonly labels: readonly string[];
  /** Edits at the start of the history that the thread has no more: they are on disk. */
  readonly missing: number;
  readonly isSaved: boolean;
  /** Why the edits after those were not staged again. */
  readonly problem?: Problem;
}

/** The host counts: generations of what is shown, and operations. */
export interface Numbers {
  nextGeneration(): number;
  nextRun(): Run;
}

/** What is to be staged again. */
export interface LostEdits extends LoggedEdits {
  /** Edits at the start of the history that the thread that died did not have either. */
  readonly offset: number;
  /** Edits of the history that are done. */
  readonly done: number;
  /** The thread died over a save: whether that was done. */
  readonly save?: 'done' | 'open';
  /** Why there is no backup, or why the thread died. */
  readonly problem: Problem;
}

/** Takes back an interrupted save, where it is not another program's. Not asked for where there is no journal. */
export async function recoverOpened(
  engine: EngineClient,
  opened: ImageState,
  numbers: Numbers,
): Promise<Result<{ readonly state: ImageState; readonly outcome: RecoverOutcome }>> {
  if (opened.problem !== undefined) return { ok: false, problem: opened.problem };
  if (opened.journal === undefined) return { ok: true, value: { state: opened, outcome: 'none' } };
  const recovered = await engine.calls.recover({}, numbers.nextGeneration());
  if (!recovered.ok) return recovered;
  const { problem } = recovered.value.state;
  return problem === undefined ? recovered : { ok: false, problem };
}

/** @param opened the file as it is now, without a journal */
export async function stageAgain(
  engine: EngineClient,
  opened: ImageState,
  outcome: RecoverOutcome,
  lost: LostEdits,
  numbers: Numbers,
): Promise<RevivedEdits> {
  const isSaved = lost.save === 'done' || (lost.save === 'open' && outcome === 'completed');
  const savedAt = isSaved ? lost.done : lost.savedAt;
  const nothing = { state: opened, labels: [], missing: savedAt ?? 0, isSaved };
  if (isSaved || lost.backup === undefined) {
    const [request] = isSaved ? [] : lost.requests;
    const isAll = savedAt !== undefined && request === undefined;
    return isAll ? nothing : { ...nothing, problem: lost.problem };
  }
  // By the thread itself, or now: nothing else could write while it saved.
  const isRolledBack = lost.save === 'open' || outcome === 'rolledBack';
  const restored = await engine.calls.restore(lost.backup, { isRolledBack }, numbers.nextGeneration());
  if (!restored.ok) return { ...nothing, problem: restored.problem };
  const { labels, missing, state } = restored.value;
  const replay = new Replay(engine, numbers, state, [...labels], lost.offset + missing);
  const problem = await replay.run(lost.requests);
  const revived = { state: replay.state, labels: replay.labels, missing: replay.missing, isSaved };
  return problem === undefined ? revived : { ...revived, problem };
}

/** Asks another thread for what the last one did. */
class Replay {
  constructor(
    readonly engine: EngineClient,
    readonly numbers: Numbers,
    public state: ImageState,
    readonly labels: string[],
    readonly missing: number,
  ) {}

  /** @returns why it came to an end before the last request */
  async run(requests: readonly EditRequest[]): Promise<Problem | undefined> {
    for (const request of requests) {
      const done = await this.#ask(request);
      if (!done.ok) return done.problem;
      this.state = done.value;
      if (request.kind === 'goTo') continue;
      this.labels.length = Math.max(0, (done.value.edits?.done ?? 0) - 1);
      this.labels.push(request.label);
    }
    return undefined;
  }

  async #ask(request: EditRequest): Promise<Result<ImageState>> {
    const run = this.numbers.nextRun();
    switch (request.kind) {
      case 'change':
        return stateOf(await this.engine.calls.apply(request.change, request.label, run));
      case 'repair':
        return stateOf(await this.engine.calls.repair(request.mode, request.label, run));
      case 'goTo':
        return this.engine.calls.goTo(request.done - this.missing, run.generation);
    }
  }
}

const stateOf = (result: Result<{ readonly state: ImageState }>): Result<ImageState> =>
  result.ok ? { ok: true, value: result.value.state } : result;
