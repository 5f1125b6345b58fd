/**
 * Compressed clusters as jobs, and the memory through which several threads share them. One thread, the owner, puts jobs into a
 * queue and does them like the others, so it needs none of the others and never waits for one to start.
 *
 * Everything is in one piece of shared memory: a few words, the state of each job, what each job is, and the window that the
 * jobs fill.
 */
import { readSync } from 'node:fs';
import { decompress } from '../image/decompress';
import type { CompressedStream } from '../image/layer';
import { type ByteLength, type HostOffset, hostOffset } from '../units';

/** Most jobs at a time: a power of two, so that their numbers may wrap. */
export const MOST_JOBS = 1024;

/** A compressed cluster, and where in the window its content goes. */
export interface Job extends CompressedStream {
  /** Bytes from the start of the window. */
  readonly at: number;
  /** Bytes of the cluster. */
  readonly size: ByteLength;
}

/** The words that all threads share; `busy` counts helpers that may be reading a file. */
const WORD = { published: 0, claimed: 1, signal: 2, isClosed: 3, busy: 4 } as const;

const STATE = { pending: 0, done: 1, failed: 2 } as const;

/** Numbers that describe a job, as 64-bit floating point: host offsets have up to 53 bits. */
const FIELD = { descriptor: 0, host: 8, length: 16, isZstd: 24, at: 32, size: 40 } as const;
const JOB_BYTES = 48;

/** The first of the states, in words, and what follows them, in bytes. */
const STATES_AT = 8;
const JOBS_AT = 4 * (STATES_AT + MOST_JOBS);
const WINDOW_AT = JOBS_AT + MOST_JOBS * JOB_BYTES;

export class JobQueue {
  readonly window: Uint8Array;
  readonly #words: Int32Array;
  readonly #jobs: DataView;
  /** Compressed streams are read into it. */
  #input = new Uint8Array(0);

  /** @param memory as `memoryFor` has made it */
  constructor(readonly memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, STATES_AT + MOST_JOBS);
    this.#jobs = new DataView(memory, JOBS_AT, MOST_JOBS * JOB_BYTES);
    this.window = new Uint8Array(memory, WINDOW_AT);
  }

  /** @param windowSize bytes */
  static memoryFor(windowSize: ByteLength): SharedArrayBuffer {
    return new SharedArrayBuffer(WINDOW_AT + windowSize);
  }

  /**
   * Called by the owner: adds a job. There are at most `MOST_JOBS` of them at a time.
   * @returns its number
   */
  publish(job: Job): number {
    const number = this.#word(WORD.published);
    const base = slotOf(number) * JOB_BYTES;
    const jobs = this.#jobs;
    jobs.setFloat64(base + FIELD.descriptor, job.descriptor);
    jobs.setFloat64(base + FIELD.host, job.host);
    jobs.setFloat64(base + FIELD.length, job.length);
    jobs.setFloat64(base + FIELD.isZstd, job.type === 'zstd' ? 1 : 0);
    jobs.setFloat64(base + FIELD.at, job.at);
    jobs.setFloat64(base + FIELD.size, job.size);
    Atomics.store(this.#words, STATES_AT + slotOf(number), STATE.pending);
    Atomics.store(this.#words, WORD.published, (number + 1) | 0);
    this.#wake(1);
    return number;
  }

  /**
   * Does the next job that no thread has taken yet.
   * @returns false if there is none
   */
  workOnce(): boolean {
    const number = this.#claim();
    if (number === undefined) return false;
    const isDone = this.#run(this.#jobAt(slotOf(number)));
    const state = STATES_AT + slotOf(number);
    Atomics.store(this.#words, state, isDone ? STATE.done : STATE.failed);
    Atomics.notify(this.#words, state);
    return true;
  }

  /**
   * Called by the owner: what has become of a job. Waits for it if another thread has taken it.
   * @param patience milliseconds
   * @returns undefined if it took longer: its thread may have died, or may still write to the window at any time
   */
  resultOf(number: number, patience: number): boolean | undefined {
    const at = STATES_AT + slotOf(number);
    Atomics.wait(this.#words, at, STATE.pending, patience);
    const state = Atomics.load(this.#words, at);
    return state === STATE.pending ? undefined : state === STATE.done;
  }

  isPending(number: number): boolean {
    return Atomics.load(this.#words, STATES_AT + slotOf(number)) === STATE.pending;
  }

  /**
   * Called by the owner: there will be no more jobs, and those that no thread has taken are dropped. Waits for the others.
   * @param patience milliseconds
   */
  close(patience: number): void {
    Atomics.store(this.#words, WORD.isClosed, 1);
    this.#wake(Infinity);
    for (;;) {
      const busy = this.#word(WORD.busy);
      if (busy === 0 || Atomics.wait(this.#words, WORD.busy, busy, patience) === 'timed-out') return;
    }
  }

  /** Called by a helper: does jobs until the queue is closed. @returns how many */
  workUntilClosed(): number {
    for (let done = 0; ;) {
      const signal = this.#word(WORD.signal);
      // Count first, then look: either `close` sees this helper as busy, or the helper sees that the queue is closed.
      Atomics.add(this.#words, WORD.busy, 1);
      const isClosed = this.#word(WORD.isClosed) !== 0;
      const hasWorked = !isClosed && this.workOnce();
      Atomics.sub(this.#words, WORD.busy, 1);
      Atomics.notify(this.#words, WORD.busy);
      if (isClosed) return done;
      if (hasWorked) done++;
      else Atomics.wait(this.#words, WORD.signal, signal);
    }
  }

  #word(index: number): number {
    return Atomics.load(this.#words, index);
  }

  #wake(count: number): void {
    Atomics.add(this.#words, WORD.signal, 1);
    Atomics.notify(this.#words, WORD.signal, count);
  }

  #claim(): number | undefined {
    for (;;) {
      const number = this.#word(WORD.claimed);
      if (number === this.#word(WORD.published)) return undefined;
      if (Atomics.compareExchange(this.#words, WORD.claimed, number, (number + 1) | 0) === number)
        return number;
    }
  }

  #jobAt(slot: number): Job {
    const base = slot * JOB_BYTES;
    const field = (offset: number): number => this.#jobs.getFloat64(base + offset);
    return {
      descriptor: field(FIELD.descriptor),
      host: hostOffset(field(FIELD.host)),
      length: field(FIELD.length),
      type: field(FIELD.isZstd) === 0 ? 'deflate' : 'zstd',
      at: field(FIELD.at),
      size: field(FIELD.size),
    };
  }

  /** @returns false if it fails, for whatever reason: the owner then reads the range again, and reports the error */
  #run({ descriptor, host, length, type, at, size }: Job): boolean {
    try {
      const input = this.#inputOf(length);
      readAll(descriptor, input, host);
      decompress(input, type, this.window.subarray(at, at + size));
      return true;
    } catch {
      return false;
    }
  }

  #inputOf(length: ByteLength): Uint8Array {
    if (this.#input.length < length) this.#input = new Uint8Array(length);
    return this.#input.subarray(0, length);
  }
}

const slotOf = (number: number): number => number & (MOST_JOBS - 1);

/** @throws Error if there are fewer bytes than `target` has room for */
function readAll(descriptor: number, target: Uint8Array, host: HostOffset): void {
  for (let done = 0; done < target.length;) {
    const got = readSync(descriptor, target, done, target.length - done, host + done);
    if (got === 0) throw new Error('the file has become shorter');
    done += got;
  }
}
