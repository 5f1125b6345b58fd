/** The page of an image that cannot be opened: the reason, a Retry button, and the readable part of the header. */
import { html, nothing, type TemplateResult } from 'lit';
import type { HeaderView, PageState } from '../../src/editor/page/messages';
import { staticDump } from '../bytes/static';
import { icon } from '../base/icons';
import { headerTables } from '../panels/header';
import { safeName } from '../base/names';
import { t } from '../base/strings';

/** "QFI" and 0xfb, as the header shows it. */
const QCOW2_MAGIC = '0x514649fb';

export function unreadable(page: PageState, retry: () => void): TemplateResult {
  const { header, path } = page.image;
  return html`<div class="unreadable" data-testid="unreadable">
    <div class="unreadable-head">
      ${icon('error')}
      <div>
        <h2 class="unreadable-title">${t('This image cannot be opened')}</h2>
        <p class="unreadable-problem" role="alert" data-testid="problem">${page.problemText}</p>
        <p class="mono dim break" translate="no">${safeName(path)}</p>
      </div>
      <vscode-button data-testid="retry" @click=${retry}>${t('Retry')}</vscode-button>
    </div>
    ${
      header === undefined || header.raw.length === 0
        ? html`<p class="hint">${t('The file could not be read.')}</p>`
        : remains(header)
    }
  </div>`;
}

/** The readable part of the header. A file that is not qcow2 has no fields. */
function remains(header: HeaderView): TemplateResult {
  const isQcow2 = header.fields.some(({ name, raw }) => name === 'magic' && raw === QCOW2_MAGIC);
  return html`<div class="unreadable-body">
    <section>
      <h3 class="panel-heading">${t('Raw bytes')}</h3>
      ${staticDump(header.raw.subarray(0, 1024), t('Raw bytes of the header'))}
    </section>
    ${isQcow2 ? html`<section>${headerTables(header)}</section>` : nothing}
  </div>`;
}
