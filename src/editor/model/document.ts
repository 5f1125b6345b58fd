/**
 * An open document: a name that leads to an image, without VS Code and without a view. It keeps the name, follows it
 * to whatever file it leads to, and passes on what that file's session tells. Edits come in here and are staged in the
 * session, since a document lives without a view: saving and undoing never ask the webview.
 */
import type {
  BackupPlace,
  CellsRequest,
  ChangeRequest,
  ChangeTally,
  Checked,
  FreeSpace,
  GivenBack,
  StagedHostReport,
  ExportedExtents,
  ImageState,
  KindTotals,
  MapCells,
  MapRequest,
  Obstacle,
  Problem,
  RecoverOutcome,
  RecoverTrust,
  RepairMode,
  RepairReport,
  Result,
  SaveAsTrust,
  StagedReport,
} from '../../worker/api';
import { DocumentBackups } from './documentBackups';
import type { Dropped } from './editHistory';
import { Emitter, type Subscription } from './emitter';
import { type ImageSource, identify } from './source';
import type { Revival } from './revival';
import type { ImageSession, ScanProgress } from './session';
import type { SessionLease, Sessions } from './sessions';
import type { Cancel, ProgressReport, RepairAnswer, SaveAnswer, UndoableEdit } from './staging';

/** A stretch of the guest's disk, in bytes. */
export interface Selection {
  readonly start: number;
  readonly length: number;
}

/** `gone`: the name leads to another file now, or to none. */
export type OutsideChange = 'changed' | 'gone';

export class ImageDocument {
  private readonly readEmitter = new Emitter<ImageState>();
  private readonly scanEmitter = new Emitter<ScanProgress>();
  private readonly selectionEmitter = new Emitter<Selection | undefined>();
  readonly onDidRead = this.readEmitter.event;
  readonly onDidScan = this.scanEmitter.event;
  readonly onDidSelect = this.selectionEmitter.event;
  private readonly editEmitter = new Emitter<UndoableEdit>();
  private readonly failEmitter = new Emitter<Problem | Dropped>();
  /** An edit was staged: whoever keeps the history of this document takes it. */
  readonly onDidEdit = this.editEmitter.event;
  private readonly outsideEmitter = new Emitter<OutsideChange>();
  /** The file was changed by somebody else while something is staged. */
  readonly onDidChangeOutside = this.outsideEmitter.event;
  /** An undo or redo could not be done, and why. */
  readonly onDidFail = this.failEmitter.event;
  private readonly reviveEmitter = new Emitter<Revival>();
  /** The thread had died, and what became of the edits that were staged. */
  readonly onDidRevive = this.reviveEmitter.event;

  private readonly backups = new DocumentBackups();
  private lease: SessionLease | undefined;
  private subscriptions: Subscription[] = [];
  private looking: Promise<void> | undefined;
  private isDisposed = false;
  private wasReadable = false;
  private selected: Selection | undefined;
  /** It is being renamed: that its file is gone is no surprise. */
  isMoving = false;
  private readonly confirmed = new Set<string>();
  private outside: OutsideChange | undefined;

  constructor(
    readonly source: ImageSource,
    private readonly sessions: Sessions,
  ) {
    void this.whenRead();
  }

  /** What the worker answered last. */
  get state(): ImageState | undefined {
    return this.lease?.session.state;
  }

  /** The first document on its file changes it; others look on. */
  get isOwner(): boolean {
    return this.lease?.session.owner === this;
  }

  /** Something is staged that is not on disk. */
  get hasUnsaved(): boolean {
    return this.isOwner && this.lease?.session.staging.hasUnsaved === true;
  }

  /** Another program has changed the file since, while something is staged: a person has to decide. */
  get isChangedOutside(): boolean {
    return this.outside !== undefined;
  }

  get outsideChange(): OutsideChange | undefined {
    return this.outside;
  }

  /** Remembers questions of the guards that were answered with yes. */
  confirm(ids: readonly string[]): void {
    for (const id of ids) this.confirmed.add(id);
  }

