/**
 * An open document: a name that leads to an image, without VS Code and without a view. It keeps the name, follows it
 * to whatever file it leads to, and passes on what that file's session tells. Edits come in here and are staged in the
 * session, since a document lives without a view: saving and undoing never ask the webview.
 */
import type { EditState, ImageState, OperationId, Problem, QuestionCalls, Result } from '../../worker/api';
import type { ContentsCalls } from '../../worker/contentsApi';
import type { Remote } from '../../worker/remote';
import { DocumentBackups } from './documentBackups';
import type { HistoryEnd, UndoableEdit } from './editHistory';
import { Emitter, type Subscription } from './emitter';
import type { CompactionProgress } from './fileSpace';
import type { Control } from './operations';
import { type ImageSource, identify, sourceName } from './source';
import type { Revival } from './revival';
import type { ImageSession, ScanProgress } from './session';
import type { SessionLease, Sessions } from './sessions';
import type { Edits } from './staging';

/** A stretch of the guest's disk, in bytes. */
export interface Selection {
  readonly start: number;
  readonly length: number;
}

/** `gone`: the name leads to another file now, or to none. */
export type OutsideChange = 'changed' | 'gone';

export class ImageDocument {
  readonly #readEmitter = new Emitter<ImageState>();
  readonly #scanEmitter = new Emitter<ScanProgress>();
  readonly #contentsEmitter = new Emitter<undefined>();
  readonly #selectionEmitter = new Emitter<Selection | undefined>();
  readonly onDidRead = this.#readEmitter.event;
  readonly onDidScan = this.#scanEmitter.event;
  /** A content scan has ended, and has found something or nothing. */
  readonly onDidScanContents = this.#contentsEmitter.event;
  readonly onDidSelect = this.#selectionEmitter.event;
  readonly #editEmitter = new Emitter<UndoableEdit>();
  readonly #failEmitter = new Emitter<Problem | HistoryEnd>();
  /** An edit was staged, to be added to this document's history. */
  readonly onDidEdit = this.#editEmitter.event;
  readonly #outsideEmitter = new Emitter<OutsideChange>();
  /** Another program has changed the file while something is staged. */
  readonly onDidChangeOutside = this.#outsideEmitter.event;
  /** An undo or redo could not be done, and why. */
  readonly onDidFail = this.#failEmitter.event;
  readonly #saveEmitter = new Emitter<EditState | undefined>();
  /** The edits that are staged were saved; tells which of them are done. */
  readonly onDidSave = this.#saveEmitter.event;
  readonly #compactEmitter = new Emitter<CompactionProgress>();
  /** The compaction of the file got further. */
  readonly onDidCompact = this.#compactEmitter.event;
  readonly #reviveEmitter = new Emitter<Revival>();
  /** The thread had died, and what became of the edits that were staged. */
  readonly onDidRevive = this.#reviveEmitter.event;

  readonly backups: DocumentBackups;
  #lease: SessionLease | undefined;
  #subscriptions: Subscription[] = [];
  #looking: Promise<void> | undefined;
  #isDisposed = false;
  #wasReadable = false;
  #selected: Selection | undefined;
  /** It is being renamed: that its file is gone is no surprise. */
  isMoving = false;
  readonly #confirmed = new Set<string>();
  #outside: OutsideChange | undefined;

  readonly #sessions: Sessions;

