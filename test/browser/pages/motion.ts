/** Movement in a page that no input caused. */
import type { Frame } from 'playwright-core';

interface LayoutShift extends PerformanceEntry {
  readonly value: number;
  readonly hadRecentInput: boolean;
}

/** Sum of the layout shifts since the page was loaded, except those after user input; above 0.1 they are noticed. */
export function layoutShift(frame: Frame): Promise<number> {
  return frame.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const observer = new PerformanceObserver((list) => {
          const shifts = (list.getEntries() as LayoutShift[]).filter(({ hadRecentInput }) => !hadRecentInput);
          observer.disconnect();
          resolve(shifts.reduce((sum, { value }) => sum + value, 0));
        });
        observer.observe({ type: 'layout-shift', buffered: true });
        // No entry, no call.
        setTimeout(() => {
          resolve(0);
        }, 500);
      }),
  );
}

/** Names of animated elements, including those in the shadow trees of the toolkit. */
export function animations(frame: Frame): Promise<string[]> {
  return frame.evaluate(() => {
    const roots: DocumentOrShadowRoot[] = [document];
    for (const element of document.querySelectorAll('*')) {
      if (element.shadowRoot && element.checkVisibility()) roots.push(element.shadowRoot);
    }
    return roots.flatMap((root) => root.getAnimations()).map((animation) => animation.constructor.name);
  });
}
