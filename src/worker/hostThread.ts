/**
 * The host's end of a worker thread (thread.ts): one thread an open document, one for each export, one for the workspace
 * index.
 *
 * A thread may die (out of memory, a fault of this program) or never answer (a dead network mount). Its calls then
 * end in a `Problem` like any other; the caller may start another thread.
 */
import { Worker } from 'node:worker_threads';
import { type BirpcReturn, createBirpc } from 'birpc';
import type { Problem, Result } from './api';
import { CancelFlag, LivingThreads, type ThreadData, type ThreadRole, WriteGate } from './thread';

/**
 * JavaScript heap at which a thread that runs away ends, alone. The engine's own budgets are far below; closer to
 * them, a single large allocation could hit the limit, and that ends the whole process.
 */
const HEAP_LIMIT_MIB = 1024;

const living = new LivingThreads();

/** A worker thread and the calls to it. `Remote` is what it answers, `Local` what it may tell. */
export class HostThread<Remote extends object, Local extends object> {
  readonly #worker: Worker;
  readonly #cancelFlag = new CancelFlag();
  readonly #writeGate = new WriteGate();
  readonly #rpc: BirpcReturn<Remote, Local>;
  readonly #onFault: (error: Error) => void;
  readonly #exited: Promise<void>;
  #ended: Ended | undefined;

  /**
   * @param onEnd the thread is gone, unasked
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
      // Not at the error: only now are its files closed, and the locks on them gone.
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

  /** It is writing files, or was when it died. */
  get isWriting(): boolean {
    return this.#writeGate.isWriting;
  }

  /** The save that it was or is about last was done. */
  get hasSaved(): boolean {
    return this.#writeGate.hasSaved;
  }

  /**
   * One call; `file` names what it is about. Never rejects: what is not an answer is a `Problem`, `cancelled` where the
   * thread was disposed of.
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

  /** Makes a long walk stop at its next look at the flag. The thread does nothing lengthy after that. */
  cancel(): void {
    this.#cancelFlag.set();
  }

  cancelOperation(operation: number): void {
    this.#cancelFlag.setFor(operation);
  }

  /**
   * Cancels and ends the thread, without blocking. One that is writing files ends by itself once they are whole: at its
   * next look at the flag, or, in a save past its seal, when that is done.
   * @returns fulfilled once it writes nothing any more; one that sits in a system call otherwise may never end
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
