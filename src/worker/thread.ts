/** What the two ends of a worker thread agree on before the first message. */

/** `engine`: one image, `EngineApi`. `index`: which files are images, and their headers, `IndexApi`. */
export type ThreadRole = 'engine' | 'index';

export interface ThreadData {
  readonly role: ThreadRole;
  readonly cancelFlag: SharedArrayBuffer;
  readonly writeGate: SharedArrayBuffer;
  /** Of `LivingThreads`. */
  readonly living: SharedArrayBuffer;
}

/** Operations that may be stopped, one after the other, before the first of them has looked. */
const STOPPED = 64;

/** A flag that both threads see at once: a walk that keeps its thread busy could not receive a message. */
export class CancelFlag {
  private readonly word: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 + STOPPED * 4)) {
    this.word = new Int32Array(buffer);
  }

  /** Stops one operation, running or still to come; another one is not concerned. @param operation from 1 on */
  setFor(operation: number): void {
    Atomics.store(this.word, 1 + (operation % STOPPED), operation);
  }

  isSetFor(operation: number): boolean {
    return this.isSet || Atomics.load(this.word, 1 + (operation % STOPPED)) === operation;
  }

  /** For good: a cancelled thread is at its end. */
  set(): void {
    Atomics.store(this.word, 0, 1);
  }

  get isSet(): boolean {
    return Atomics.load(this.word, 0) !== 0;
  }
}

const OPEN = 0;
const WRITING = 1;
/** The thread is inside, and ends when it leaves. */
const LAST = 2;
const SHUT = 3;

/**
 * Decides between a thread that begins to write files and a host that wants to end it. The first one wins: a thread that
 * is inside ends by itself when it leaves, and one that finds the gate shut writes nothing any more.
 */
export class WriteGate {
  private readonly words: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * 4)) {
    this.words = new Int32Array(buffer);
  }

  /** For the thread. @returns false where the host has shut the gate */
  enter(): boolean {
    Atomics.store(this.words, 1, 0);
    return this.swap(OPEN, WRITING);
  }

  /** For the thread: it is inside for a save, which is done. */
  markSaved(): void {
    Atomics.store(this.words, 1, 1);
  }

  /** The save for which the thread was inside last was done. */
  get hasSaved(): boolean {
    return Atomics.load(this.words, 1) !== 0;
  }

  /** For the thread: files are whole again. @returns false where it is to end now */
  leave(): boolean {
    return this.swap(WRITING, OPEN);
  }

  /** For the host. @returns false where the thread is inside, and ends by itself */
  shut(): boolean {
    for (;;) {
      const was = Atomics.load(this.words, 0);
      if (was === SHUT || was === LAST) return was === SHUT;
      // It may have entered or left meanwhile.
      const next = was === OPEN ? SHUT : LAST;
      if (this.swap(was, next)) return next === SHUT;
    }
  }

  /** The thread is inside, or was when it died. */
  get isWriting(): boolean {
    return [WRITING, LAST].includes(Atomics.load(this.words, 0));
  }

  private swap(from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, 0, from, to) === from;
  }
}

/** Threads that are remembered at a time. */
const MOST_LIVING = 1024;

/**
 * The threads of this process that run, which all of them see: where a journal cannot be locked, this says whether its saver
 * is one of them.
 */
export class LivingThreads {
  /** Whether there was no place for one, and then the numbers. */
  private readonly words: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * (1 + MOST_LIVING))) {
    this.words = new Int32Array(buffer);
  }

  /** For the host. @param thread from 1 on, as Node numbers them: never the same number twice */
  add(thread: number): void {
    if (!this.replace(0, thread)) Atomics.store(this.words, 0, 1);
  }

  /** For the host: the thread has ended, and its files are closed. */
  delete(thread: number): void {
    this.replace(thread, 0);
  }

  /** Where there was no place for one, a thread that is not listed may run as well. */
  has(thread: number): boolean {
    return this.words.indexOf(thread, 1) > 0 || Atomics.load(this.words, 0) !== 0;
  }

  private replace(from: number, to: number): boolean {
    const place = this.words.indexOf(from, 1);
    if (place > 0) Atomics.store(this.words, place, to);
    return place > 0;
  }
}
