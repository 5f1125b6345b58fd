/**
 * What is staged on one file: its edits as VS Code undoes and redoes them, one after the other. The states themselves
 * are the worker's; here is which of them is shown, and the order of everything that changes it. Staging, undo, redo,
 * revert and save run one at a time: VS Code would start a second save beside the first, and undo during one.
 */
import type {
  ChangeRequest,
  ChangeTally,
  Checked,
  Edited,
  FreeSpace,
  GivenBack,
  EditState,
  ExportedExtents,
  ImageState,
  MapRequest,
  Obstacle,
  OperationId,
  Problem,
  RecoverOutcome,
  RecoverTrust,
  RepairMode,
  RepairReport,
  Result,
  Run,
} from '../worker/api';
import type { EngineClient } from '../worker/client';
import { log } from '../words/log';
import { Emitter } from './emitter';

/** An edit as VS Code keeps it. Neither call ever rejects: VS Code would drop the whole history. */
export interface UndoableEdit {
  readonly label: string;
  undo(): Promise<void>;
  redo(): Promise<void>;
}

/** Says how an operation is told to stop; a save does as long as nothing of the image has been written. */
export type Cancel = (stop: () => void) => void;

/** Told how far an operation is: `done` of `total`, in a unit of its own. */
export type ProgressReport = (done: number, total: number) => void;

/** Why nothing of a history can be undone any more: the file was read anew, or what its edits had freed is gone. */
export type Dropped = 'readAnew' | 'gaveBack';

export interface SaveAnswer {
  /** All is saved, but the journal could not be removed. */
  readonly leftover?: Problem;
}

/** What a repair did, and what the check of what it made has found. */
export interface RepairAnswer {
  readonly report: RepairReport;
  readonly checked: Checked;
  readonly edit?: UndoableEdit;
}

/** What staging needs of the session it belongs to. */
export interface StagingHost {
  readonly state: ImageState | undefined;
  ask<T>(request: (engine: EngineClient) => Promise<Result<T>>): Promise<Result<T>>;
  /** Tells of the progress of an operation while `work` runs. */
  watch<T>(operation: OperationId, report: ProgressReport, work: () => Promise<T>): Promise<T>;
  nextOperation(): OperationId;
  nextGeneration(): number;
  /** The worker has answered with another state. */
  take(state: ImageState): void;
}

export class Staging {
  private readonly failEmitter = new Emitter<Problem | Dropped>();
  /** An undo or redo could not be done: why, or that the history was dropped. */
  readonly onDidFail = this.failEmitter.event;

  private work: Promise<unknown> = Promise.resolve();
  /** Labels of the edits, done and undone, in their order. */
  private labels: string[] = [];
  /** Which history it is: reading the file anew begins another one. */
  private history = 0;
  /** For each history from before, why it ended. */
  private readonly dropped: Dropped[] = [];
  private previewing = 0;

  constructor(private readonly host: StagingHost) {}

  get edits(): EditState | undefined {
    return this.host.state?.edits;
  }

  /** For the log. */
  private get file(): string {
    return this.host.state?.path ?? '';
  }

  get hasUnsaved(): boolean {
    return (this.edits?.unsaved ?? 0) > 0;
  }

  /** Runs a piece after all that was asked for before. */
  enqueue<T>(piece: () => Promise<T>): Promise<T> {
    const result = this.work.then(piece);
    this.work = result.catch(() => undefined);
    return result;
  }

  /** What a change would do. A preview that is still under way ends in the problem `cancelled`. */
  preview(change: ChangeRequest): Promise<Result<ChangeTally>> {
    return this.previewNow((engine, operation) => engine.preview(change, operation));
  }

  /** What a repair would do; the same. */
  previewRepair(mode: RepairMode): Promise<Result<RepairReport>> {
    return this.previewNow((engine, operation) => engine.previewRepair(mode, operation));
  }

  /** Ends a preview that nobody waits for any more. */
  stopPreview(): void {
    const { previewing } = this;
    void this.host.ask((engine) => {
      engine.cancelOperation(previewing);
      return Promise.resolve({ ok: true, value: undefined });
    });
  }

