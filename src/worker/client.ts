/**
 * The host's end of a worker thread: one thread an open document, one for each export, one for the workspace index.
 *
 * A thread may die (out of memory, a fault of this program) or never answer (a dead network mount). Its calls then
 * end in a `Problem` like any other; whoever waits learns that, and may start another thread.
 */
import { Worker } from 'node:worker_threads';
import { type BirpcReturn, createBirpc } from 'birpc';
import { stackText } from '../text/stackText';
import type { ByteLength, GuestOffset, HostOffset } from '../qcow2/units';
import type {
  BackupPlace,
  BackupScope,
  CellsRequest,
  ChangeRequest,
  ChangeTally,
  Checked,
  Edited,
  EngineApi,
  EngineEvents,
  FreeSpace,
  GaveBack,
  StagedHostReport,
  ExportedExtents,
  ImageState,
  KindTotals,
  MapCells,
  MapRequest,
  Obstacle,
  OpenOptions,
  OperationId,
  Problem,
  Recovered,
  RecoverTrust,
  Repaired,
  RepairMode,
  RepairReport,
  Restored,
  RestoreOptions,
  Result,
  Reverted,
  Run,
  SaveAsTrust,
  Saved,
  StagedReport,
  WriteAccess,
} from './api';
import type { IndexApi, IndexedImage, Surroundings, WalkPart, WalkRequest } from './indexApi';
import { CancelFlag, LivingThreads, type ThreadData, type ThreadRole, WriteGate } from './thread';

/**
 * JavaScript heap at which a thread that runs away ends, alone. The engine's own budgets are far below; closer to
 * them, a single large allocation could hit the limit, and that ends the whole process.
 */
const HEAP_LIMIT_MIB = 1024;

const living = new LivingThreads();

/** A worker thread and the calls to it. `Remote` is what it answers, `Local` what it may tell. */
class Thread<Remote extends object, Local extends object> {
  private readonly worker: Worker;
  private readonly cancelFlag = new CancelFlag();
  private readonly writeGate = new WriteGate();
  private readonly rpc: BirpcReturn<Remote, Local>;
  private readonly exited: Promise<void>;
  private ended: Ended | undefined;

  /**
   * @param onEnd the thread is gone, and nobody asked for it
   * @param onFault a call has thrown, which none of them should
   */
  constructor(
    workerScript: string,
    role: ThreadRole,
    events: Local,
    onEnd: (error: Error) => void,
    private readonly onFault: (error: Error) => void,
  ) {
    const data: ThreadData = {
      role,
      cancelFlag: this.cancelFlag.buffer,
      writeGate: this.writeGate.buffer,
      living: living.buffer,
    };
    this.worker = new Worker(workerScript, {
      name: `qcow2 ${role}`,
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MIB },
    });
    const { threadId } = this.worker;
    living.add(threadId);
    this.rpc = createBirpc<Remote, Local>(events, {
      post: (message) => {
        this.worker.postMessage(message);
      },
      on: (receive) => {
        this.worker.on('message', receive);
      },
      timeout: -1,
    });
    let fault: Error | undefined;
    this.worker.on('error', (error) => {
      fault = error;
    });
    this.exited = new Promise((resolve) => {
      // Not at the error: only now are its files closed, and the locks on them gone.
      this.worker.on('exit', (code) => {
        living.delete(threadId);
        if (!this.hasEnded) {
          const error = fault ?? new Error(`exit code ${code}`);
          this.end({ by: 'itself', error });
          onEnd(error);
        }
        resolve();
      });
    });
  }

  get hasEnded(): boolean {
    return this.ended !== undefined;
  }

  /** It is writing files, or was when it died. */
  get isWriting(): boolean {
    return this.writeGate.isWriting;
  }

  /** The save that it was or is about last was done. */
  get hasSaved(): boolean {
    return this.writeGate.hasSaved;
  }

  /**
   * One call; `file` names what it is about. Never rejects: what is not an answer is a `Problem`, `cancelled` where the
   * thread was disposed of.
   */
  async call<T>(file: string, ask: (rpc: BirpcReturn<Remote, Local>) => Promise<T>): Promise<Result<T>> {
    try {
      return { ok: true, value: await ask(this.rpc) };
    } catch (error) {
      const { ended } = this;
      if (ended?.by === 'host') return { ok: false, problem: { kind: 'cancelled', code: 'cancelled', file } };
      if (ended === undefined) this.onFault(asError(error));
      return { ok: false, problem: endedProblem(file, ended?.error ?? asError(error)) };
    }
  }

  /** Makes a long walk stop at its next look at the flag. The thread does nothing lengthy after that. */
  cancel(): void {
    this.cancelFlag.set();
  }

  cancelOperation(operation: number): void {
    this.cancelFlag.setFor(operation);
  }

  /**
   * Cancels and ends the thread, without blocking. One that is writing files ends by itself once they are whole: at its
   * next look at the flag, or, in a save past its seal, when that is done.
   * @returns fulfilled once it writes nothing any more; one that sits in a system call otherwise may never end
   */
  async dispose(): Promise<void> {
    this.cancel();
    this.end({ by: 'host', error: new Error('closed') });
    if (!this.writeGate.shut()) await this.exited;
    else void this.worker.terminate();
  }

  private end(ended: Ended): void {
    if (this.ended !== undefined) return;
    this.ended = ended;
    this.rpc.$close(ended.error);
  }
}

