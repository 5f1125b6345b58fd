/** The host's end of the thread of one image. */
import { stackText } from '../text/stackText';
import type {
  EngineApi,
  EngineCalls,
  EngineEvents,
  ImageState,
  OpenOptions,
  OperationId,
  Problem,
  Result,
} from './api';
import { endedProblem, HostThread } from './hostThread';
import { type Remote, remote } from './remote';
import { unknownState } from './unknownState';

/** The engine of one image in a separate thread. No call ever rejects. */
export class EngineClient {
  /** The calls that are possible once a file was opened. */
  readonly calls: Remote<EngineCalls>;
  readonly #thread: HostThread<EngineApi, EngineEvents>;
  #path = '';

  /**
   * @param workerScript path of the bundled `worker/main.ts`
   * @param onEnd the thread died of `error`; pending calls end in the same problem
   */
  constructor(
    workerScript: string,
    events: Partial<EngineEvents> = {},
    onEnd: (problem: Problem, error: Error) => void = () => undefined,
  ) {
    const handlers: EngineEvents = { ...IGNORED, ...events };
    const ended = (error: Error): void => {
      onEnd(endedProblem(this.#path, error), error);
    };
    this.#thread = new HostThread(workerScript, 'engine', handlers, ended, (error) => {
      handlers.faulted(`Image ${this.#path}`, stackText(error));
    });
    this.calls = remote<EngineCalls>(async (ask) => {
      const answered = await this.#thread.call(this.#path, ask);
      return answered.ok ? answered.value : answered;
    });
  }

  /** True once the thread is gone; then only a new client can answer. */
  get hasEnded(): boolean {
    return this.#thread.hasEnded;
  }

  /** Whether the thread writes files, or died while it did. */
  get isWriting(): boolean {
    return this.#thread.isWriting;
  }

  /** Whether the last requested save was done, even if the thread died before it answered. */
  get hasSaved(): boolean {
    return this.#thread.hasSaved;
  }

  /** As `EngineApi`; for a dead thread, returns a state with a problem. */
  async open(path: string, options: OpenOptions): Promise<ImageState> {
    this.#path = path;
    const opened = await this.#thread.call(path, (rpc) => rpc.open(path, options));
    return opened.ok ? opened.value : unknownState(path, options.generation, opened.problem);
  }

  /** Stops an operation; it ends in the problem `cancelled`. */
  cancelOperation(operation: OperationId): void {
    this.#thread.cancelOperation(operation);
  }

  /** Stops everything that the thread does, for good. */
  cancel(): void {
    this.#thread.cancel();
  }

  /** Ends the thread once the files that it writes are complete. @returns fulfilled once it writes nothing more */
  dispose(): Promise<void> {
    return this.#thread.dispose();
  }
}

const ignore = (): void => undefined;
const IGNORED: EngineEvents = {
  scanProgress: ignore,
  scanFound: ignore,
  scanFailed: ignore,
  contentsScanned: ignore,
  operationProgress: ignore,
  guestFound: ignore,
  noted: ignore,
  faulted: ignore,
};

/** The thread died during the call. */
export const isDeath = (result: Result<unknown>): boolean =>
  !result.ok && result.problem.code === 'thread.ended';
