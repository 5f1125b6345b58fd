/** Movement in a page that no input caused. */
import type { Frame } from 'playwright-core';

interface LayoutShift extends PerformanceEntry {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly {
    readonly node: Node | null;
    readonly previousRect: DOMRectReadOnly;
    readonly currentRect: DOMRectReadOnly;
  }[];
}

export interface Moves {
  /** Sum of the layout shifts since the page was loaded, except those after user input; above 0.1 they are noticed. */
  readonly sum: number;
  /** What was moved, and where: to be read where a test fails. */
  readonly moved: readonly string[];
}

export function layoutShifts(frame: Frame): Promise<Moves> {
  return frame.evaluate(
    () =>
      new Promise<Moves>((resolve) => {
        const box = ({ x, y, width, height }: DOMRectReadOnly): string => `${x},${y} ${width}x${height}`;
        const observer = new PerformanceObserver((list) => {
          const shifts = (list.getEntries() as LayoutShift[]).filter(({ hadRecentInput }) => !hadRecentInput);
          observer.disconnect();
          const moved = shifts.flatMap(({ startTime, value, sources }) =>
            sources.map(({ node, previousRect, currentRect }) => {
              const element = node instanceof Element ? node : node?.parentElement;
              const name = element?.closest('[data-testid]')?.getAttribute('data-testid') ?? '';
              const what = `${element?.localName ?? ''}.${element?.className ?? ''}`;
              const where = `${box(previousRect)} to ${box(currentRect)}`;
              return `${startTime.toFixed()} ms, ${value.toFixed(3)}: ${what} in ${name} from ${where}`;
            }),
          );
          resolve({ sum: shifts.reduce((sum, { value }) => sum + value, 0), moved });
        });
        observer.observe({ type: 'layout-shift', buffered: true });
        // No entry, no call.
        setTimeout(() => {
          resolve({ sum: 0, moved: [] });
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
