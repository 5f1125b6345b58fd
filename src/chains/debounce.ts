/** Runs an action once after a burst of calls: `delay` milliseconds after the last one, at most `longest` after the first. */
export class Debounce {
  #timer: NodeJS.Timeout | undefined;
  #firstCall = 0;

  readonly #action: () => void;
  readonly #delay: number;
  readonly #longest: number;

  constructor(action: () => void, delay: number, longest: number) {
    this.#action = action;
    this.#delay = delay;
    this.#longest = longest;
  }

  call(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#firstCall = now;
    else clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(this.#delay, this.#firstCall + this.#longest - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#action();
    }, wait);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
