/** Calls to the engine that may take long: their numbers, how far they are, and how they are stopped. */
import type { OperationId, ProgressReport } from '../../worker/api';
import type { GuestFound } from '../../worker/contentsApi';

/** Says how an operation is told to stop; a save does as long as nothing of the image has been written. */
export type Cancel = (stop: () => void) => void;

/** How the caller follows an operation. */
export interface Control {
  readonly report?: ProgressReport;
  readonly cancel?: Cancel;
  /** Of a search inside the disk: what it finds, as it is found. */
  readonly found?: (files: readonly GuestFound[]) => void;
  /** Operations with the same key are stopped together (`Operations.stop`). */
  readonly key?: symbol;
  /** Stops those with the same key that still run: their answer is not waited for any more. */
  readonly stopsOlder?: boolean;
}

export class Operations {
  #last: OperationId = 0;
  readonly #running = new Map<OperationId, Control>();
  readonly #stopOne: (operation: OperationId) => void;

  /** @param stopOne tells the engine to stop an operation, running or still to come */
  constructor(stopOne: (operation: OperationId) => void) {
    this.#stopOne = stopOne;
  }

  next(): OperationId {
    return ++this.#last;
  }

  async run<T>(work: (operation: OperationId) => Promise<T>, control: Control = {}): Promise<T> {
    const { cancel, key, stopsOlder = false } = control;
    if (key !== undefined && stopsOlder) this.stop(key);
    const operation = this.next();
    this.#running.set(operation, control);
    cancel?.(() => {
      this.#stopOne(operation);
    });
    try {
      return await work(operation);
    } finally {
      this.#running.delete(operation);
    }
  }

  /** Stops all operations with that key; they end in the problem `cancelled`. */
  stop(key: symbol): void {
    for (const [operation, control] of this.#running) if (control.key === key) this.#stopOne(operation);
  }

  /** The engine tells what a search has found. */
  found(operation: OperationId, files: readonly GuestFound[]): void {
    this.#running.get(operation)?.found?.(files);
  }

  /** The engine tells how far an operation is. */
  progress(operation: OperationId, done: number, total: number): void {
    this.#running.get(operation)?.report?.(done, total);
  }
}
