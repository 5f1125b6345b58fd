/** Over the map: which file of the guest is marked on it. */
import { html, type TemplateResult } from 'lit';
import type { FileOnMap } from '../../src/editor/page/messages';
import { sizeText } from '../../src/text/sizeText';
import { icon } from '../base/icons';
import { safeName } from '../base/names';
import { formatCount } from '../base/numbers';
import { t } from '../base/strings';

export function fileNote({ path, places }: FileOnMap, clear: () => void): TemplateResult {
  const { bytes, count } = places;
  return html`<p class="file-note" role="status" data-testid="file-note">
    <span class="file-mark" aria-hidden="true"></span>
    <span
      >${
        count === 0
          ? t('{0}: takes no clusters of its own', safeName(path))
          : count === 1
            ? t('{0}: {1} in 1 extent', safeName(path), sizeText(bytes))
            : t('{0}: {1} in {2} extents', safeName(path), sizeText(bytes), formatCount(count))
      }</span
    >
    <vscode-button
      appearance="icon"
      aria-label=${t('Clear File Marks')}
      title=${t('Clear File Marks (Escape)')}
      data-testid="clear-file"
      @click=${clear}
      >${icon('close')}</vscode-button
    >
  </p>`;
}
