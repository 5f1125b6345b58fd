/** The page of an image that cannot be opened: the reason, a way on, and the header as far as it can be read. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PageState } from '../src/editor/messages';
import { staticDump } from './hex/static';
import { icon } from './icons';
import { headerTables } from './panels/header';
import { t } from './strings';

export function unreadable(page: PageState, retry: () => void): TemplateResult {
  const { header, path } = page.image;
  return html`<div class="unreadable" data-testid="unreadable">
    <div class="unreadable-head">
      ${icon('error')}
      <div>
        <h2 class="unreadable-title">${t('This image cannot be opened')}</h2>
        <p class="unreadable-problem" role="alert" data-testid="problem">${page.problemText}</p>
        <p class="mono dim break">${path}</p>
      </div>
      <vscode-button data-testid="retry" @click=${retry}>${t('Retry')}</vscode-button>
    </div>
    ${
      header === undefined || header.raw.length === 0
        ? html`<p class="hint">${t('No bytes of the file could be read.')}</p>`
        : html`<div class="unreadable-body">
            <section>
              <h3 class="panel-heading">${t('Raw bytes')}</h3>
              ${staticDump(header.raw.subarray(0, 1024), t('Raw bytes of the header'))}
            </section>
            <section>${header.fields.length === 0 ? nothing : headerTables(header)}</section>
          </div>`
    }
  </div>`;
}
