/**
 * The host's end of a worker thread (thread.ts). There is one thread for each file that is open in an editor, one for the
 * workspace index, and one for each command on a file that is not open.
 *
 * A thread may die (out of memory, a fault of this program) or never answer (a dead network mount). Its calls then
 * end in a `Problem` like any other; the caller may start another thread.
 */
import { Worker } from 'node:worker_threads';
import { type BirpcReturn, createBirpc } from 'birpc';
import type { Problem, Result } from './api';
import { CancelFlag, LivingThreads, type ThreadData, type ThreadRole, WriteGate } from './thread';

/**
 * Limit of a thread's JavaScript heap. A thread that exceeds it ends alone. The engine's own budgets are far below; closer to
 * them, a single large allocation could hit the limit, which ends the whole process.
 */
const HEAP_LIMIT_MIB = 1024;

const living = new LivingThreads();

/** A worker thread and the calls to it. `Remote` has its calls, `Local` its events. */
export class HostThread<Remote extends object, Local extends object> {
  readonly #worker: Worker;
  readonly #cancelFlag = new CancelFlag();
  readonly #writeGate = new WriteGate();
  readonly #rpc: BirpcReturn<Remote, Local>;
  readonly #onFault: (error: Error) => void;
  readonly #exited: Promise<void>;
  #ended: Ended | undefined;

  /**
   * @param onEnd the thread ended by itself
   * @param onFault a call has thrown, which none of them should
   */
  constructor(
    workerScript: string,
    role: ThreadRole,
    events: Local,
    onEnd: (error: Error) => void,
    onFault: (error: Error) => void,
  ) {
    this.#onFault = onFault;
    const data: ThreadData = {
      role,
      cancelFlag: this.#cancelFlag.buffer,
      writeGate: this.#writeGate.buffer,
      living: living.buffer,
    };
    this.#worker = new Worker(workerScript, {
      name: `qcow2 ${role}`,
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MIB },
    });
    const { threadId } = this.#worker;
    living.add(threadId);
    this.#rpc = createBirpc<Remote, Local>(events, {
      post: (message) => {
        this.#worker.postMessage(message);
      },
      on: (receive) => {
        this.#worker.on('message', receive);
      },
      timeout: -1,
    });
    let fault: Error | undefined;
    this.#worker.on('error', (error) => {
      fault = error;
    });
    this.#exited = new Promise((resolve) => {
      // Not on `error`: only now are its files closed and its locks released.
      this.#worker.on('exit', (code) => {
        living.delete(threadId);
        if (!this.hasEnded) {
          const error = fault ?? new Error(`exit code ${code}`);
          this.#end({ by: 'itself', error });
          onEnd(error);
        }
        resolve();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether it is writing files, or was when it died. */
  get isWriting(): boolean {
    return this.#writeGate.isWriting;
  }

  /** Whether its last save was done. */
  get hasSaved(): boolean {
    return this.#writeGate.hasSaved;
  }

  /**
   * Makes one call; `file` is named in problems. Never rejects: a call without an answer ends in a `Problem`, which is
   * `cancelled` if the thread was disposed.
   */
  async call<T>(file: string, ask: (rpc: BirpcReturn<Remote, Local>) => Promise<T>): Promise<Result<T>> {
    try {
      return { ok: true, value: await ask(this.#rpc) };
    } catch (error) {
      const ended = this.#ended;
      if (ended?.by === 'host') return { ok: false, problem: { kind: 'cancelled', code: 'cancelled', file } };
      if (ended === undefined) this.#onFault(asError(error));
      return { ok: false, problem: endedProblem(file, ended?.error ?? asError(error)) };
    }
  }

  /** Stops a long walk at its next look at the flag. After that the thread does nothing that takes long. */
  cancel(): void {
    this.#cancelFlag.set();
  }

  cancelOperation(operation: number): void {
    this.#cancelFlag.setFor(operation);
  }

  /**
   * Cancels and ends the thread without blocking. A thread that is writing files ends itself once they are complete: at its
   * next look at the flag or, in a save past its seal, when the save is done.
   * @returns fulfilled once it writes nothing more; a thread that sits in another system call may never end
   */
  async dispose(): Promise<void> {
    this.cancel();
    this.#end({ by: 'host', error: new Error('closed') });
    if (!this.#writeGate.shut()) await this.#exited;
    else void this.#worker.terminate();
  }

  #end(ended: Ended): void {
    if (this.#ended !== undefined) return;
    this.#ended = ended;
    this.#rpc.$close(ended.error);
  }
}

interface Ended {
  readonly by: 'host' | 'itself';
  readonly error: Error;
}

export function endedProblem(file: string, error: Error): Problem {
  return { kind: 'io', code: 'thread.ended', file, value: error.message };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
