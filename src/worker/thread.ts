/** What the two ends of a worker thread agree on before the first message. */

/** `engine`: one image, `EngineApi`. `index`: headers of many files, `IndexApi`. */
export type ThreadRole = 'engine' | 'index';

export interface ThreadData {
  readonly role: ThreadRole;
  readonly cancelFlag: SharedArrayBuffer;
}

/** A flag that both threads see at once: a walk that keeps its thread busy could not receive a message. */
export class CancelFlag {
  private readonly word: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.word = new Int32Array(buffer);
  }

  /** Stops one operation; another one is not concerned. */
  setFor(operation: number): void {
    Atomics.store(this.word, 1, operation);
  }

  isSetFor(operation: number): boolean {
    return this.isSet || Atomics.load(this.word, 1) === operation;
  }

  /** For good: a cancelled thread is at its end. */
  set(): void {
    Atomics.store(this.word, 0, 1);
  }

  get isSet(): boolean {
    return Atomics.load(this.word, 0) !== 0;
  }
}
