/** Offsets as links into the map. */
import { hex } from '../../src/text/hex';
import { html, type TemplateResult } from 'lit';
import { t } from '../base/strings';

export interface PlaceActions {
  /** Shows an offset in the guest view. */
  goTo(byte: number): void;
  /** Shows an offset in the file view. */
  goToHost(byte: number): void;
}

export const guestLink = (byte: number, actions: Pick<PlaceActions, 'goTo'>): TemplateResult =>
  link(byte, t('Show in the map'), (at) => {
    actions.goTo(at);
  });

/** @param text shown instead of the offset */
export const hostLink = (
  byte: number,
  actions: Pick<PlaceActions, 'goToHost'>,
  text?: string,
): TemplateResult =>
  link(
    byte,
    t('Show in the file view'),
    (at) => {
      actions.goToHost(at);
    },
    text,
  );

const link = (byte: number, title: string, go: (byte: number) => void, text = hex(byte)): TemplateResult =>
  html`<button
    type="button"
    class="link mono"
    title=${title}
    data-place=${byte}
    @click=${() => {
      go(byte);
    }}
  >
    ${text}
  </button>`;

/** Placeholder of the element. It has no hidden characters, since those are escaped. */
const PLACE = '{}';

/** A text with an element in place of a value. @param write makes the text with the given placeholder */
export function around(write: (place: string) => string, element: TemplateResult): TemplateResult {
  const [before = '', after = ''] = write(PLACE).split(PLACE);
  return html`${before}${element}${after}`;
}
