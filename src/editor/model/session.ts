/**
 * One file being looked at: its worker thread, what the worker answered last, and the readers that share it.
 *
 * A session is bound to one file (device and inode), not to a name. Documents hold a lease on it; when a name comes
 * to lead to another file, the document takes another session (document.ts). What is staged on the file belongs to
 * the session (staging.ts), so that all documents and views of a file see the same.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EngineEvents, ImageState, OperationId, Problem, Result, Run } from '../../worker/api';
import { EngineClient, isDeath } from '../../worker/engineClient';
import { unknownState } from '../../worker/unknownState';
import { log } from '../../text/log';
import { Emitter } from './emitter';
import { logged, logOpened } from './engineLog';
import { type Control, Operations } from './operations';
import type { Revival } from './revival';
import { type ImageSource, sourceName, sourceProblem } from './source';
import { Staging } from './staging';

export interface ScanProgress {
  /** Guest bytes. */
  readonly done: number;
  readonly total: number;
}

/** What all sessions of a window share. */
export interface SessionContext {
  /** Path of the bundled worker. */
  readonly workerScript: string;
  /** Folder for staged changes that outgrow memory, and for backups of them; made when it is needed. */
  readonly scratchFolder: string;
  /** False in Restricted Mode; asked at every reading. */
  followsNames(): boolean;
  /** Counts up; never the same number twice. */
  nextGeneration(): number;
}

/** Milliseconds: what dies again at once is begun again only when it is asked for. */
const REVIVE_AGAIN_AFTER = 10_000;

