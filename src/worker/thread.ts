/** What the two ends of a worker thread agree on before the first message. */

/** `engine`: one image, `EngineApi`. `index`: which files are images, and their headers, `IndexApi`. */
export type ThreadRole = 'engine' | 'index';

export interface ThreadData {
  readonly role: ThreadRole;
  readonly cancelFlag: SharedArrayBuffer;
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
