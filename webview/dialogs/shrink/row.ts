/** One line of the Shrink dialog: a checkbox, what is given up, and what that frees. */
import { html, type TemplateResult } from 'lit';
import { sizeText } from '../../../src/text/sizeText';
import { formatBytes } from '../../base/numbers';
import { t } from '../../base/strings';

export interface ShrinkRow {
  /** For test ids. */
  readonly key: string;
  readonly name: string | TemplateResult;
  readonly meaning: string;
  /** Bytes; undefined where that is not known. */
  readonly freed: number | undefined;
  /** Why it is not offered. */
  readonly problemText: string | undefined;
  readonly isChosen: boolean;
  readonly isStaging: boolean;
}

export function shrinkRow(
  { key, name, meaning, freed, problemText, isChosen, isStaging }: ShrinkRow,
  choose: (isChosen: boolean) => void,
): TemplateResult {
  const size =
    freed === undefined
      ? html`<span class="shrink-size">${problemText === undefined ? t('not scanned') : '–'}</span>`
      : html`<span class="shrink-size" title=${formatBytes(freed)} data-bytes=${freed}
          >${freed === 0 ? t('nothing') : sizeText(freed)}</span
        >`;
  return html`<label class="repair-mode" data-testid="shrink-row-${key}">
    <input
      type="checkbox"
      data-testid="shrink-${key}"
      .checked=${isChosen}
      ?disabled=${isStaging || freed === undefined || freed === 0}
      @change=${(event: Event) => {
        choose((event.target as HTMLInputElement).checked);
      }}
    />
    <span class="shrink-words"
      ><b>${name}</b> <span class="repair-meaning">${problemText ?? meaning}</span></span
    >
    ${size}
  </label>`;
}
