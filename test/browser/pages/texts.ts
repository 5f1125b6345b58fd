/** The texts of a frame that are read or spoken. */
import type { Frame } from 'playwright-core';
import { isMarked, unmarkedPart } from '../harness/pseudoLocale';

export interface ShownText {
  /** `text`, or the name of the attribute. */
  readonly as: string;
  readonly text: string;
  /** Where it is: the element and its parent, with their classes. */
  readonly place: string;
}

/**
 * Every visible text node, and the attributes that are texts, below the elements that `selector` finds; what is data
 * (`translate="no"`: names, numbers, bytes) is left out. Runs as a string: the page's policy allows no eval of its own.
 */
export async function textsIn(frame: Frame, selector = 'body'): Promise<ShownText[]> {
  return frame.evaluate((wanted) => {
    const attributes = [
      'aria-label',
      'title',
      'placeholder',
      'alt',
      'aria-description',
      'aria-roledescription',
    ];
    const found: { as: string; text: string; place: string }[] = [];
    const name = (element: Element): string => {
      const { className } = element as { className: unknown };
      return `${element.localName}${typeof className === 'string' && className !== '' ? `.${className.split(' ').join('.')}` : ''}`;
    };
    const add = (element: Element, as: string, text: string | null | undefined): void => {
      const parent = element.parentElement;
      const place = `${parent === null ? '' : `${name(parent)} > `}${name(element)}`;
      const trimmed = (text ?? '').replace(/\s+/g, ' ').trim();
      if (trimmed !== '') found.push({ as, text: trimmed, place });
    };
    const look = (element: Element): void => {
      if (element.closest('[translate="no"]') !== null || ['SCRIPT', 'STYLE'].includes(element.tagName))
        return;
      const isShown = element.checkVisibility({ visibilityProperty: true });
      if (!isShown && !element.classList.contains('visually-hidden')) return;
      for (const attribute of attributes) add(element, attribute, element.getAttribute(attribute));
      for (const child of element.childNodes) {
        if (child.nodeType === Node.TEXT_NODE) add(element, 'text', child.textContent);
        else if (child.nodeType === Node.ELEMENT_NODE) look(child as Element);
      }
      for (const child of element.shadowRoot?.children ?? []) look(child);
    };
    for (const element of document.querySelectorAll(wanted)) look(element);
    return found;
  }, selector);
}

/** Sizes, offsets and shares read the same in every language. */
const NUMBERS = /0x[0-9a-f]+|[\d.,]+ ?(?:[KMGTPE]i)?B\b|v[23]\b|#\d+/gi;

/** Texts that are in no translation, each once. */
export function untranslated(texts: readonly ShownText[]): string[] {
  const left = texts.filter(({ text }) => {
    const rest = isMarked(text) ? unmarkedPart(text) : text;
    return /\p{Letter}/u.test(rest.replace(NUMBERS, ''));
  });
  return [...new Set(left.map(({ as, text, place }) => `${as} “${text}” in ${place}`))];
}
