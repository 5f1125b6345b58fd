/**
 * What is staged on one file: its edits as VS Code undoes and redoes them, one after the other. The states themselves
 * are the worker's; here is which of them is shown, and the order of everything that changes it. Staging, undo, redo,
 * revert and save run one at a time: VS Code would start a second save beside the first, and undo during one.
 */
import type {
  BackupPlace,
  ChangeRequest,
  ChangeTally,
  Checked,
  Edited,
  FreeSpace,
  GivenBack,
  EditState,
  ImageState,
  OperationId,
  Problem,
  RecoverOutcome,
  RecoverTrust,
  RepairMode,
  RepairReport,
  Result,
  Reverted,
  Run,
  SaveAsTrust,
} from '../../worker/api';
import { type EngineClient, isDeath } from '../../worker/client';
import { type Dropped, EditHistory } from './editHistory';
import type { EditRequest } from './editLog';
import { EditRecovery, type Restaged } from './editRecovery';
import { Emitter } from './emitter';
import { logTimed } from './engineLog';
import type { Revival } from './revival';

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

export interface SaveAnswer {
  /** All is saved, but the journal could not be removed. */
  readonly leftover?: Problem;
}

/** Edits of a backup that are staged again. */
export interface RestoredEdits extends BackupPlace {
  readonly edits: readonly UndoableEdit[];
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
  /** What became of the edits when the thread died last, once that is known; undefined where it lives. */
  whenRevived(): Promise<Revival | undefined>;
  /** What was lost when the thread died has come back, or has not. */
  tellRevival(revival: Revival): void;
}

export class Staging {
  private readonly failEmitter = new Emitter<Problem | Dropped>();
  /** An undo or redo could not be done: why, or that the history was dropped. */
  readonly onDidFail = this.failEmitter.event;

  private work: Promise<unknown> = Promise.resolve();
  private readonly history = new EditHistory();
  private readonly recovery: EditRecovery;
  private isSaving = false;
  private stopSave: (() => void) | undefined;

  /** @param backups folder for backups of what is staged; made when it is needed */
  constructor(
    private readonly host: StagingHost,
    backups: string,
  ) {
    this.recovery = new EditRecovery(this.history, host, backups, () => void this.enqueue(() => this.keep()));
  }

  get edits(): EditState | undefined {
    return this.recovery.lost?.edits ?? this.host.state?.edits;
  }

  /** The edits of a thread that died are not staged again yet. */
  get isWaiting(): boolean {
    return this.recovery.lost !== undefined;
  }

  /** Edits of the history that are done. */
  private get done(): number {
    return this.recovery.lost?.done ?? this.history.doneIn(this.host.state);
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

  /** Stages a repair; nothing where there is nothing to mend. */
  repair(mode: RepairMode, label: string): Promise<Result<RepairAnswer>> {
    return this.enqueue(async () => {
      const run = { generation: this.host.nextGeneration(), operation: this.host.nextOperation() };
      const repaired = await this.host.ask((engine) =>
        this.recovery.change(engine, () => engine.repair(mode, label, run)),
      );
      if (!repaired.ok) return repaired;
      const { report, chain, state } = repaired.value;
      const edit = this.staged(report.changed, { kind: 'repair', mode, label }, state);
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
        this.recovery.change(engine, () => engine.apply(change, label, { generation, operation })),
      );
      if (!edited.ok) return edited;
      const { tally, state } = edited.value;
      const edit = this.staged(tally.changed, { kind: 'change', change, label }, state);
      return { ok: true, value: edit === undefined ? { tally } : { tally, edit } };
    });
  }

