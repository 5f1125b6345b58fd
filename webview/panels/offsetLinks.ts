/** Offsets that lead to their place in the map, wherever one is told. */
import { html, type TemplateResult } from 'lit';
import { formatOffset } from '../base/numbers';
import { t } from '../base/strings';

export interface PlaceActions {
  /** Shows a place on the guest's disk. */
  goTo(byte: number): void;
  /** Shows a place in the image file. */
  goToHost(byte: number): void;
}

export const guestLink = (byte: number, actions: Pick<PlaceActions, 'goTo'>): TemplateResult =>
  link(byte, t('Show in the map'), (at) => {
    actions.goTo(at);
  });

/** @param text what is shown instead of the offset */
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

const link = (
  byte: number,
  title: string,
  go: (byte: number) => void,
  text = formatOffset(byte),
): TemplateResult =>
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

/** Stands where the element comes. No hidden character: texts have those escaped. */
const PLACE = '{}';

/** A text with an element in the place of its `{0}`. @param write puts what it is given there */
export function around(write: (place: string) => string, element: TemplateResult): TemplateResult {
  const [before = '', after = ''] = write(PLACE).split(PLACE);
  return html`${before}${element}${after}`;
}
