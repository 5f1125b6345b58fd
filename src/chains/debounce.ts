/** Runs an action once after a burst of calls: `delay` milliseconds after the last one, at most `longest` after the first. */
export class Debounce {
  private timer: NodeJS.Timeout | undefined;
  private firstCall = 0;

  constructor(
    private readonly action: () => void,
    private readonly delay: number,
    private readonly longest: number,
  ) {}

  call(): void {
    const now = performance.now();
    if (this.timer === undefined) this.firstCall = now;
    else clearTimeout(this.timer);
    const wait = Math.max(0, Math.min(this.delay, this.firstCall + this.longest - now));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.action();
    }, wait);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
