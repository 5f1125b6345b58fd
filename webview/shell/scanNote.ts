/** Progress of reading the image, shown over the map until the map is complete. */
import { html, nothing, type TemplateResult } from 'lit';
import { shareText } from '../../src/text/shareText';
import type { AppState } from '../state/store';
import { t } from '../base/strings';

export function scanNote({ space, totals, layoutShare }: AppState): TemplateResult | typeof nothing {
  if (space === 'file') {
    return layoutShare === undefined
      ? nothing
      : note(t('Reading the tables: {0}', shareText(layoutShare, 1)));
  }
  if (totals === undefined || totals.scannedBytes >= totals.totalBytes) return nothing;
  return note(t('Scanning the disk: {0}', shareText(totals.scannedBytes, totals.totalBytes)));
}

const note = (text: string): TemplateResult =>
  html`<div class="scan-note" data-testid="scan-note">${text}</div>`;
