/** The part of the Space panel for what the guest does not use: what could be given up by partition, or the way to find it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PageGuestFree, PageGuestSpace } from '../../src/editor/page/messages';
import { sizeText } from '../../src/text/sizeText';
import { guestSpaceKey, guestSpaceMeaning, guestSpaceName } from '../base/guestSpace';
import { formatBytes } from '../base/numbers';
import { guestLookProgress, type Looks } from '../base/scanProgress';
import { t } from '../base/strings';

export interface GuestFreeActions {
  /** Finds what the file systems in the guest do not use. */
  lookForGuestFree(): void;
  stopGuestLook(): void;
  run(command: 'shrink'): void;
}

/** @param busy why nothing can be changed now */
export function guestFree(
  { problemText, spaces }: PageGuestFree,
  { guestLook, guestLookProblem }: Looks,
  busy: string | undefined,
  actions: GuestFreeActions,
): TemplateResult | typeof nothing {
  // The dialog says why.
  if (problemText !== undefined) return nothing;
  if (guestLook !== undefined)
    return guestLookProgress(guestLook, () => {
      actions.stopGuestLook();
    });
  if (spaces !== undefined) return table(spaces, busy, actions);
  return html`${guestLookProblem === undefined ? nothing : html`<p class="problem" role="status" data-testid="guest-look-problem">${guestLookProblem}</p>`}
    <p>
      <vscode-button
        appearance="secondary"
        data-testid="space-guest-look"
        title=${busy ?? t('Finds what the file systems in the guest do not use.')}
        ?disabled=${busy !== undefined}
        @click=${() => {
          actions.lookForGuestFree();
        }}
        >${t('Look for Free Space')}</vscode-button
      >
    </p>`;
}

const table = (
  spaces: readonly PageGuestSpace[],
  busy: string | undefined,
  actions: GuestFreeActions,
): TemplateResult =>
  html`<h2 class="panel-heading">${t('Free in the guest')}</h2>
    ${
      spaces.length === 0
        ? html`<p class="hint" data-testid="space-guest-free">
            ${t('No file system was found on the disk.')}
          </p>`
        : html`<table class="space-table" data-testid="space-guest-free">
            <thead class="visually-hidden">
              <tr>
                <th>${t('Part')}</th>
                <th>${t('Can free')}</th>
              </tr>
            </thead>
            <tbody>
              ${spaces.map((space) => row(space, busy, actions))}
            </tbody>
          </table>`
    }`;

function row(space: PageGuestSpace, busy: string | undefined, actions: GuestFreeActions): TemplateResult {
  const { freed, problemText } = space;
  const key = guestSpaceKey(space);
  return html`<tr data-testid="guest-free-${key}">
    <th scope="row" title=${guestSpaceMeaning(space)}>
      ${guestSpaceName(space)}
      ${
        freed === undefined || freed === 0
          ? nothing
          : html`<button
              type="button"
              class="link space-way-out"
              data-testid="guest-free-shrink-${key}"
              title=${busy ?? ''}
              ?disabled=${busy !== undefined}
              @click=${() => {
                actions.run('shrink');
              }}
            >
              ${t('Shrink…')}
            </button>`
      }
      ${problemText === undefined ? nothing : html`<span class="repair-meaning">${problemText}</span>`}
    </th>
    ${
      freed === undefined
        ? html`<td>–</td>`
        : html`<td title=${formatBytes(freed)} data-bytes=${freed}>
            ${freed === 0 ? t('nothing') : sizeText(freed)}
          </td>`
    }
  </tr>`;
}
