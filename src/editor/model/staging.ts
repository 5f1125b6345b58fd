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
  EditState,
  ImageState,
  Problem,
  RecoverOutcome,
  RecoverTrust,
  RepairMode,
  RepairReport,
  Result,
  Run,
  SaveAsTrust,
  Saved,
} from '../../worker/api';
import { type EngineClient, isDeath } from '../../worker/engineClient';
import { EditHistory, type HistoryEnd, type UndoableEdit } from './editHistory';
import type { EditRequest } from './editLog';
import { EditRecovery, type Restaged } from './editRecovery';
import { Emitter } from './emitter';
import { logTimed } from './engineLog';
import { FileSpace } from './fileSpace';
import type { Cancel, Control } from './operations';
import type { Revival } from './revival';
import type { StagingHost } from './stagingHost';
import { Turns } from './turns';
import { UndoRedo } from './undoRedo';

/** What a save leaves behind: all is saved, but the journal could not be removed. */
export type SaveOutcome = Pick<Saved, 'leftover'>;

/** Edits of a backup that are staged again. */
export interface RestoredEdits extends BackupPlace {
  readonly edits: readonly UndoableEdit[];
}

/** What a repair did, and what the check of what it made has found. */
export interface RepairOutcome {
  readonly report: RepairReport;
  readonly checked: Checked;
}

/** What is asked of a document's file; the rest the document and its session do. */
export type Edits = Pick<Staging, 'stage' | 'repair' | 'save' | 'saveAs' | 'space' | 'recover'>;

export class Staging {
  readonly #editEmitter = new Emitter<UndoableEdit>();
  /** An edit was staged. */
  readonly onDidEdit = this.#editEmitter.event;
  /** An undo or redo could not be done: why, or how its history ended. */
  readonly onDidFail;
  /** What makes the file smaller without an edit. */
  readonly space: FileSpace;

  readonly #saveEmitter = new Emitter<EditState | undefined>();
  /** The edits that are staged were saved; tells which of them are done. */
  readonly onDidSave = this.#saveEmitter.event;

  readonly #turns = new Turns();
  readonly #history = new EditHistory();
  readonly #recovery: EditRecovery;
  readonly #undoRedo: UndoRedo;
  readonly #host: StagingHost;
  #isSaving = false;
  #stopSave: (() => void) | undefined;

