/**
 * Work in slices, with other work of the extension host between them: VS Code asks for the items of thousands of nodes at
 * once, and nothing else would happen until the last of them is made.
 */

/** Milliseconds of work in a row. */
const SLICE = 8;

export class TimeSlices {
  private sliceEnd = 0;
  private next: Promise<void> | undefined;

  /** Resolves at once while the slice lasts, else in one of the next. */
  async turn(): Promise<void> {
    while (performance.now() >= this.sliceEnd) {
      this.next ??= new Promise((resolve) => {
        setImmediate(() => {
          this.sliceEnd = performance.now() + SLICE;
          this.next = undefined;
          resolve();
        });
      });
      await this.next;
    }
  }
}
