/** A scrollbar for more lines than an element can be tall. It only reports the top line; no element scrolls. */
import { t } from '../base/strings';
import { thumbOf, topOfThumb } from './lines';

export class HexScrollbar {
  readonly element = document.createElement('div');
  readonly #thumb = document.createElement('div');
  #top = 0;
  #lines = 0;
  #linesShown = 1;

  readonly #scrollTo: (line: number) => void;

  constructor(scrollTo: (line: number) => void) {
    this.#scrollTo = scrollTo;
    this.element.className = 'hex-scrollbar';
    this.element.dataset['testid'] = 'hex-scrollbar';
    this.element.setAttribute('role', 'scrollbar');
    this.element.setAttribute('aria-controls', 'hex-dump');
    this.element.setAttribute('aria-orientation', 'vertical');
    this.element.setAttribute('aria-label', t('Position in the bytes'));
    this.#thumb.className = 'hex-thumb';
    this.element.append(this.#thumb);
    this.#attach();
  }

  show(top: number, lines: number, linesShown: number): void {
    this.#top = top;
    this.#lines = lines;
    this.#linesShown = linesShown;
    const thumb = thumbOf(top, lines, linesShown, this.element.clientHeight);
    this.#thumb.style.setProperty('transform', `translateY(${thumb.at.toFixed(1)}px)`);
    this.#thumb.style.setProperty('height', `${thumb.length.toFixed(1)}px`);
    this.element.classList.toggle('is-idle', lines <= linesShown);
    const last = Math.max(0, lines - linesShown);
    this.element.setAttribute('aria-valuemin', '0');
    this.element.setAttribute('aria-valuemax', String(last));
    this.element.setAttribute('aria-valuenow', String(top));
  }

  #attach(): void {
    /** Pixels from the start of the thumb to the pointer. */
    let grabbed: number | undefined;
    const dragTo = (event: PointerEvent, grab: number): void => {
      const box = this.element.getBoundingClientRect();
      this.#scrollTo(topOfThumb(event.clientY - box.top - grab, this.#lines, this.#linesShown, box.height));
    };
    this.element.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const box = this.element.getBoundingClientRect();
      const thumb = thumbOf(this.#top, this.#lines, this.#linesShown, box.height);
      const isOnThumb = event.target === this.#thumb;
      grabbed = isOnThumb ? event.clientY - box.top - thumb.at : thumb.length / 2;
      this.element.setPointerCapture(event.pointerId);
      if (!isOnThumb) dragTo(event, grabbed);
      event.preventDefault();
    });
    this.element.addEventListener('pointermove', (event) => {
      if (grabbed !== undefined) dragTo(event, grabbed);
    });
    const end = (): void => {
      grabbed = undefined;
    };
    this.element.addEventListener('pointerup', end);
    this.element.addEventListener('pointercancel', end);
  }
}
