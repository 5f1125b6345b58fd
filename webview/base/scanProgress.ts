/** How far a content scan is, with its rate, the time left, and a button that ends it. */
import { html, type TemplateResult } from 'lit';
import { sizeText } from '../../src/text/sizeText';
import { formatCount } from './numbers';
import { t } from './strings';

/** How far a content scan is. */
export interface ContentProgress {
  /** Bytes of the disk's data. */
  readonly done: number;
  readonly total: number;
  /** `performance.now()` when it began. */
  readonly started: number;
}

export function scanProgress({ done, total, started }: ContentProgress, stop: () => void): TemplateResult {
  const seconds = (performance.now() - started) / 1000;
  const rate = seconds > 0 ? done / seconds : 0;
  const left = rate > 0 ? Math.ceil((total - done) / rate) : undefined;
  const words =
    left === undefined
      ? t('Scanning contents…')
      : t(
          'Scanned {0} of {1}, {2} a second, {3} s left',
          sizeText(done),
          sizeText(total),
          sizeText(rate),
          formatCount(left),
        );
  return html`<p class="scan-progress" data-testid="scan-progress">
    <progress aria-label=${t('Content scan')} max=${Math.max(1, total)} .value=${done}></progress>
    <span class="hint">${words}</span>
    <button
      type="button"
      class="link"
      data-testid="scan-stop"
      @click=${() => {
        stop();
      }}
    >
      ${t('Cancel')}
    </button>
  </p>`;
}