interface Ended {
  readonly by: 'host' | 'itself';
  readonly error: Error;
}

function endedProblem(file: string, error: Error): Problem {
  return { kind: 'io', code: 'thread.ended', file, value: error.message };
}

/** The thread died over the question. */
export const isDeath = (result: Result<unknown>): boolean =>
  !result.ok && result.problem.code === 'thread.ended';

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Results of results, flattened. */
function flat<T>(result: Result<Result<T>>): Result<T> {
  return result.ok ? result.value : result;
}

/** The engine of one image, in a thread of its own. No method ever rejects. */
export class EngineClient {
  private readonly thread: Thread<EngineApi, EngineEvents>;
  private path = '';

  /**
   * @param workerScript path of the bundled `worker/main.ts`
   * @param onEnd the thread died, of `error`; calls that wait for it end in the same problem
   */
  constructor(
    workerScript: string,
    events: Partial<EngineEvents> = {},
    onEnd: (problem: Problem, error: Error) => void = () => undefined,
  ) {
    const ignore = (): void => undefined;
    const handlers: EngineEvents = {
      scanProgress: events.scanProgress ?? ignore,
      scanFound: events.scanFound ?? ignore,
      scanFailed: events.scanFailed ?? ignore,
      operationProgress: events.operationProgress ?? ignore,
      noted: events.noted ?? ignore,
      faulted: events.faulted ?? ignore,
    };
    const ended = (error: Error): void => {
      onEnd(endedProblem(this.path, error), error);
    };
    this.thread = new Thread(workerScript, 'engine', handlers, ended, (error) => {
      handlers.faulted(`Image ${this.path}`, stackText(error));
    });
  }

  /** True once the thread is gone: only a new client can answer. */
  get hasEnded(): boolean {
    return this.thread.hasEnded;
  }

  /** The thread writes files, or died while it did. */
  get isWriting(): boolean {
    return this.thread.isWriting;
  }

  /** The save that it was asked for last was done, whether it lived to answer or not. */
  get hasSaved(): boolean {
    return this.thread.hasSaved;
  }

  async open(path: string, options: OpenOptions): Promise<ImageState> {
    this.path = path;
    const result = await this.thread.call(path, (rpc) => rpc.open(path, options));
    return result.ok ? result.value : failedState(path, options.generation, result.problem);
  }

  hasChanged(): Promise<Result<boolean>> {
    return this.thread.call(this.path, (rpc) => rpc.hasChanged());
  }