  /** Writes what is staged to the disk, all or nothing. For a piece that has the turn. */
  async save(cancel: Cancel): Promise<Result<SaveAnswer>> {
    const { done } = this;
    const { lost } = this.recovery;
    if (lost !== undefined) return { ok: false, problem: lost.problem };
    this.isSaving = true;
    const saved = await logTimed(`Save of ${this.file}`, () =>
      this.host.ask((engine) => {
        const run = this.cancellable(engine, cancel);
        this.stopSave = () => {
          engine.cancelOperation(run.operation);
        };
        return engine.save(run);
      }),
    );
    this.stopSave = undefined;
    // The thread may have died when all was done.
    const revival = isDeath(saved) ? await this.host.whenRevived() : undefined;
    this.isSaving = false;
    if (!saved.ok) return revival?.kind === 'saved' ? { ok: true, value: {} } : saved;
    const { state, leftover } = saved.value;
    this.host.take(state);
    await this.host.ask((engine) => this.recovery.writeAfterSave(engine, done));
    return { ok: true, value: leftover === undefined ? {} : { leftover } };
  }

  /** Writes the image as staged to another file; what is staged stays. For a piece that has the turn. */
  saveAs(path: string, trust: SaveAsTrust, cancel: Cancel): Promise<Result<undefined>> {
    return logTimed(`Save of ${this.file} as ${path}`, () =>
      this.host.ask((engine) => engine.saveAs(path, trust, this.cancellable(engine, cancel))),
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
      const gaveBack = await logTimed(`Giving back free space of ${this.file}`, () =>
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

  /** Goes back to what is on disk. What was staged is not needed any more, on disk neither. */
  revert(): Promise<Result<undefined>> {
    return this.enqueue(async () => {
      const wasWaiting = this.isWaiting;
      if (wasWaiting) this.startAnew();
      const revert = (): Promise<Result<Reverted>> =>
        this.host.ask((engine) => engine.revert(this.host.nextGeneration()));
      let reverted = await revert();
      if (isDeath(reverted) && (await this.host.whenRevived()) !== undefined) reverted = await revert();
      // There may be no image to read.
      if (!reverted.ok) return wasWaiting ? { ok: true, value: undefined } : reverted;
      this.host.take(reverted.value.state);
      if (reverted.value.isReadAnew) this.startAnew();
      this.history.keep(this.done);
      if (this.history.length === 0) this.recovery.drop();
      else await this.keep();
      return { ok: true, value: undefined };
    });
  }

  /** Takes back a save that was interrupted; the image is read anew, and what was staged in it is staged again. */
  recover(trust: RecoverTrust): Promise<Result<RecoverOutcome>> {
    return this.enqueue(async () => {
      const recovered = await logTimed(`Recovery of ${this.file}`, () =>
        this.host.ask((engine) => engine.recover(trust, this.host.nextGeneration())),
      );
      if (!recovered.ok) return recovered;
      const { outcome, state } = recovered.value;
      if (!this.isWaiting) {
        this.startAnew();
        this.host.take(state);
        return { ok: true, value: outcome };
      }
      return this.host.ask(async (engine) => {
        const restaged = await this.recovery.restage(engine, state, outcome);
        const revival = await this.settle(engine, restaged[1]);
        this.host.take(restaged[0]);
        if (revival !== undefined) this.host.tellRevival(revival);
        return { ok: true, value: outcome };
      });
    });
  }

  /** Writes what is staged to a backup. @param written called while it has the turn */
  backUp(path: string, written: (place: BackupPlace) => Promise<void>): Promise<Result<BackupPlace>> {
    return this.enqueue(async () => {
      const backedUp = await this.host.ask((engine) => {
        // Nothing is staged in a thread while it waits: a backup of that would take the place of one that is needed.
        const { lost } = this.recovery;
        if (lost === undefined) return engine.backUp(path, 'unsaved');
        return Promise.resolve({ ok: false, problem: lost.problem });
      });
      if (backedUp.ok) await written(backedUp.value);
      return backedUp;
    });
  }

  /** Stages the edits of a backup again; answers with them, the first one first. */
  restore(path: string): Promise<Result<RestoredEdits>> {
    return this.enqueue(async () => {
      const restored = await this.host.ask((engine) => engine.restore(path, {}, this.host.nextGeneration()));
      if (!restored.ok) return restored;
      const { labels, pages, state } = restored.value;
      this.startAnew(labels);
      this.host.take(state);
      await this.keep();
      return { ok: true, value: { edits: labels.map((_, index) => this.edit(index + 1)), pages } };
    });
  }

  /** Begins another history: what VS Code keeps of this one can no longer be undone. */
  startAnew(labels: readonly string[] = [], why: Dropped = 'readAnew'): void {
    this.history.startAnew(labels, why);
    this.recovery.drop();
  }

  /** The thread has died: what it had staged waits for another one. */
  suspend({ hasSaved }: EngineClient, problem: Problem): void {
    const save = hasSaved ? 'done' : 'open';
    this.recovery.suspend(this.host.state, problem, this.isSaving ? save : undefined);
  }

  /**
   * Stages again what a thread had that died.
   * @param opened the file as another thread has opened it
   * @returns the state to be shown, and what has become of the edits; undefined where there were none
   */
  async revive(
    engine: EngineClient,
    opened: ImageState,
  ): Promise<readonly [state: ImageState, revival: Revival | undefined]> {
    const [state, restaged] = await this.recovery.revive(engine, opened);
    return [state, await this.settle(engine, restaged)];
  }

  /** Its owner leaves: a save that is not past its seal is not made. */
  cancelSave(): void {
    this.stopSave?.();
  }

  dispose(): void {
    this.recovery.drop();
    this.failEmitter.dispose();
  }

  /** Where edits are lost, those that are not are another history. */
  private async settle(engine: EngineClient, restaged: Restaged): Promise<Revival | undefined> {
    if (restaged.kind === 'none') return undefined;
    if (restaged.kind !== 'lost') return restaged;
    const { problem, labels } = restaged;
    this.startAnew(labels, 'lost');
    await this.recovery.write(engine);
    return { kind: 'lost', problem, edits: labels.map((_, index) => this.edit(index + 1)) };
  }

  /** Has the history backed up for the case that the thread dies. */
  private keep(): Promise<Result<undefined>> {
    return this.host.ask((engine) => this.recovery.write(engine));
  }

  /** Takes the state after an edit, and the edit into the history; undefined where nothing has changed. */
  private staged(
    hasChanged: boolean,
    request: Exclude<EditRequest, { kind: 'goTo' }>,
    state: ImageState,
  ): UndoableEdit | undefined {
    this.host.take(state);
    if (!hasChanged) return undefined;
    this.history.add(this.done, request.label);
    this.recovery.note(request);
    return this.edit(this.history.length);
  }

  private cancellable(engine: EngineClient, cancel: Cancel): Run {
    const operation = this.host.nextOperation();
    cancel(() => {
      engine.cancelOperation(operation);
    });
    return { generation: this.host.nextGeneration(), operation };
  }

  /** @param number 1 for the first edit */
  private edit(number: number): UndoableEdit {
    const { id } = this.history;
    return {
      label: this.history.labelOf(number),
      undo: () => this.goTo(number - 1, id),
      redo: () => this.goTo(number, id),
    };
  }

  private goTo(done: number, history: number): Promise<void> {
    return this.enqueue(() => this.goNow(done, history));
  }

  /** VS Code has moved already: where the thread dies over it, the next one goes there. */
  private async goNow(done: number, history: number): Promise<void> {
    const why = this.history.whyNot(done, history);
    if (why !== undefined) {
      this.failEmitter.fire(why);
      return;
    }
    const request = { kind: 'goTo', done } as const;
    if (this.isWaiting) {
      this.recovery.noteWaiting(request, done);
      return;
    }
    const generation = this.host.nextGeneration();
    const result = await this.host.ask((engine) => engine.goTo(done - this.history.offset, generation));
    if (result.ok) {
      this.host.take(result.value);
      this.recovery.note(request);
    } else if (
      isDeath(result) &&
      ((await this.host.whenRevived()) !== undefined || this.recovery.lost !== undefined)
    ) {
      await this.goNow(done, history);
    } else {
      this.failEmitter.fire(result.problem);
    }
  }
}
