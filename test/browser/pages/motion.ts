/** What moves in a page by itself. */
import type { Frame } from 'playwright-core';

/** Names of what is animated, in the shadow trees of the toolkit too. */
export function animations(frame: Frame): Promise<string[]> {
  return frame.evaluate(() => {
    const roots: DocumentOrShadowRoot[] = [document];
    for (const element of document.querySelectorAll('*')) {
      if (element.shadowRoot && element.checkVisibility()) roots.push(element.shadowRoot);
    }
    return roots.flatMap((root) => root.getAnimations()).map((animation) => animation.constructor.name);
  });
}
