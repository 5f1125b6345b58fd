/** Layout faults of a page, as text: elements that are cut off, out of reach, or overlap. */
import type { Frame } from 'playwright-core';

export function layoutFaults(frame: Frame): Promise<string[]> {
  return frame.evaluate(() => {
    const found = new Set<string>();
    const name = (element: Element): string =>
      element.closest<HTMLElement>('[data-testid]')?.dataset['testid'] ??
      `${element.localName}.${[...element.classList].join('.')}`;
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
    if (scrollWidth > clientWidth || scrollHeight > clientHeight) found.add('the page scrolls');

    const dialog = document.querySelector('dialog[open]');
    const scope = dialog ?? document.body;
    const isShown = (element: Element): boolean => {
      const { width, height } = element.getBoundingClientRect();
      return width > 0 && height > 0 && element.checkVisibility({ visibilityProperty: true });
    };
    /** Something around it scrolls: it can be brought into sight. */
    const scroller = (element: Element): Element | undefined => {
      for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(at);
        if (/auto|scroll/.test(`${overflowX} ${overflowY}`)) return at;
      }
      return undefined;
    };
    const CONTROLS =
      'button, input, a[href], vscode-button, vscode-text-field, vscode-checkbox, vscode-panel-tab, summary, [tabindex="0"]';
    for (const element of scope.querySelectorAll(CONTROLS)) {
      if (!isShown(element)) continue;
      const box = element.getBoundingClientRect();
      const around = scroller(element)?.getBoundingClientRect();
      if (box.left < -0.5 || box.right > innerWidth + 0.5) found.add(`${name(element)} is beside the page`);
      if (around) {
        if (box.left < around.left - 1 || box.right > around.right + 1)
          found.add(`${name(element)} is cut off by what scrolls`);
        continue;
      }
      if (box.top < -0.5 || box.bottom > innerHeight + 0.5)
        found.add(`${name(element)} is above or below the page`);
      const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      if (top && !element.contains(top) && !top.contains(element))
        found.add(`${name(top)} lies over ${name(element)}`);
    }
    for (const element of scope.querySelectorAll<HTMLElement>('*')) {
      const { overflowX, textOverflow } = getComputedStyle(element);
      const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
      );
      if (!hasText || !isShown(element) || element.closest('.visually-hidden')) continue;
      if (!scroller(element)) {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        for (const x of [left + 1, right - 1]) {
          const over = document.elementFromPoint(x, (top + bottom) / 2);
          if (over && !element.contains(over) && !over.contains(element))
            found.add(`${name(over)} lies over the text of ${name(element)}`);
        }
      }
      if (overflowX === 'visible') continue;
      if (element.scrollWidth <= element.clientWidth + 1) continue;
      const hasWhole = element.closest('[title]') !== null && textOverflow === 'ellipsis';
      if (!hasWhole && !/auto|scroll/.test(overflowX))
        found.add(`“${element.textContent.trim()}” is cut off`);
    }
    return [...found];
  });
}