  /** What the engine has against changing the image now. */
  obstacles(): Promise<Result<readonly Obstacle[]>> {
    const operation = this.host.nextOperation();
    return this.host.ask((engine) => engine.obstacles(operation));
  }

  /** Checks the image as staged. */
  check(report: ProgressReport, cancel: Cancel): Promise<Result<Checked>> {
    return this.watched(report, cancel, (engine, operation) => engine.check(operation));
  }

  /** Writes the map of the image as staged to a file. */
  exportMap(request: MapRequest, report: ProgressReport, cancel: Cancel): Promise<Result<ExportedExtents>> {
    return this.watched(report, cancel, (engine, operation) => engine.exportMap(request, operation));
  }

  /** Stages a repair; nothing where there is nothing to mend. */
  repair(mode: RepairMode, label: string): Promise<Result<RepairAnswer>> {
    return this.enqueue(async () => {
      const run = { generation: this.host.nextGeneration(), operation: this.host.nextOperation() };
      const repaired = await this.host.ask((engine) => engine.repair(mode, label, run));
      if (!repaired.ok) return repaired;
      const { report, chain, state } = repaired.value;
      const edit = this.staged(report.changed, label, state);
      const checked = { report: report.after, chain, generation: state.generation };
      return { ok: true, value: { report, checked, ...(edit === undefined ? {} : { edit }) } };
    });
  }

  /** Stages a change; nothing where it changes nothing. */
  stage(change: ChangeRequest, label: string): Promise<Result<{ tally: ChangeTally; edit?: UndoableEdit }>> {
    return this.enqueue(async () => {
      const operation = this.host.nextOperation();
      const generation = this.host.nextGeneration();
      const edited = await this.host.ask<Edited>((engine) =>
        engine.apply(change, label, { generation, operation }),
      );
      if (!edited.ok) return edited;
      const { tally, state } = edited.value;
      const edit = this.staged(tally.changed, label, state);
      return { ok: true, value: edit === undefined ? { tally } : { tally, edit } };
    });
  }

  /** Writes what is staged to the disk, all or nothing. For a piece that has the turn. */
  async save(cancel: Cancel): Promise<Result<SaveAnswer>> {
    const saved = await log.timed(`Save of ${this.file}`, () =>
      this.host.ask((engine) => engine.save(this.cancellable(engine, cancel))),
    );
    if (!saved.ok) return saved;
    const { state, leftover } = saved.value;
    this.host.take(state);
    return { ok: true, value: leftover === undefined ? {} : { leftover } };
  }

  /** Writes the image as staged to another file; what is staged stays. For a piece that has the turn. */
  saveAs(path: string, cancel: Cancel): Promise<Result<undefined>> {
    return log.timed(`Save of ${this.file} as ${path}`, () =>
      this.host.ask((engine) => engine.saveAs(path, this.cancellable(engine, cancel))),
    );
  }

  /** What giving free space back to the host would come to. */
  freeSpace(cancel: Cancel): Promise<Result<FreeSpace>> {
    return this.enqueue(() =>
      this.host.ask((engine) => engine.freeSpace(this.cancellable(engine, cancel).operation)),
    );
  }

  /** Gives free space back to the host. Where anything was given back, nothing from before can be undone. */
  giveBack(report: ProgressReport, cancel: Cancel): Promise<Result<GivenBack>> {
    return this.enqueue(async () => {
      const gaveBack = await log.timed(`Giving back free space of ${this.file}`, () =>
        this.host.ask((engine) => {
          const run = this.cancellable(engine, cancel);
          return this.host.watch(run.operation, report, () => engine.giveBack(run));
        }),
      );
      if (!gaveBack.ok) return gaveBack;
      if (gaveBack.value.report.changed) {
        this.startAnew([], 'gaveBack');
        this.host.take(gaveBack.value.state);
      }
      return { ok: true, value: gaveBack.value.report };
    });
  }

