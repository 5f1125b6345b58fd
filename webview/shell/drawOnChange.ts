/** A part of the page that is drawn by a template of its own, and only when what it reads has changed. */
import { render, type TemplateResult } from 'lit';
import type { AppState, Store } from '../state/store';

/**
 * Draws `template` into `element` now and whenever one of the values that `reads` picks has changed; changes within
 * one frame are drawn once.
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
    // What the page begins with is there when it is first seen.
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
