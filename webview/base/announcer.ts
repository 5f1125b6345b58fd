/** Says the selection aloud: a live region that speaks when the person has stopped moving. */

/** Milliseconds of rest before something is said. */
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

  /** @param words asked for when it is time to speak, so that they are the latest */
  say(words: () => string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.textContent = words();
    }, REST);
  }
}