  isConfirmed(id: string): boolean {
    return this.confirmed.has(id);
  }

  /** True when the image was readable once and its file is gone now. */
  get isDeleted(): boolean {
    return this.wasReadable && this.state?.problem?.code === 'file.missing';
  }

  /** What is selected in the view that was used last. */
  get selection(): Selection | undefined {
    return this.selected;
  }

  /** Milliseconds that the last reading took, its scan included: how patient to be with the next one. */
  get lastReadingTook(): number {
    return this.lease?.session.lastReadingTook ?? 0;
  }

  /** The state, as soon as there is one. Never rejects. */
  async whenRead(): Promise<ImageState> {
    return this.state ?? (await this.session()).whenRead(this.source);
  }

  /** Reads anew if the file, or what the name leads to, is not what was read; looks whether it may be written. */
  lookAgain(): Promise<void> {
    this.looking ??= this.lookAtAll().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** Looks whether the file may be written, without reading it. */
  async lookAtAccess(): Promise<void> {
    await (await this.readSession()).lookAtAccess();
  }

  /** Reads anew in any case; where the thread has died, what was staged is staged again. */
  async readAgain(): Promise<ImageState> {
    this.outside = undefined;
    // That a data file may be written holds as long as it is the same one: its path is a part of the question.
    for (const id of this.confirmed) if (!id.startsWith('dataFile.')) this.confirmed.delete(id);
    if (this.lease?.session.awaitsRevival === true) return this.lease.session.revive();
    return (await this.follow()).read(this.source);
  }

  /** The thread has died, and edits that were staged wait for another one: reading again brings them back. */
  get awaitsRevival(): boolean {
    return this.lease?.session.awaitsRevival === true;
  }

  /** Nobody looks at it any more: what still goes on is not told. */
  get isClosed(): boolean {
    return this.isDisposed;
  }

  select(selection: Selection | undefined): void {
    this.selected = selection;
    this.selectionEmitter.fire(selection);
  }

  async cells(request: CellsRequest): Promise<Result<MapCells>> {
    return (await this.readSession()).cells(request);
  }

  async totals(start: number, length: number): Promise<Result<KindTotals>> {
    return (await this.readSession()).totals(start, length);
  }

  async inspect(guestOffset: number): Promise<Result<StagedReport>> {
    return (await this.readSession()).inspect(guestOffset);
  }

  async readBytes(guestOffset: number, length: number): Promise<Result<Uint8Array>> {
    return (await this.readSession()).readBytes(guestOffset, length);
  }

  /** The cells of the file view; the first ones of a state take as long as a check. */
  async hostCells(request: CellsRequest, report: ProgressReport): Promise<Result<MapCells>> {
    return (await this.readSession()).fileView.cells(request, report);
  }

  /** @param asker its newer question ends an older one */
  async inspectHost(hostOffset: number, asker: object): Promise<Result<StagedHostReport>> {
    return (await this.readSession()).fileView.inspect(hostOffset, asker);
  }

  async readHostBytes(hostOffset: number, length: number): Promise<Result<Uint8Array>> {
    return (await this.readSession()).fileView.bytes(hostOffset, length);
  }

  /** Stops what the file view waits for. */
  leaveFile(): void {
    this.lease?.session.fileView.leave();
  }

  async info(): Promise<Result<string>> {
    return (await this.readSession()).info();
  }

  /** What the engine has against changing the image now. */
  async obstacles(): Promise<Result<readonly Obstacle[]>> {
    return (await this.readSession()).questions.obstacles();
  }

  /** The full check of the image as it is shown. @param cancel is told how to stop it */
  async check(report: ProgressReport, cancel: Cancel): Promise<Result<Checked>> {
    return (await this.readSession()).questions.check(report, cancel);
  }

  /** Writes the map of the image as it is shown to a file. @param cancel is told how to stop it */
  async exportMap(
    request: MapRequest,
    report: ProgressReport,
    cancel: Cancel,
  ): Promise<Result<ExportedExtents>> {
    return (await this.readSession()).questions.exportMap(request, report, cancel);
  }

  /** What a change would do. A newer preview ends an older one. */
  async preview(change: ChangeRequest): Promise<Result<ChangeTally>> {
    return (await this.readSession()).questions.preview(change);
  }

  /** Stages a change as an edit, if it changes anything. The guards are the caller's business. */
  async stage(change: ChangeRequest, label: string): Promise<Result<ChangeTally>> {
    const staged = await (await this.readSession()).staging.stage(change, label);
    if (!staged.ok) return staged;
    if (staged.value.edit !== undefined) this.editEmitter.fire(staged.value.edit);
    return { ok: true, value: staged.value.tally };
  }

  /** What a repair would do. A newer preview, of a change too, ends an older one. */
  async previewRepair(mode: RepairMode): Promise<Result<RepairReport>> {
    return (await this.readSession()).questions.previewRepair(mode);
  }

  stopPreview(): void {
    this.lease?.session.questions.stopPreview();
  }

  /** Stages a repair as an edit, if it mends anything. The guards are the caller's business. */
  async repair(mode: RepairMode, label: string): Promise<Result<RepairAnswer>> {
    const repaired = await (await this.readSession()).staging.repair(mode, label);
    if (repaired.ok && repaired.value.edit !== undefined) this.editEmitter.fire(repaired.value.edit);
    return repaired;
  }

  /** Runs a piece after all staging, undoing and saving that was asked for before. */
  async inTurn<T>(piece: () => Promise<T>): Promise<T> {
    return (await this.readSession()).staging.enqueue(piece);
  }

  /** Writes what is staged to the disk. Call it in turn. */
  async save(cancel: Cancel): Promise<Result<SaveAnswer>> {
    return (await this.readSession()).staging.save(cancel);
  }

  /** Writes the image as staged to another file. Call it in turn. */
  async saveAs(path: string, trust: SaveAsTrust, cancel: Cancel): Promise<Result<undefined>> {
    return (await this.readSession()).staging.saveAs(path, trust, cancel);
  }

  /** Goes back to what is on disk; reads it anew where it is not what it was. */
  async revert(): Promise<Result<undefined>> {
    this.outside = undefined;
    return (await this.readSession()).staging.revert();
  }

  /** Throws away what is staged and leaves the file to whoever comes next. */
  async giveUp(): Promise<void> {
    await this.revert();
    this.leave();
  }

  /** What giving free space back to the host would come to; nothing may be staged. */
  async freeSpace(cancel: Cancel): Promise<Result<FreeSpace>> {
    return (await this.readSession()).staging.freeSpace(cancel);
  }

  /** Gives free space back to the host, for good. The guards are the caller's business. */
  async giveBack(report: ProgressReport, cancel: Cancel): Promise<Result<GivenBack>> {
    return (await this.readSession()).staging.giveBack(report, cancel);
  }

  async recover(trust: RecoverTrust): Promise<Result<RecoverOutcome>> {
    return (await this.readSession()).staging.recover(trust);
  }

  /** Writes what is staged to a backup, which stays when the document is closed. */
  async backUp(path: string): Promise<Result<BackupPlace>> {
    return (await this.readSession()).staging.backUp(path, (place) => this.backups.wrote(path, place));
  }

  /** Writes what is staged to a backup for the document that takes the place of this one, and removes it. */
  async backUpForMove(path: string): Promise<Result<BackupPlace>> {
    return (await this.readSession()).staging.backUp(path, () => Promise.resolve());
  }

  /** Writes the newest backup anew, where there is one and something is staged. */
  async renewBackup(): Promise<void> {
    const { last } = this.backups;
    if (last !== undefined && this.hasUnsaved) await this.backUp(last);
  }

  /** Stages the edits of a backup again. */
  async restore(path: string): Promise<Result<readonly UndoableEdit[]>> {
    const restored = await (await this.readSession()).staging.restore(path);
    if (!restored.ok) return restored;
    this.backups.opened(path, restored.value);
    return { ok: true, value: restored.value.edits };
  }

  removeBackup(path: string): Promise<void> {
    return this.inTurnOrClosed(() => this.backups.remove(path));
  }

  /** Nothing is staged any more, or it is staged elsewhere. */
  removeBackups(): Promise<void> {
    return this.inTurnOrClosed(() => this.backups.removeAll());
  }

  dispose(): void {
    this.isDisposed = true;
    this.leave();
    this.readEmitter.dispose();
    this.scanEmitter.dispose();
    this.selectionEmitter.dispose();
    this.editEmitter.dispose();
    this.failEmitter.dispose();
    this.reviveEmitter.dispose();
    this.outsideEmitter.dispose();
  }

  /** Another backup may be under way that shares pages; none is where the document is closed. */
  private async inTurnOrClosed(piece: () => Promise<void>): Promise<void> {
    await (this.lease === undefined ? piece() : this.lease.session.staging.enqueue(piece));
  }

  private async lookAtAll(): Promise<void> {
    await this.look();
    await this.lookAtAccess();
  }

  private async look(): Promise<void> {
    const before = this.lease?.session;
    if (before !== undefined && this.hasUnsaved) {
      if (before.awaitsRevival) await before.revive();
      else if (!this.isMoving) await this.lookWhileStaged(before);
      return;
    }
    const session = await this.follow();
    if (session !== before) await session.whenRead(this.source);
    else if (await session.hasChanged(this.source)) {
      // Something may have been staged meanwhile.
      await (this.hasUnsaved ? this.lookWhileStaged(session) : session.read(this.source));
    }
  }

  /** What is staged is not thrown away because of what somebody else did: the person is asked. */
  private async lookWhileStaged(session: ImageSession): Promise<void> {
    const isElsewhere = session.identity !== (await identify(this.source));
    const isChanged = isElsewhere || (await session.hasChanged(this.source));
    const outside = isElsewhere ? 'gone' : isChanged ? 'changed' : undefined;
    if (outside === this.outside || !this.hasUnsaved) return;
    this.outside = outside;
    // The page says so.
    if (session.state !== undefined) this.tell(session.state);
    if (outside !== undefined) this.outsideEmitter.fire(outside);
  }

  /** The session once something was read: it can be asked. */
  private async readSession(): Promise<ImageSession> {
    const session = await this.session();
    await session.whenRead(this.source);
    return session;
  }

  private async session(): Promise<ImageSession> {
    return this.lease?.session ?? this.follow();
  }

  /** The session of the file that the name leads to now; another one than before tells its state at once. */
  private async follow(): Promise<ImageSession> {
    const { lease } = this;
    if (lease !== undefined && lease.session.identity === (await identify(this.source))) return lease.session;
    const next = await this.sessions.acquire(this.source);
    // Somebody else may have followed in the meantime, to the same file.
    if (this.lease?.session === next.session || this.isDisposed) {
      next.release();
      return next.session;
    }
    this.leave();
    this.lease = next;
    next.session.owner ??= this;
    this.listen(next.session);
    return next.session;
  }

  private listen(session: ImageSession): void {
    this.subscriptions = [
      session.onDidRead((state) => {
        this.tell(state);
      }),
      session.onDidScan((progress) => {
        this.scanEmitter.fire(progress);
      }),
      session.staging.onDidFail((why) => {
        if (this.isOwner) this.failEmitter.fire(why);
      }),
      session.onDidRevive((revival) => {
        if (this.isOwner) this.reviveEmitter.fire(revival);
      }),
    ];
    if (session.state !== undefined) this.tell(session.state);
  }

  private tell(state: ImageState): void {
    if (state.problem === undefined) this.wasReadable = true;
    if (this.lease !== undefined) this.lease.session.owner ??= this;
    this.readEmitter.fire(state);
  }

  private leave(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.subscriptions = [];
    if (this.isOwner) this.lease?.session.disown(this.source);
    this.lease?.release();
    this.lease = undefined;
  }
}