  async access(): Promise<Result<WriteAccess>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.access()));
  }

  async cells(request: CellsRequest): Promise<Result<MapCells>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.cells(request)));
  }

  async totals(start: GuestOffset, length: ByteLength): Promise<Result<KindTotals>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.totals(start, length)));
  }

  async inspect(guestOffset: GuestOffset): Promise<Result<StagedReport>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.inspect(guestOffset)));
  }

  async readBytes(guestOffset: GuestOffset, length: ByteLength): Promise<Result<Uint8Array>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.readBytes(guestOffset, length)));
  }

  async hostCells(request: CellsRequest, operation: OperationId): Promise<Result<MapCells>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.hostCells(request, operation)));
  }

  async inspectHost(hostOffset: HostOffset, operation: OperationId): Promise<Result<StagedHostReport>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.inspectHost(hostOffset, operation)));
  }

  async readHostBytes(hostOffset: HostOffset, length: ByteLength): Promise<Result<Uint8Array>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.readHostBytes(hostOffset, length)));
  }

  async info(): Promise<Result<string>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.info()));
  }

  /** @param operation for `cancelOperation` */
  async exportMap(request: MapRequest, operation: OperationId): Promise<Result<ExportedExtents>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.exportMap(request, operation)));
  }

  /** @param operation for `cancelOperation` */
  async check(operation: OperationId): Promise<Result<Checked>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.check(operation)));
  }

  /** @param operation for `cancelOperation` */
  async checkUnattended(operation: OperationId): Promise<Result<Checked>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.checkUnattended(operation)));
  }

  /** @param operation for `cancelOperation` */
  async preview(change: ChangeRequest, operation: OperationId): Promise<Result<ChangeTally>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.preview(change, operation)));
  }

  async obstacles(operation: OperationId): Promise<Result<readonly Obstacle[]>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.obstacles(operation)));
  }

  async previewRepair(mode: RepairMode, operation: OperationId): Promise<Result<RepairReport>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.previewRepair(mode, operation)));
  }

  async repair(mode: RepairMode, label: string, run: Run): Promise<Result<Repaired>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.repair(mode, label, run)));
  }

  async apply(change: ChangeRequest, label: string, run: Run): Promise<Result<Edited>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.apply(change, label, run)));
  }

  async save(run: Run): Promise<Result<Saved>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.save(run)));
  }

  async freeSpace(operation: OperationId): Promise<Result<FreeSpace>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.freeSpace(operation)));
  }

  async giveBack(run: Run): Promise<Result<GaveBack>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.giveBack(run)));
  }

  async saveAs(path: string, trust: SaveAsTrust, run: Run): Promise<Result<undefined>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.saveAs(path, trust, run)));
  }

  async revert(generation: number): Promise<Result<Reverted>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.revert(generation)));
  }

  async backUp(path: string, scope: BackupScope): Promise<Result<BackupPlace>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.backUp(path, scope)));
  }

  async restore(path: string, options: RestoreOptions, generation: number): Promise<Result<Restored>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.restore(path, options, generation)));
  }

  async recover(trust: RecoverTrust, generation: number): Promise<Result<Recovered>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.recover(trust, generation)));
  }

  async goTo(done: number, generation: number): Promise<Result<ImageState>> {
    return flat(await this.thread.call(this.path, (rpc) => rpc.goTo(done, generation)));
  }

  /** Stops an operation; it ends in the problem `cancelled`. */
  cancelOperation(operation: OperationId): void {
    this.thread.cancelOperation(operation);
  }

  cancel(): void {
    this.thread.cancel();
  }

  /** Ends the thread; what it writes is whole before that. @returns fulfilled once it writes nothing any more */
  dispose(): Promise<void> {
    return this.thread.dispose();
  }
}

/** A state for a file of which nothing is known but what went wrong. */
export function failedState(path: string, generation: number, problem: Problem): ImageState {
  return { path, fileSize: 0, allocatedBytes: 0, generation, problem, warnings: [] };
}

/** The thread that finds images and reads headers. Never rejects; a dead thread is replaced at the next call. */
export class IndexClient {
  private thread: Thread<IndexApi, Record<string, never>> | undefined;

  /** @param onFault the thread died, or a call has thrown */
  constructor(
    private readonly workerScript: string,
    private readonly onFault: (error: Error) => void = () => undefined,
  ) {}

  /** Answers in the order of `paths`. */
  async readHeaders(paths: readonly string[]): Promise<readonly IndexedImage[]> {
    const result = await this.living().call('', (rpc) => rpc.readHeaders(paths));
    if (result.ok) return result.value;
    return paths.map((path) => ({
      path,
      fileSize: 0,
      allocatedBytes: 0,
      format: 'unknown',
      problem: { ...result.problem, file: path },
    }));
  }

  /**
   * Walks folders, part by part.
   * @param take each part as it comes; the walk goes on while it answers true
   * @returns false where the walk did not come to its end, since the thread died or `take` had enough
   */
  async walk(request: WalkRequest, take: (part: WalkPart) => boolean): Promise<boolean> {
    const thread = this.living();
    const walk = await thread.call(request.root, (rpc) => rpc.startWalk(request));
    if (!walk.ok) return false;
    for (;;) {
      const part = await thread.call(request.root, (rpc) => rpc.continueWalk(walk.value));
      if (!part.ok) return false;
      const goesOn = take(part.value);
      if (part.value.isOver) return true;
      if (goesOn) continue;
      await thread.call(request.root, (rpc) => rpc.endWalk(walk.value));
      return false;
    }
  }

  /** @param followsNames false in Restricted Mode */
  async lookAround(path: string, followsNames: boolean): Promise<Result<Surroundings>> {
    return this.living().call(path, (rpc) => rpc.lookAround(path, followsNames));
  }

  dispose(): void {
    void this.thread?.dispose();
  }

  private living(): Thread<IndexApi, Record<string, never>> {
    if (this.thread === undefined || this.thread.hasEnded) {
      this.thread = new Thread(this.workerScript, 'index', {}, this.onFault, this.onFault);
    }
    return this.thread;
  }
}
