/**
 * Yields to other work of the extension host. VS Code asks for the items of thousands of nodes at once, and making all of
 * them in one go would block the host.
 */

/** Longest stretch of work without yielding, in milliseconds. */
const SLICE = 8;

export class TimeSlices {
  #sliceEnd = 0;
  #next: Promise<void> | undefined;

  /** Resolves immediately while the current slice lasts, otherwise in a later one. */
  async turn(): Promise<void> {
    while (performance.now() >= this.#sliceEnd) {
      this.#next ??= new Promise((resolve) => {
        setImmediate(() => {
          this.#sliceEnd = performance.now() + SLICE;
          this.#next = undefined;
          resolve();
        });
      });
      await this.#next;
    }
  }
}
