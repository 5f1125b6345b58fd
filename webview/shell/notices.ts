/** Messages below the summary bar: that the host has stopped first, then what the host sent. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Notice, NoticeCommand } from '../../src/editor/page/messages';
import { icon } from '../base/icons';
import { t } from '../base/strings';

export function notices(
  told: readonly Notice[],
  isLost: boolean,
  run: (command: NoticeCommand) => void,
): TemplateResult {
  return html`${isLost ? lostNotice(run) : nothing}${told.map(
    ({ severity, text, action }) =>
      html`<div class="notice is-${severity}" data-testid="notice">
        ${icon(severity)}<span>${text}</span>
        ${
          action === undefined
            ? nothing
            : html`<vscode-button
                data-testid="notice-action"
                @click=${() => {
                  run(action.command);
                }}
                >${action.title}</vscode-button
              >`
        }
      </div>`,
  )}`;
}

const lostNotice = (run: (command: NoticeCommand) => void): TemplateResult =>
  html`<div class="notice is-error" role="alert" data-testid="lost">
    ${icon('error')}<span>${t('The engine of this image has stopped.')}</span>
    <vscode-button
      @click=${() => {
        run('retry');
      }}
      >${t('Reopen')}</vscode-button
    >
  </div>`;

/** Nothing here can help: what a button would ask for is not heard. */
export const silentNotice = (): TemplateResult =>
  html`<div class="notice is-error" role="alert" data-testid="silent">
    ${icon('error')}<span
      >${t(
        'The extension does not answer. If it has stopped, reload the window (command “Developer: Reload Window”): staged edits come back.',
      )}</span
    >
  </div>`;