  constructor(
    readonly source: ImageSource,
    sessions: Sessions,
  ) {
    this.#sessions = sessions;
    this.backups = new DocumentBackups({
      hasUnsaved: () => this.hasUnsaved,
      staging: async () => (await this.#readSession()).staging,
      // None is being written where the document is closed.
      inTurn: (piece) => this.#lease?.session.staging.enqueue(piece) ?? piece(),
    });
    void this.whenRead();
  }

  /** What the worker answered last. */
  get state(): ImageState | undefined {
    return this.#lease?.session.state;
  }

  /** Of the image file, for messages; empty until it was read. */
  get path(): string {
    return this.state?.path ?? '';
  }

  /** The first document on its file changes it; others look on. */
  get isOwner(): boolean {
    return this.#lease?.session.owner === this;
  }

  /** Something is staged that is not on disk. */
  get hasUnsaved(): boolean {
    return this.isOwner && this.#lease?.session.staging.hasUnsaved === true;
  }

  /** The compaction of the file that runs, under whatever name it was begun. */
  get compaction(): CompactionProgress | undefined {
    return this.#lease?.session.staging.space.compaction;
  }

  /** Another program has changed the file since, while something is staged: the user has to decide. */
  get isChangedOutside(): boolean {
    return this.#outside !== undefined;
  }

  get outsideChange(): OutsideChange | undefined {
    return this.#outside;
  }

  /** Remembers questions of the guards that were answered with yes. */
  confirm(ids: readonly string[]): void {
    for (const id of ids) this.#confirmed.add(id);
  }

  isConfirmed(id: string): boolean {
    return this.#confirmed.has(id);
  }

  /** True when the image was readable once and its file is gone now. */
  get isDeleted(): boolean {
    return this.#wasReadable && this.state?.problem?.code === 'file.missing';
  }

  /** What is selected in the view that was used last. */
  get selection(): Selection | undefined {
    return this.#selected;
  }

  /** Milliseconds that the last reading took, its scan included: how patient to be with the next one. */
  get lastReadingTook(): number {
    return this.#lease?.session.lastReadingTook ?? 0;
  }

  /** The state, as soon as there is one. Never rejects. */
  async whenRead(): Promise<ImageState> {
    return this.state ?? (await this.#session()).whenRead(this.source);
  }

  /** Reads again if the file, or what the name leads to, is not what was read; looks whether it may be written. */
  lookAgain(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Looks whether the file may be written, without reading it. */
  async lookAtAccess(): Promise<void> {
    await (await this.#readSession()).lookAtAccess();
  }

  /** Reads again in any case; where the thread has died, what was staged is staged again. */
  async readAgain(): Promise<ImageState> {
    this.#outside = undefined;
    // That a data file may be written holds as long as it is the same one: its path is a part of the question.
    for (const id of this.#confirmed) if (!id.startsWith('dataFile.')) this.#confirmed.delete(id);
    if (this.#lease?.session.awaitsRevival === true) return this.#lease.session.revive();
    return (await this.#follow()).read(this.source);
  }

  /** The thread has died, and edits that were staged wait for another one: reading again brings them back. */
  get awaitsRevival(): boolean {
    return this.#lease?.session.awaitsRevival === true;
  }

  /** It is closed: nothing is told of what still goes on. */
  get isClosed(): boolean {
    return this.#isDisposed;
  }

  select(selection: Selection | undefined): void {
    this.#selected = selection;
    this.#selectionEmitter.fire(selection);
  }

  /** Asks the engine something about the image, once it was read. */
  async ask<T>(
    request: (engine: Remote<QuestionCalls & ContentsCalls>) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    return (await this.#readSession()).ask(({ calls }) => request(calls));
  }

  /** Asks what may take long. */
  async run<T>(
    request: (engine: Remote<QuestionCalls & ContentsCalls>, operation: OperationId) => Promise<Result<T>>,
    control?: Control,
  ): Promise<Result<T>> {
    const session = await this.#readSession();
    return session.run(({ calls }, operation) => request(calls, operation), control);
  }

  /** Stops what was asked with that key (`Control`), under whatever name of the file. */
  stop(key: symbol): void {
    this.#lease?.session.operations.stop(key);
  }

  /** Stages, saves, recovers or gives space back. The guards are the caller's business. */
  async edit<T>(request: (edits: Edits) => Promise<Result<T>>): Promise<Result<T>> {
    return request((await this.#readSession()).staging);
  }

  /** Runs a piece after all staging, undoing and saving that was asked for before. */
  async inTurn<T>(piece: () => Promise<T>): Promise<T> {
    return (await this.#readSession()).staging.enqueue(piece);
  }

  /** Goes back to what is on disk; reads it again where it is not what it was. */
  async revert(): Promise<Result<undefined>> {
    this.#outside = undefined;
    return (await this.#readSession()).staging.revert();
  }

  /**
   * Throws away what is staged and leaves the file to its next owner.
   * @param next how the file is named from now on
   */
  async giveUp(next: ImageSource): Promise<void> {
    await this.#leave(next);
  }

  dispose(): void {
    this.#isDisposed = true;
    void this.#leave(this.source);
    this.#readEmitter.dispose();
    this.#scanEmitter.dispose();
    this.#contentsEmitter.dispose();
    this.#selectionEmitter.dispose();
    this.#editEmitter.dispose();
    this.#failEmitter.dispose();
    this.#saveEmitter.dispose();
    this.#compactEmitter.dispose();
    this.#reviveEmitter.dispose();
    this.#outsideEmitter.dispose();
  }

  async #lookAtAll(): Promise<void> {
    await this.#look();
    await this.lookAtAccess();
  }

  async #look(): Promise<void> {
    const before = this.#lease?.session;
    if (before !== undefined && this.hasUnsaved) {
      if (before.awaitsRevival) await before.revive();
      else if (!this.isMoving) await this.#lookWhileStaged(before);
      return;
    }
    const session = await this.#follow();
    if (session !== before) await session.whenRead(this.source);
    else if (await session.hasChanged(this.source)) {
      // Something may have been staged meanwhile.
      await (this.hasUnsaved ? this.#lookWhileStaged(session) : session.read(this.source));
    }
  }

  /** What is staged is not thrown away because of what another program did: the user is asked. */
  async #lookWhileStaged(session: ImageSession): Promise<void> {
    const isElsewhere = session.identity !== (await identify(this.source));
    const isChanged = isElsewhere || (await session.hasChanged(this.source));
    const outside = isElsewhere ? 'gone' : isChanged ? 'changed' : undefined;
    if (outside === this.#outside || !this.hasUnsaved) return;
    this.#outside = outside;
    // The page says so.
    if (session.state !== undefined) this.#tell(session.state);
    if (outside !== undefined) this.#outsideEmitter.fire(outside);
  }

  /** The session once something was read: it can be asked. */
  async #readSession(): Promise<ImageSession> {
    const session = await this.#session();
    await session.whenRead(this.source);
    return session;
  }

  async #session(): Promise<ImageSession> {
    return this.#lease?.session ?? this.#follow();
  }

  /** The session of the file that the name leads to now; another one than before tells its state at once. */
  async #follow(): Promise<ImageSession> {
    const lease = this.#lease;
    if (lease !== undefined && lease.session.identity === (await identify(this.source))) return lease.session;
    const next = await this.#sessions.acquire(this.source);
    const { owner, state } = next.session;
    // The view Contents may have read it, under a name that is gone by now.
    const isReadAsOther = state !== undefined && state.path !== sourceName(this.source);
    if (owner === undefined && isReadAsOther) await next.session.read(this.source);
    // Another call may have followed in the meantime, to the same file.
    if (this.#lease?.session === next.session || this.#isDisposed) {
      next.release();
      return next.session;
    }
    void this.#leave(this.source);
    this.#lease = next;
    next.session.owner ??= this;
    this.#listen(next.session);
    return next.session;
  }

  #listen(session: ImageSession): void {
    this.#subscriptions = [
      session.onDidRead((state) => {
        this.#tell(state);
      }),
      session.onDidScan((progress) => {
        this.#scanEmitter.fire(progress);
      }),
      session.onDidScanContents(() => {
        this.#contentsEmitter.fire(undefined);
      }),
      session.staging.onDidEdit((edit) => {
        if (this.isOwner) this.#editEmitter.fire(edit);
      }),
      session.staging.onDidFail((why) => {
        if (this.isOwner) this.#failEmitter.fire(why);
      }),
      session.staging.onDidSave((edits) => {
        this.#saveEmitter.fire(edits);
      }),
      session.staging.space.onDidProgress((progress) => {
        this.#compactEmitter.fire(progress);
      }),
      session.onDidRevive((revival) => {
        if (this.isOwner) this.#reviveEmitter.fire(revival);
      }),
    ];
    if (session.state !== undefined) this.#tell(session.state);
  }

  #tell(state: ImageState): void {
    if (state.problem === undefined) this.#wasReadable = true;
    if (this.#lease !== undefined) this.#lease.session.owner ??= this;
    this.#readEmitter.fire(state);
  }

  /** @param source how the file is named from now on. @returns fulfilled once nothing of this document is staged on it */
  #leave(source: ImageSource): Promise<unknown> {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#subscriptions = [];
    const left = this.isOwner ? this.#lease?.session.disown(source) : undefined;
    this.#lease?.release();
    this.#lease = undefined;
    return left ?? Promise.resolve();
  }
}
