/** Draws a part of the page from its template whenever the state that it reads changes. */
import { render, type TemplateResult } from 'lit';
import type { AppState, Store } from '../state/store';

/**
 * Draws `template` into `element` now, and again in the next frame after one of the values that `reads` returns has
 * changed.
 */
export function drawOnChange(
  element: HTMLElement,
  store: Store,
  reads: (state: AppState) => readonly unknown[],
  template: (state: AppState) => TemplateResult,
): void {
  let drawn: readonly unknown[] | undefined;
  let isScheduled = false;
  let isEmpty = true;
  const draw = (): void => {
    isScheduled = false;
    drawn = reads(store.state);
    render(template(store.state), element);
  };
  store.subscribe(() => {
    // The first state is drawn at once, so that the page does not flash empty.
    if (drawn === undefined || (isEmpty && store.state.page !== undefined)) {
      isEmpty = store.state.page === undefined;
      draw();
      return;
    }
    const now = reads(store.state);
    if (isScheduled || now.every((value, index) => value === drawn?.[index])) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  });
}
