/** Announces the selection to screen readers through a live region, once it has stopped moving. */

/** Milliseconds without a change before the announcement. */
const REST = 400;

export class Announcer {
  readonly element = document.createElement('div');
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.element.className = 'visually-hidden';
    this.element.dataset['testid'] = 'announcer';
    this.element.setAttribute('role', 'status');
    this.element.setAttribute('aria-live', 'polite');
  }

  /** @param words evaluated when the announcement is made, so that it is up to date */
  say(words: () => string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.textContent = words();
    }, REST);
  }
}
