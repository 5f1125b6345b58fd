/** How far the compaction of the file is, below the summary bar whatever is shown, with a button that ends it. */
import { html, type TemplateResult } from 'lit';
import type { PageCompaction } from '../../src/editor/page/messages';
import { icon } from '../base/icons';
import { t } from '../base/strings';

export function compactionStrip({ done, total, text }: PageCompaction, stop: () => void): TemplateResult {
  return html`<div class="notice is-info compaction" data-testid="compaction">
    ${icon('info')}<span>${t('The file is being compacted.')}</span>
    <progress aria-label=${t('Compaction')} max=${Math.max(1, total)} .value=${done}></progress>
    <span class="compaction-words" data-testid="compaction-text">${text}</span>
    <vscode-button
      appearance="secondary"
      data-testid="compaction-stop"
      title=${t('Ends after the batch that is being moved. What is gained until then stays.')}
      @click=${() => {
        stop();
      }}
      >${t('Cancel')}</vscode-button
    >
  </div>`;
}