export class ImageSession {
  readonly #stateEmitter = new Emitter<ImageState>();
  readonly #scanEmitter = new Emitter<ScanProgress>();
  readonly #contentsEmitter = new Emitter<undefined>();
  readonly #reviveEmitter = new Emitter<Revival>();
  readonly onDidRead = this.#stateEmitter.event;
  readonly onDidScan = this.#scanEmitter.event;
  /** A content scan has ended, and has found something or nothing. */
  readonly onDidScanContents = this.#contentsEmitter.event;
  /** The thread has died, and what became of the edits that it had staged. */
  readonly onDidRevive = this.#reviveEmitter.event;
  readonly staging: Staging;
  readonly operations = new Operations((operation) => this.#engine?.cancelOperation(operation));
  /** The document whose edits are staged; other names of the file only look on. */
  owner: object | undefined;

  #engine: EngineClient | undefined;
  #current: ImageState | undefined;
  /** The reading that runs, and the one that waits for it: a third caller joins the second. */
  #running: Promise<ImageState> | undefined;
  #queued: Promise<ImageState> | undefined;
  #isDisposed = false;
  /** A name that led to the file. */
  #source: ImageSource | undefined;
  /** A thread that takes the place of one that died. */
  #reviving: Promise<Revival | undefined> | undefined;
  #revivedAt = -Infinity;
  /** Of a source that is not a local file, when it was read. */
  #stamp = '';
  #startedAt = 0;
  #scannedAt: number | undefined;

  readonly #context: SessionContext;
  readonly #before: Promise<void>;

  /** @param before fulfilled once nothing else in this window writes the file: a save may still be running */
  constructor(
    readonly identity: string,
    context: SessionContext,
    before: Promise<void> = Promise.resolve(),
  ) {
    this.#context = context;
    this.#before = before;
    this.staging = new Staging(this, context.scratchFolder);
  }

  /** What the worker answered last; nothing before the first answer. */
  get state(): ImageState | undefined {
    return this.#current;
  }

  /** Milliseconds that the last reading and its whole-disk scan have taken, so far or in all. */
  get lastReadingTook(): number {
    if (this.#startedAt === 0) return 0;
    return (this.#scannedAt ?? performance.now()) - this.#startedAt;
  }

  /** The first state, read now or before. */
  whenRead(source: ImageSource): Promise<ImageState> {
    return this.#current === undefined
      ? (this.#running ?? this.read(source))
      : Promise.resolve(this.#current);
  }

  /**
   * Reads the file again. Always answers with a state, never rejects.
   * @param source a name that leads to this session's file now: others may have come to lead elsewhere
   */
  read(source: ImageSource): Promise<ImageState> {
    if (this.#running === undefined) {
      this.#running = this.#readNow(source).finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.read(source);
    });
    return this.#queued;
  }

  /** The thread has died, and edits that it had staged wait for another one, or for the file. */
  get awaitsRevival(): boolean {
    if (!this.staging.isWaiting || this.#reviving !== undefined) return false;
    return this.#engine?.hasEnded === true || this.#current?.problem !== undefined;
  }

  whenRevived(): Promise<Revival | undefined> {
    return this.#reviving ?? Promise.resolve(undefined);
  }

  tellRevival(revival: Revival): void {
    this.#reviveEmitter.fire(revival);
  }

  /** Begins another thread in the place of one that died, with what was staged. Answers with a state, as `read`. */
  async revive(): Promise<ImageState> {
    this.#reviving ??= this.#reviveNow().finally(() => {
      this.#reviving = undefined;
    });
    await this.#reviving;
    return this.#current ?? unknownState('', this.#context.nextGeneration(), NOT_OPEN);
  }

  /** Whether the file, or one of its chain, is not what was read. */
  async hasChanged(source: ImageSource): Promise<boolean> {
    await this.#reviving;
    // What is staged waits for a thread: the file is not read again under it.
    if (this.staging.isWaiting) return false;
    const engine = this.#engine;
    if (engine === undefined || engine.hasEnded || this.#current === undefined) return true;
    if (source.kind === 'bytes') return (await source.stamp()) !== this.#stamp;
    const answer = await engine.calls.hasChanged();
    if (answer.ok) return answer.value;
    // Where the thread has died over the question, the one that takes its place knows.
    return isDeath(answer) ? this.hasChanged(source) : true;
  }

  /** Looks whether the file may be written; reads nothing of it, so what is staged stays. */
  async lookAtAccess(): Promise<void> {
    const looked = await this.ask((engine) => engine.calls.access());
    // Without `edits` there is nothing to write, as in the state that the worker answers.
    if (!looked.ok || this.#current?.edits === undefined) return;
    if (isDeepStrictEqual(looked.value, this.#current.access)) return;
    this.#amend((state) => ({ ...state, access: looked.value }));
  }

  /** Asks the thread as it is, or the one that is about to take its place; fails where there is none. */
  async ask<T>(request: (engine: EngineClient) => Promise<Result<T>>): Promise<Result<T>> {
    if (this.#reviving !== undefined) await this.#reviving;
    if (this.#engine === undefined) return { ok: false, problem: NOT_OPEN };
    const answer = await request(this.#engine);
    if (!answer.ok && answer.problem.code === 'engine.fault') this.#warnOfFault(answer.problem);
    return answer;
  }

  /** The caller shows the fault in its own place; the state leads to the log. The first one is enough. */
  #warnOfFault(problem: Problem): void {
    if (this.#current?.warnings.some(({ code }) => code === problem.code) === true) return;
    this.#amend((state) => ({ ...state, warnings: [...state.warnings, problem] }));
  }

  /** Asks for what may take long. */
  run<T>(
    request: (engine: EngineClient, operation: OperationId) => Promise<Result<T>>,
    control?: Control,
  ): Promise<Result<T>> {
    return this.operations.run((operation) => this.ask((engine) => request(engine, operation)), control);
  }

  /**
   * Its owner leaves: what is staged goes with it, and the next owner may change the file.
   * @param source a name that leads to the file
   * @returns fulfilled once nothing is staged
   */
  async disown(source: ImageSource): Promise<void> {
    this.owner = undefined;
    this.staging.stopWriting();
    if (this.staging.hasUnsaved) await this.read(source);
    else if (this.#current !== undefined) this.take(this.#current);
  }

  nextGeneration(): number {
    return this.#context.nextGeneration();
  }

  nextRun(): Run {
    return { generation: this.nextGeneration(), operation: this.operations.next() };
  }

  /** The worker has answered with another state: everybody is told. */
  take(state: ImageState): void {
    if (this.#isDisposed) return;
    this.#current = state;
    this.#stateEmitter.fire(state);
  }

  /** @returns fulfilled once nothing is written to the file any more; a save past its seal goes on to its end */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const ended = this.#engine?.dispose();
    this.staging.dispose();
    this.#stateEmitter.dispose();
    this.#scanEmitter.dispose();
    this.#contentsEmitter.dispose();
    this.#reviveEmitter.dispose();
    await this.#before;
    await ended;
  }

  async #readNow(source: ImageSource): Promise<ImageState> {
    const generation = this.#context.nextGeneration();
    await this.#before;
    await this.staging.space.whenCompacted();
    if (this.#isOver()) return unknownState(sourceName(source), generation, notOpen(source));
    this.#source = source;
    this.#startedAt = performance.now();
    this.#scannedAt = undefined;
    const state = await this.#open(this.#livingEngine(), source, generation);
    if (this.#isOver()) return state;
    if (state.problem !== undefined) this.#scannedAt = performance.now();
    this.staging.restart();
    logOpened(state, performance.now() - this.#startedAt);
    this.take(state);
    return state;
  }

  async #open(engine: EngineClient, source: ImageSource, generation: number): Promise<ImageState> {
    const name = sourceName(source);
    if (source.kind === 'path') {
      const { scratchFolder } = this.#context;
      return engine.open(name, { generation, followsNames: this.#context.followsNames(), scratchFolder });
    }
    try {
      this.#stamp = await source.stamp();
      const bytes = await source.read();
      return await engine.open(name, { generation, followsNames: false, bytes });
    } catch (error) {
      return unknownState(name, generation, sourceProblem(name, error));
    }
  }

  /** The thread of this file; another one where the last has died. */
  #livingEngine(): EngineClient {
    if (this.#engine === undefined || this.#engine.hasEnded) this.#engine = this.#startEngine();
    return this.#engine;
  }

  #startEngine(): EngineClient {
    const events: Partial<EngineEvents> = {
      scanProgress: (done, total) => {
        // Later scans are of a change, or of the contents.
        if (done >= total) this.#scannedAt ??= performance.now();
        this.#scanEmitter.fire({ done, total });
      },
      contentsScanned: () => {
        this.#contentsEmitter.fire(undefined);
      },
      operationProgress: (operation, done, total) => {
        this.operations.progress(operation, done, total);
      },
      guestFound: (operation, files) => {
        this.operations.found(operation, files);
      },
      scanFound: (problems) => {
        this.#amend((state) => ({ ...state, warnings: [...state.warnings, ...problems] }));
      },
      scanFailed: (problem) => {
        this.#scannedAt ??= performance.now();
        this.#amend((state) => ({ ...state, warnings: [...state.warnings, problem] }));
      },
      ...logged,
    };
    const engine = new EngineClient(this.#context.workerScript, events, (problem, error) => {
      log.fault(`The thread of ${problem.file} died`, error);
      if (engine === this.#engine) this.#hasDied(engine, problem);
    });
    return engine;
  }

  #hasDied(engine: EngineClient, problem: Problem): void {
    this.staging.suspend(engine, problem);
    // Callers that are waiting for the thread learn it from their answer.
    if (this.#isDisposed || this.#running !== undefined || this.#reviving !== undefined) return;
    const isTooSoon = performance.now() - this.#revivedAt < REVIVE_AGAIN_AFTER;
    if (isTooSoon || !(this.staging.isWaiting || engine.isWriting))
      this.#amend((state) => ({ ...state, problem }));
    else void this.revive();
  }

  async #reviveNow(): Promise<Revival | undefined> {
    const source = this.#source;
    if (source === undefined) return undefined;
    this.#revivedAt = performance.now();
    void this.#engine?.dispose();
    const engine = this.#startEngine();
    this.#engine = engine;
    const opened = await this.#open(engine, source, this.#context.nextGeneration());
    const [state, revival] = await this.staging.revive(engine, opened);
    if (this.#isOver()) {
      void engine.dispose();
      return undefined;
    }
    this.take(state);
    if (revival !== undefined) this.#reviveEmitter.fire(revival);
    return revival;
  }

  /** Changes the state by what came up after it was answered. */
  #amend(change: (state: ImageState) => ImageState): void {
    if (this.#current === undefined || this.#isDisposed) return;
    this.#current = change(this.#current);
    this.#stateEmitter.fire(this.#current);
  }

  /** A method, since it may change while a reading waits. */
  #isOver(): boolean {
    return this.#isDisposed;
  }
}

const NOT_OPEN: Problem = { kind: 'argument', code: 'engine.notOpen', file: '' };

function notOpen(source: ImageSource): Problem {
  return { kind: 'argument', code: 'engine.notOpen', file: sourceName(source) };
}