  /** Goes back to what is on disk. */
  revert(): Promise<Result<undefined>> {
    return this.enqueue(async () => {
      const reverted = await this.host.ask((engine) => engine.revert(this.host.nextGeneration()));
      if (reverted.ok && reverted.value.isReadAnew) this.startAnew();
      return this.take(reverted.ok ? { ok: true, value: reverted.value.state } : reverted);
    });
  }

  /** Takes back a save that was interrupted; the image is read anew. */
  recover(trust: RecoverTrust): Promise<Result<RecoverOutcome>> {
    return this.enqueue(async () => {
      const recovered = await log.timed(`Recovery of ${this.file}`, () =>
        this.host.ask((engine) => engine.recover(trust, this.host.nextGeneration())),
      );
      if (!recovered.ok) return recovered;
      this.startAnew();
      this.host.take(recovered.value.state);
      return { ok: true, value: recovered.value.outcome };
    });
  }

  /** Writes what is staged to a backup. */
  backUp(path: string): Promise<Result<undefined>> {
    return this.enqueue(() => this.host.ask((engine) => engine.backUp(path)));
  }

  /** Stages the edits of a backup again; answers with them, the first one first. */
  restore(path: string): Promise<Result<UndoableEdit[]>> {
    return this.enqueue(async () => {
      const restored = await this.host.ask((engine) => engine.restore(path, this.host.nextGeneration()));
      if (!restored.ok) return restored;
      const { labels, state } = restored.value;
      this.startAnew(labels);
      this.host.take(state);
      return { ok: true, value: labels.map((_, index) => this.edit(index + 1)) };
    });
  }

  /** Begins another history: what VS Code keeps of this one can no longer be undone. */
  startAnew(labels: readonly string[] = [], why: Dropped = 'readAnew'): void {
    this.dropped.push(why);
    this.history = this.dropped.length;
    this.labels = [...labels];
  }

  dispose(): void {
    this.failEmitter.dispose();
  }

  private watched<T>(
    report: ProgressReport,
    cancel: Cancel,
    ask: (engine: EngineClient, operation: OperationId) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const operation = this.host.nextOperation();
    return this.host.ask((engine) => {
      cancel(() => {
        engine.cancelOperation(operation);
      });
      return this.host.watch(operation, report, () => ask(engine, operation));
    });
  }

  private previewNow<T>(
    ask: (engine: EngineClient, operation: OperationId) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const before = this.previewing;
    const operation = this.host.nextOperation();
    this.previewing = operation;
    return this.host.ask((engine) => {
      if (before > 0) engine.cancelOperation(before);
      return ask(engine, operation);
    });
  }

  /** Takes the state after an edit, and the edit into the history; undefined where nothing has changed. */
  private staged(hasChanged: boolean, label: string, state: ImageState): UndoableEdit | undefined {
    if (hasChanged) {
      const done = state.edits?.done ?? 0;
      this.labels.length = Math.max(0, done - 1);
      this.labels.push(label);
    }
    this.host.take(state);
    return hasChanged ? this.edit(this.labels.length) : undefined;
  }

  private cancellable(engine: EngineClient, cancel: Cancel): Run {
    const operation = this.host.nextOperation();
    cancel(() => {
      engine.cancelOperation(operation);
    });
    return { generation: this.host.nextGeneration(), operation };
  }

  private take(result: Result<ImageState>): Result<undefined> {
    if (!result.ok) return result;
    this.host.take(result.value);
    return { ok: true, value: undefined };
  }

  /** @param number 1 for the first edit */
  private edit(number: number): UndoableEdit {
    const { history } = this;
    return {
      label: this.labels[number - 1] ?? '',
      undo: () => this.goTo(number - 1, history),
      redo: () => this.goTo(number, history),
    };
  }

  private goTo(done: number, history: number): Promise<void> {
    return this.enqueue(async () => {
      if (history !== this.history) {
        this.failEmitter.fire(this.dropped[history] ?? 'readAnew');
        return;
      }
      const generation = this.host.nextGeneration();
      const result = await this.host.ask((engine) => engine.goTo(done, generation));
      if (result.ok) this.host.take(result.value);
      else this.failEmitter.fire(result.problem);
    });
  }
}
