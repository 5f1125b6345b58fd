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

/** The engine of one image, in a thread of its own. No call ever rejects. */
export class EngineClient {
  /** What the engine may be asked once it has opened a file. */
  readonly calls: Remote<EngineCalls>;
  readonly #thread: HostThread<EngineApi, EngineEvents>;
  #path = '';

  /**
   * @param workerScript path of the bundled `worker/main.ts`
   * @param onEnd the thread died, of `error`; calls that wait for it end in the same problem
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

  /** True once the thread is gone: only a new client can answer. */
  get hasEnded(): boolean {
    return this.#thread.hasEnded;
  }

  /** The thread writes files, or died while it did. */
  get isWriting(): boolean {
    return this.#thread.isWriting;
  }

  /** The save that it was asked for last was done, whether it lived to answer or not. */
  get hasSaved(): boolean {
    return this.#thread.hasSaved;
  }

  /** As `EngineApi`; a thread that has died is a state with a problem, too. */
  async open(path: string, options: OpenOptions): Promise<ImageState> {
    this.#path = path;
    const opened = await this.#thread.call(path, (rpc) => rpc.open(path, options));
    return opened.ok ? opened.value : unknownState(path, options.generation, opened.problem);
  }

  /** Stops an operation; it ends in the problem `cancelled`. */
  cancelOperation(operation: OperationId): void {
    this.#thread.cancelOperation(operation);
  }

  /** Stops all that the thread does, for good. */
  cancel(): void {
    this.#thread.cancel();
  }

  /** Ends the thread; what it writes is whole before that. @returns fulfilled once it writes nothing any more */
  dispose(): Promise<void> {
    return this.#thread.dispose();
  }
}

const ignore = (): void => undefined;
const IGNORED: EngineEvents = {
  scanProgress: ignore,
  scanFound: ignore,
  scanFailed: ignore,
  operationProgress: ignore,
  noted: ignore,
  faulted: ignore,
};

/** The thread died over the question. */
export const isDeath = (result: Result<unknown>): boolean =>
  !result.ok && result.problem.code === 'thread.ended';
