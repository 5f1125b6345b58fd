/**
 * What makes the file on disk smaller without an edit: free space is returned to the host, or the file is compacted. Either
 * ends the history of edits where it changes anything. A compaction may take long: meanwhile the file is shown as it becomes,
 * and whatever would change it is refused.
 */
import type { Compacted, CompactPreview, FreeSpace, GivenBack, Problem, Result, Run } from '../../worker/api';
import type { EngineClient } from '../../worker/engineClient';
import type { HistoryEnd } from './editHistory';
import { Emitter } from './emitter';
import { logTimed } from './engineLog';
import type { Cancel, Control } from './operations';
import type { StagingHost } from './stagingHost';
import type { Turns } from './turns';

/** How far a compaction is. */
export interface CompactionProgress {
  /** Bytes that were moved. */
  readonly done: number;
  /** Bytes to move, as far as that is known; 0 at first. */
  readonly total: number;
  /** `performance.now()` when it began. */
  readonly started: number;
}

export class FileSpace {
  readonly #progressEmitter = new Emitter<CompactionProgress>();
  /** The compaction got further. */
  readonly onDidProgress = this.#progressEmitter.event;
  #compaction: CompactionProgress | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #stop: (() => void) | undefined;
  #isAsking = false;

  readonly #host: StagingHost;
  readonly #turns: Turns;
  readonly #endHistory: (why: HistoryEnd) => void;

  /** @param endHistory nothing from before can be undone any more */
  constructor(host: StagingHost, turns: Turns, endHistory: (why: HistoryEnd) => void) {
    this.#host = host;
    this.#turns = turns;
    this.#endHistory = endHistory;
  }

  /** The compaction that runs; undefined if none does. */
  get compaction(): CompactionProgress | undefined {
    return this.#compaction;
  }

  /** Why nothing may change the file now; undefined if it may. */
  get refusal(): Problem | undefined {
    if (this.#compaction === undefined) return undefined;
    return { kind: 'refused', code: 'space.compacting', file: this.#file };
  }

  /** Runs a piece after all that was asked for before; a compaction is not waited for. */
  inTurn<T>(piece: () => Promise<Result<T>>): Promise<Result<T>> {
    const problem = this.refusal;
    return problem === undefined ? this.#turns.take(piece) : Promise.resolve({ ok: false, problem });
  }

  /** Fulfilled once no compaction runs. */
  async whenCompacted(): Promise<void> {
    await this.#running;
  }

  /** What giving free space back to the host would come to; nothing may be staged. */
  freeSpace(cancel: Cancel): Promise<Result<FreeSpace>> {
    return this.inTurn(() =>
      this.#host.run((engine, operation) => engine.calls.freeSpace(operation), { cancel }),
    );
  }

  /** Gives free space back to the host. Where anything was given back, nothing from before can be undone. */
  giveBack(control: Control): Promise<Result<GivenBack>> {
    return this.inTurn(async () => {
      const gaveBack = await logTimed(`Giving back free space of ${this.#file}`, () =>
        this.#run((engine, run) => engine.calls.giveBack(run), control),
      );
      if (!gaveBack.ok) return gaveBack;
      const { report, state } = gaveBack.value;
      if (report.changed) {
        this.#endHistory('gaveBack');
        this.#host.take(state);
      }
      return { ok: true, value: report };
    });
  }

  /** What compacting the file would do; nothing may be staged. */
  compactPreview(cancel: Cancel): Promise<Result<CompactPreview>> {
    return this.inTurn(() =>
      this.#host.run((engine, operation) => engine.calls.compactPreview(operation), { cancel }),
    );
  }

  /** Makes the file shorter in place. Where anything was changed, nothing from before can be undone. */
  compact(control: Control): Promise<Result<Compacted>> {
    return this.inTurn(() => {
      const compacted = this.#compact(control);
      this.#running = compacted;
      return compacted;
    });
  }

  /** A compaction ends after the batch that is under way. */
  stopCompacting(): void {
    this.#stop?.();
  }

  dispose(): void {
    this.#progressEmitter.dispose();
  }

  async #compact(control: Control): Promise<Result<Compacted>> {
    const started = performance.now();
    this.#compaction = { done: 0, total: 0, started };
    this.#tellState();
    const compacted = await logTimed(`Compaction of ${this.#file}`, () =>
      this.#run((engine, run) => engine.calls.compact(run), {
        ...control,
        report: (done, total) => {
          this.#compaction = { done, total, started };
          this.#progressEmitter.fire(this.#compaction);
          control.report?.(done, total);
          void this.#showSoFar();
        },
        cancel: (stop) => {
          this.#stop = stop;
          control.cancel?.(stop);
        },
      }),
    );
    this.#compaction = undefined;
    this.#stop = undefined;
    if (!compacted.ok) {
      this.#tellState();
      return compacted;
    }
    const { report, state } = compacted.value;
    if (report.changed) this.#endHistory('compacted');
    this.#host.take(state);
    return { ok: true, value: report };
  }

  /** Shows the file as it is by now; the worker decides whether it is time for that. */
  async #showSoFar(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const soFar = await this.#host.ask((engine) => engine.calls.compactedSoFar(this.#host.nextGeneration()));
    this.#isAsking = false;
    if (soFar.ok && soFar.value !== undefined && this.#compaction !== undefined) this.#host.take(soFar.value);
  }

  /** The same state; what may be done in it has changed. */
  #tellState(): void {
    const { state } = this.#host;
    if (state !== undefined) this.#host.take(state);
  }

  #run<T>(
    request: (engine: EngineClient, run: Run) => Promise<Result<T>>,
    control: Control,
  ): Promise<Result<T>> {
    return this.#host.run(
      (engine, operation) => request(engine, { generation: this.#host.nextGeneration(), operation }),
      control,
    );
  }

  /** For the log, and for messages. */
  get #file(): string {
    return this.#host.state?.path ?? '';
  }
}
