/**
 * The line between map and panels, moved with the pointer or the arrow keys. It divides the width if they are side by
 * side and the height if the panels are below the map; each layout keeps its own division.
 */
import { t } from '../base/strings';
import type { Division } from '../state/savedState';

export const DEFAULT_DIVISION: Division = { wide: 0.39, narrow: 0.42 };

const SMALLEST = 0.2;
const LARGEST = 0.75;
const KEY_STEP = 0.02;

export class Splitter {
  readonly element = document.createElement('div');
  #division: Division = DEFAULT_DIVISION;

  readonly #changed: () => void;

  /** @param changed called after the user has moved it */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.element.className = 'splitter';
    this.element.dataset['testid'] = 'splitter';
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'separator');
    this.element.setAttribute('aria-label', t('Size of the panels'));
    this.element.setAttribute('aria-valuemin', String(SMALLEST * 100));
    this.element.setAttribute('aria-valuemax', String(LARGEST * 100));
    this.#attachPointer();
    this.element.addEventListener('keydown', (event) => {
      this.#pressed(event);
    });
    this.element.addEventListener('dblclick', () => {
      this.#move(DEFAULT_DIVISION);
    });
  }

  get division(): Division {
    return this.#division;
  }

  set division(division: Division) {
    this.#division = {
      wide: Math.min(LARGEST, Math.max(SMALLEST, division.wide)),
      narrow: Math.min(LARGEST, Math.max(SMALLEST, division.narrow)),
    };
    this.show();
  }

  /** Passes the division to the style sheet. Call it also when the size of the page has changed. */
  show(): void {
    const body = this.element.parentElement;
    if (!body) return;
    body.style.setProperty('--panels-wide', `${(this.#division.wide * 100).toFixed(2)}%`);
    body.style.setProperty('--panels-narrow', `${(this.#division.narrow * 100).toFixed(2)}%`);
    const isNarrow = this.#isNarrow;
    const share = isNarrow ? this.#division.narrow : this.#division.wide;
    this.element.setAttribute('aria-orientation', isNarrow ? 'horizontal' : 'vertical');
    this.element.setAttribute('aria-valuenow', String(Math.round(share * 100)));
  }

  /** The style sheet decides the layout; a flat line means that the panels are below the map. */
  get #isNarrow(): boolean {
    return this.element.offsetWidth > this.element.offsetHeight;
  }

  #set(share: number): void {
    this.#move(this.#isNarrow ? { ...this.#division, narrow: share } : { ...this.#division, wide: share });
  }

  #move(division: Division): void {
    this.division = division;
    this.#changed();
  }

  #attachPointer(): void {
    let isDragged = false;
    this.element.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      isDragged = true;
      this.element.setPointerCapture(event.pointerId);
    });
    this.element.addEventListener('pointermove', (event) => {
      const box = this.element.parentElement?.getBoundingClientRect();
      if (!isDragged || !box) return;
      const fromTop = (event.clientY - box.top) / box.height;
      const fromLeft = (event.clientX - box.left) / box.width;
      this.#set(1 - (this.#isNarrow ? fromTop : fromLeft));
    });
    const end = (): void => {
      isDragged = false;
    };
    this.element.addEventListener('pointerup', end);
    this.element.addEventListener('pointercancel', end);
  }

  #pressed(event: KeyboardEvent): void {
    const share = this.#isNarrow ? this.#division.narrow : this.#division.wide;
    const grows = event.key === 'ArrowLeft' || event.key === 'ArrowUp';
    const shrinks = event.key === 'ArrowRight' || event.key === 'ArrowDown';
    if (!grows && !shrinks) return;
    event.preventDefault();
    this.#set(share + (grows ? KEY_STEP : -KEY_STEP));
  }
}