  /** @param backups folder for backups of what is staged; made when it is needed */
  constructor(host: StagingHost, backups: string) {
    this.#host = host;
    this.#recovery = new EditRecovery(
      this.#history,
      host,
      backups,
      () => void this.enqueue(() => this.#keep()),
    );
    this.space = new FileSpace(host, this.#turns, (why) => {
      this.restart([], why);
    });
    this.#undoRedo = new UndoRedo(host, this.#turns, this.#history, this.#recovery, () => this.space.refusal);
    this.onDidFail = this.#undoRedo.onDidFail;
  }

  get edits(): EditState | undefined {
    return this.#recovery.lost?.edits ?? this.#host.state?.edits;
  }

  /** The edits of a thread that died are not staged again yet. */
  get isWaiting(): boolean {
    return this.#recovery.lost !== undefined;
  }

  /** Edits of the history that are done. */
  get #done(): number {
    return this.#recovery.lost?.done ?? this.#history.doneIn(this.#host.state);
  }

  /** For the log. */
  get #file(): string {
    return this.#host.state?.path ?? '';
  }

  get hasUnsaved(): boolean {
    return (this.edits?.unsaved ?? 0) > 0;
  }

  /** Runs a piece after all that was asked for before. */
  enqueue<T>(piece: () => Promise<T>): Promise<T> {
    return this.#turns.take(piece);
  }

  /** Stages a change; nothing where it changes nothing. */
  stage(change: ChangeRequest, label: string): Promise<Result<ChangeTally>> {
    return this.space.inTurn(async () => {
      const edited = await this.#run((engine, run) =>
        this.#recovery.change(engine, () => engine.calls.apply(change, label, run)),
      );
      if (!edited.ok) return edited;
      const { tally, state } = edited.value;
      this.#staged(tally.changed, { kind: 'change', change, label }, state);
      return { ok: true, value: tally };
    });
  }

  /** Stages a repair; nothing where there is nothing to repair. */
  repair(mode: RepairMode, label: string): Promise<Result<RepairOutcome>> {
    return this.space.inTurn(async () => {
      const repaired = await this.#run((engine, run) =>
        this.#recovery.change(engine, () => engine.calls.repair(mode, label, run)),
      );
      if (!repaired.ok) return repaired;
      const { report, chain, state } = repaired.value;
      this.#staged(report.changed, { kind: 'repair', mode, label }, state);
      return {
        ok: true,
        value: { report, checked: { report: report.after, chain, generation: state.generation } },
      };
    });
  }

  /** Writes what is staged to the disk, all or nothing. For a piece that has the turn. */
  async save(cancel?: Cancel): Promise<Result<SaveOutcome>> {
    const done = this.#done;
    const { lost } = this.#recovery;
    if (lost !== undefined) return { ok: false, problem: lost.problem };
    this.#isSaving = true;
    const keepStop: Cancel = (stop) => {
      this.#stopSave = stop;
      cancel?.(stop);
    };
    const saved = await logTimed(`Save of ${this.#file}`, () =>
      this.#run((engine, run) => engine.calls.save(run), { cancel: keepStop }),
    );
    this.#stopSave = undefined;
    // The thread may have died when all was done.
    const revival = isDeath(saved) ? await this.#host.whenRevived() : undefined;
    this.#isSaving = false;
    if (!saved.ok) return revival?.kind === 'saved' ? { ok: true, value: {} } : saved;
    const { state, leftover } = saved.value;
    this.#host.take(state);
    this.#saveEmitter.fire(state.edits);
    await this.#host.ask((engine) => this.#recovery.writeAfterSave(engine, done));
    return { ok: true, value: leftover === undefined ? {} : { leftover } };
  }

  /** Writes the image as staged to another file; what is staged stays. For a piece that has the turn. */
  saveAs(path: string, trust: SaveAsTrust, cancel: Cancel): Promise<Result<undefined>> {
    return logTimed(`Save of ${this.#file} as ${path}`, () =>
      this.#run((engine, run) => engine.calls.saveAs(path, trust, run), { cancel }),
    );
  }

  /** Goes back to what is on disk. What was staged is not needed any more, on disk neither. */
  revert(): Promise<Result<undefined>> {
    return this.space.inTurn(async () => {
      const wasWaiting = this.isWaiting;
      if (wasWaiting) this.restart();
      const revert = () => this.#host.ask((engine) => engine.calls.revert(this.#host.nextGeneration()));
      let reverted = await revert();
      if (isDeath(reverted) && (await this.#host.whenRevived()) !== undefined) reverted = await revert();
      // There may be no image to read.
      if (!reverted.ok) return wasWaiting ? { ok: true, value: undefined } : reverted;
      this.#host.take(reverted.value.state);
      if (reverted.value.isReadAnew) this.restart();
      this.#history.keep(this.#done);
      if (this.#history.length === 0) this.#recovery.drop();
      else await this.#keep();
      return { ok: true, value: undefined };
    });
  }

  /** Takes back a save that was interrupted; the image is read again, and what was staged in it is staged again. */
  recover(trust: RecoverTrust): Promise<Result<RecoverOutcome>> {
    return this.space.inTurn(async () => {
      const recovered = await logTimed(`Recovery of ${this.#file}`, () =>
        this.#host.ask((engine) => engine.calls.recover(trust, this.#host.nextGeneration())),
      );
      if (!recovered.ok) return recovered;
      const { outcome, state } = recovered.value;
      if (!this.isWaiting) {
        this.restart();
        this.#host.take(state);
        return { ok: true, value: outcome };
      }
      return this.#host.ask(async (engine) => {
        const restaged = await this.#recovery.restage(engine, state, outcome);
        const revival = await this.#settle(engine, restaged[1]);
        this.#host.take(restaged[0]);
        if (revival !== undefined) this.#host.tellRevival(revival);
        return { ok: true, value: outcome };
      });
    });
  }

  /**
   * Writes what is staged to a backup.
   * @param written called while it has the turn; `hasUnsaved` is as it was when the backup was begun: where the document
   *   is closed meanwhile, nothing is staged any more
   */
  backUp(
    path: string,
    written: (place: BackupPlace, hasUnsaved: boolean) => Promise<void>,
  ): Promise<Result<BackupPlace>> {
    return this.space.inTurn(async () => {
      const { hasUnsaved } = this;
      const backedUp = await this.#host.ask((engine) => {
        // Nothing is staged in a thread while it waits: a backup of that would take the place of one that is needed.
        const { lost } = this.#recovery;
        if (lost === undefined) return engine.calls.backUp(path, 'unsaved');
        return Promise.resolve({ ok: false, problem: lost.problem });
      });
      if (backedUp.ok) await written(backedUp.value, hasUnsaved);
      return backedUp;
    });
  }

  /** Stages the edits of a backup again; answers with them, the first one first. */
  restore(path: string): Promise<Result<RestoredEdits>> {
    return this.space.inTurn(async () => {
      const restored = await this.#host.ask((engine) =>
        engine.calls.restore(path, {}, this.#host.nextGeneration()),
      );
      if (!restored.ok) return restored;
      const { labels, pages, state } = restored.value;
      this.restart(labels);
      this.#host.take(state);
      await this.#keep();
      return { ok: true, value: { edits: labels.map((_, index) => this.#undoRedo.edit(index + 1)), pages } };
    });
  }

  /** Begins another history: what VS Code keeps of this one can no longer be undone. */
  restart(labels: readonly string[] = [], why: HistoryEnd = 'readAnew'): void {
    this.#history.restart(labels, why);
    this.#recovery.drop();
  }

  /** The thread has died: what it had staged waits for another one. */
  suspend({ hasSaved }: EngineClient, problem: Problem): void {
    // What it has overwritten earlier states may need, whatever the recovery of its last batch says.
    if (this.space.compaction !== undefined) this.restart([], 'compacted');
    const save = hasSaved ? 'done' : 'open';
    this.#recovery.suspend(this.#host.state, problem, this.#isSaving ? save : undefined);
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
    const [state, restaged] = await this.#recovery.revive(engine, opened);
    return [state, await this.#settle(engine, restaged)];
  }

  /** Its owner leaves: a save that is not past its seal is not made, and a compaction ends after its batch. */
  stopWriting(): void {
    this.#stopSave?.();
    this.space.stopCompacting();
  }

  dispose(): void {
    this.#recovery.drop();
    this.#editEmitter.dispose();
    this.#saveEmitter.dispose();
    this.space.dispose();
    this.#undoRedo.dispose();
  }

  /** Where edits are lost, those that are not are another history. */
  async #settle(engine: EngineClient, restaged: Restaged): Promise<Revival | undefined> {
    if (restaged.kind === 'none') return undefined;
    if (restaged.kind !== 'lost') return restaged;
    const { problem, labels } = restaged;
    this.restart(labels, 'lost');
    await this.#recovery.write(engine);
    return { kind: 'lost', problem, edits: labels.map((_, index) => this.#undoRedo.edit(index + 1)) };
  }

  /** Has the history backed up for the case that the thread dies. */
  #keep(): Promise<Result<undefined>> {
    return this.#host.ask((engine) => this.#recovery.write(engine));
  }

  /** Takes the state after an edit, and the edit into the history where anything has changed. */
  #staged(hasChanged: boolean, request: Exclude<EditRequest, { kind: 'goTo' }>, state: ImageState): void {
    this.#host.take(state);
    if (!hasChanged) return;
    this.#history.add(this.#done, request.label);
    this.#recovery.note(request);
    this.#editEmitter.fire(this.#undoRedo.edit(this.#history.length));
  }

  /** Runs what changes what is shown and may take long. */
  #run<T>(
    request: (engine: EngineClient, run: Run) => Promise<Result<T>>,
    control?: Control,
  ): Promise<Result<T>> {
    return this.#host.run(
      (engine, operation) => request(engine, { generation: this.#host.nextGeneration(), operation }),
      control,
    );
  }
}
