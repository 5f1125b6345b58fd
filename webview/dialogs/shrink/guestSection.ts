/** The part of the Shrink dialog for what the guest does not use: a line for each partition and volume, once it was looked for. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PageGuestFree } from '../../../src/editor/page/messages';
import { guestSpaceKey, guestSpaceMeaning, guestSpaceName } from '../../base/guestSpace';
import { icon } from '../../base/icons';
import { guestLookProgress } from '../../base/scanProgress';
import { t } from '../../base/strings';
import type { ShrinkFormActions, ShrinkFormState } from './formState';
import { shrinkRow } from './row';

export function guestSection(
  found: PageGuestFree,
  state: ShrinkFormState,
  actions: ShrinkFormActions,
): TemplateResult {
  return html`<fieldset class="repair-modes" data-testid="shrink-guest">
    <legend class="shrink-heading">${t('Free in the guest')}</legend>
    ${spaces(found, state, actions)}
  </fieldset>`;
}

function spaces(
  { problemText, spaces: found }: PageGuestFree,
  state: ShrinkFormState,
  actions: ShrinkFormActions,
): TemplateResult {
  const { looks, chosen, isStaging } = state;
  if (problemText !== undefined)
    return html`<p class="hint" data-testid="shrink-guest-refused">${problemText}</p>`;
  if (looks.guestLook !== undefined)
    return guestLookProgress(looks.guestLook, () => {
      actions.stopGuestLook();
    });
  if (found === undefined) return lookButton(state, actions);
  if (found.length === 0)
    return html`<p class="hint" role="status">${t('No file system was found on the disk.')}</p>`;
  return html`${found.map((space) => {
    const key = guestSpaceKey(space);
    const { freed, problemText: reason } = space;
    return shrinkRow(
      {
        key,
        name: guestSpaceName(space),
        meaning: guestSpaceMeaning(space),
        freed,
        problemText: reason,
        isChosen: chosen.has(key),
        isStaging,
      },
      (isChosen) => {
        actions.choose(key, isChosen);
      },
    );
  })}
  ${
    found.some((space) => chosen.has(guestSpaceKey(space)))
      ? html`<p class="repair-note" role="note" data-testid="shrink-guest-warning">
          ${icon('warning')}
          <span
            >${t('Shut down the guest first. What it has deleted there cannot be recovered any more.')}</span
          >
        </p>`
      : nothing
  }`;
}

const lookButton = ({ looks }: ShrinkFormState, actions: ShrinkFormActions): TemplateResult =>
  html`${
      looks.guestLookProblem === undefined
        ? nothing
        : html`<p class="problem" role="status" data-testid="shrink-guest-problem">
            ${looks.guestLookProblem}
          </p>`
    }
    <p class="shrink-scan">
      <vscode-button
        appearance="secondary"
        data-testid="shrink-guest-look"
        @click=${() => {
          actions.lookForGuestFree();
        }}
        >${t('Look for Free Space')}</vscode-button
      >
      <span class="hint">${t('Finds what the file systems in the guest do not use.')}</span>
    </p>`;
