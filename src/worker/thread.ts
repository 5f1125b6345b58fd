/** What host and worker thread share besides messages: role, cancellation, gate and the list of living threads. */

/** `engine`: one image (`EngineApi`). `index`: finds images and reads headers (`IndexApi`). */
export type ThreadRole = 'engine' | 'index';

export interface ThreadData {
  readonly role: ThreadRole;
  readonly cancelFlag: SharedArrayBuffer;
  readonly writeGate: SharedArrayBuffer;
  /** Memory of `LivingThreads`. */
  readonly living: SharedArrayBuffer;
}

/** How many operations may be stopped before the first of them notices. */
const STOPPED = 64;

/** A flag in shared memory: a thread that is busy with a walk could not receive a message. */
export class CancelFlag {
  readonly #word: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 + STOPPED * 4)) {
    this.#word = new Int32Array(buffer);
  }

  /** Stops one operation, running or still to come, and no other. @param operation from 1 on */
  setFor(operation: number): void {
    Atomics.store(this.#word, 1 + (operation % STOPPED), operation);
  }

  isSetFor(operation: number): boolean {
    return this.isSet || Atomics.load(this.#word, 1 + (operation % STOPPED)) === operation;
  }

  /** Stops everything for good. */
  set(): void {
    Atomics.store(this.#word, 0, 1);
  }

  get isSet(): boolean {
    return Atomics.load(this.#word, 0) !== 0;
  }
}

const OPEN = 0;
const WRITING = 1;
/** The thread is inside and ends when it leaves. */
const LAST = 2;
const SHUT = 3;

/**
 * Decides between a thread that starts to write files and a host that wants to end it. The first one wins: a thread that is
 * inside ends itself when it leaves, and a thread that finds the gate shut writes nothing more.
 */
export class WriteGate {
  readonly #words: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * 4)) {
    this.#words = new Int32Array(buffer);
  }

  /** Called by the thread. @returns false if the host has shut the gate */
  enter(): boolean {
    Atomics.store(this.#words, 1, 0);
    return this.#swap(OPEN, WRITING);
  }

  /** Called by the thread: the save that it is inside for is done. */
  markSaved(): void {
    Atomics.store(this.#words, 1, 1);
  }

  /** Whether the save for which the thread was last inside is done. */
  get hasSaved(): boolean {
    return Atomics.load(this.#words, 1) !== 0;
  }

  /** Called by the thread: files are complete again. @returns false if it must end now */
  leave(): boolean {
    return this.#swap(WRITING, OPEN);
  }

  /** Called by the host. @returns false if the thread is inside and will end itself */
  shut(): boolean {
    for (;;) {
      const was = Atomics.load(this.#words, 0);
      if (was === SHUT || was === LAST) return was === SHUT;
      // It may have entered or left in the meantime.
      const next = was === OPEN ? SHUT : LAST;
      if (this.#swap(was, next)) return next === SHUT;
    }
  }

  /** Whether the thread is inside, or was when it died. */
  get isWriting(): boolean {
    return [WRITING, LAST].includes(Atomics.load(this.#words, 0));
  }

  #swap(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, 0, from, to) === from;
  }
}

/** Most threads that are listed at a time. */
const MOST_LIVING = 1024;

/**
 * The running threads of this process, in memory that all of them share. Where a journal cannot be locked, this says whether
 * its saver is one of them.
 */
export class LivingThreads {
  /** First a flag that the list was once full, then the numbers. */
  readonly #words: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * (1 + MOST_LIVING))) {
    this.#words = new Int32Array(buffer);
  }

  /** Called by the host. @param thread Node's number, from 1 on; never used twice */
  add(thread: number): void {
    if (!this.#replace(0, thread)) Atomics.store(this.#words, 0, 1);
  }

  /** Called by the host: the thread has ended and its files are closed. */
  delete(thread: number): void {
    this.#replace(thread, 0);
  }

  /** If the list was once full, a thread that is not listed may be running too. */
  has(thread: number): boolean {
    return this.#words.indexOf(thread, 1) > 0 || Atomics.load(this.#words, 0) !== 0;
  }

  #replace(from: number, to: number): boolean {
    const place = this.#words.indexOf(from, 1);
    if (place > 0) Atomics.store(this.#words, place, to);
    return place > 0;
  }
}
