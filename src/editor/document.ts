/**
 * An open document: a name that leads to an image, without VS Code and without a view. It keeps the name, follows it
 * to whatever file it leads to, and passes on what that file's session tells. Edits will come in here (and be staged
 * in the session), since a document lives without a view: saving and undoing never ask the webview.
 */
import type { Cells, CellsRequest, ClusterReport, ImageState, KindTotals, Result } from '../worker/api';
import { Emitter, type Subscription } from './emitter';
import { type ImageSource, identify } from './source';
import type { ImageSession, ScanProgress } from './session';
import type { SessionLease, Sessions } from './sessions';

/** A stretch of the guest's disk, in bytes. */
export interface Selection {
  readonly start: number;
  readonly length: number;
}

export class ImageDocument {
  private readonly readEmitter = new Emitter<ImageState>();
  private readonly scanEmitter = new Emitter<ScanProgress>();
  private readonly selectionEmitter = new Emitter<Selection | undefined>();
  readonly onDidRead = this.readEmitter.event;
  readonly onDidScan = this.scanEmitter.event;
  readonly onDidSelect = this.selectionEmitter.event;

  private lease: SessionLease | undefined;
  private subscriptions: Subscription[] = [];
  private looking: Promise<void> | undefined;
  private isDisposed = false;
  private wasReadable = false;
  private selected: Selection | undefined;

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

  /** Reads anew if the file, or what the name leads to, is not what was read. */
  lookAgain(): Promise<void> {
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** Reads anew in any case. */
  async readAgain(): Promise<ImageState> {
    return (await this.follow()).read(this.source);
  }

  select(selection: Selection | undefined): void {
    this.selected = selection;
    this.selectionEmitter.fire(selection);
  }

  async cells(request: CellsRequest): Promise<Result<Cells>> {
    return (await this.readSession()).cells(request);
  }

  async totals(start: number, length: number): Promise<Result<KindTotals>> {
    return (await this.readSession()).totals(start, length);
  }

  async inspect(guestOffset: number): Promise<Result<ClusterReport>> {
    return (await this.readSession()).inspect(guestOffset);
  }

  async readBytes(guestOffset: number, length: number): Promise<Result<Uint8Array>> {
    return (await this.readSession()).readBytes(guestOffset, length);
  }

  async info(): Promise<Result<string>> {
    return (await this.readSession()).info();
  }

  dispose(): void {
    this.isDisposed = true;
    this.leave();
    this.readEmitter.dispose();
    this.scanEmitter.dispose();
    this.selectionEmitter.dispose();
  }

  private async look(): Promise<void> {
    const before = this.lease?.session;
    const session = await this.follow();
    if (session !== before) await session.whenRead(this.source);
    else if (await session.hasChanged(this.source)) await session.read(this.source);
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
    ];
    if (session.state !== undefined) this.tell(session.state);
  }

  private tell(state: ImageState): void {
    if (state.problem === undefined) this.wasReadable = true;
    this.readEmitter.fire(state);
  }

  private leave(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.subscriptions = [];
    this.lease?.release();
    this.lease = undefined;
  }
}
