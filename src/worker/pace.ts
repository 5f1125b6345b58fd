/**
 * Decides when it is time to show what work that goes on has changed: not too often, and so that showing takes no more time
 * than working.
 */

/** Milliseconds of work between two times, at least. */
const LEAST = 400;

export class Pace {
  #worked = 0;
  #served = 0;

  /** Work begins. */
  start(): void {
    this.#worked = 0;
    this.#served = 0;
  }

  /** @param worked milliseconds of a piece of work; @param served milliseconds of what came between it and the next */
  add(worked: number, served: number): void {
    this.#worked += worked;
    this.#served += served;
  }

  /** Asks whether it is time; if it is, what comes next counts towards the next time. */
  isDue(): boolean {
    if (this.#worked < Math.max(LEAST, this.#served)) return false;
    this.start();
    return true;
  }
}
