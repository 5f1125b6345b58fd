/** The form of the Repair dialog, drawn from its state. */
import { html, nothing, type TemplateResult } from 'lit';
import type { RepairMode, RepairPreview } from '../../../src/editor/page/messages';
import { isSaidBy } from '../guards';
import { icon } from '../../base/icons';
import { sizeText } from '../../../src/text/sizeText';
import { formatCount } from '../../base/numbers';
import { stagingForm, type StagingActions, type StagingState } from '../stagingDialog';
import { t } from '../../base/strings';

/** Maximum number of losses that are listed. */
const LOSSES_SHOWN = 50;

/** State of the dialog; the preview is always one of the current mode. */
export interface RepairFormState extends StagingState<RepairPreview> {
  /** Undefined until the user chooses one. */
  readonly mode: RepairMode | undefined;
}

export interface RepairFormActions extends StagingActions {
  setMode(mode: RepairMode): void;
}

export function repairForm(
  state: RepairFormState,
  canApply: boolean,
  actions: RepairFormActions,
): TemplateResult {
  const asked = html`<fieldset class="repair-modes">
    <legend class="visually-hidden">${t('What to repair')}</legend>
    ${choice('leaks', t('Leaks'), t('Frees clusters that nothing refers to. No data is changed.'), state, actions)}
    ${choice('all', t('Everything'), t('Repairs tables and refcounts. Data that would be lost is listed below.'), state, actions)}
  </fieldset>`;
  return html`<div class="change-form">
    ${stagingForm('repair', t('Repair'), state, canApply, actions, asked, preview(state))}
  </div>`;
}

function choice(
  mode: RepairMode,
  name: string,
  meaning: string,
  state: RepairFormState,
  actions: RepairFormActions,
): TemplateResult {
  return html`<label class="repair-mode">
    <input
      type="radio"
      name="repair-mode"
      value=${mode}
      data-testid="repair-${mode}"
      .checked=${state.mode === mode}
      ?disabled=${state.isStaging}
      @change=${() => {
        actions.setMode(mode);
      }}
    />
    <span><b>${name}</b> <span class="repair-meaning">${meaning}</span></span>
  </label>`;
}

function preview({
  mode,
  preview: answer,
  guards: refusals,
}: RepairFormState): TemplateResult | typeof nothing {
  if (mode === undefined) return nothing;
  return html`<div
    class="change-preview"
    role="region"
    aria-label=${t('Preview')}
    aria-live="polite"
    aria-busy=${answer === undefined ? 'true' : 'false'}
    data-testid="repair-preview"
  >
    ${
      answer === undefined
        ? html`<p class="hint">${t('Preparing the preview…')}</p>`
        : answer.ok
          ? effects(answer.value)
          : isSaidBy(refusals, answer.text)
            ? nothing
            : html`<p class="problem" data-testid="repair-preview-problem">${answer.text}</p>`
    }
  </div>`;
}

function effects(value: RepairPreview): TemplateResult {
  if (!value.changed) {
    return html`<p data-testid="repair-nothing">${t('Nothing would change.')}</p>
      ${afterwards(value)}`;
  }
  return html`<table class="preview" aria-label=${t('Effect')} data-testid="repair-actions">
      <thead>
        <tr>
          <th scope="col">${t('Effect')}</th>
          <th scope="col">${t('Count')}</th>
        </tr>
      </thead>
      <tbody>
        ${value.actions.map(
          ({ kind, text, count, examples }) =>
            html`<tr data-action=${kind} data-count=${count}>
              <th scope="row">${examples.length === 0 ? text : places(text, examples, count)}</th>
              <td>${formatCount(count)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${losses(value)} ${afterwards(value)}`;
}

/** The places of an action, collapsed. */
function places(text: string, examples: readonly string[], count: number): TemplateResult {
  return html`<details class="repair-places">
    <summary>${text}</summary>
    <ul class="mono">
      ${examples.map((example) => html`<li>${example}</li>`)}
    </ul>
    ${
      count > examples.length
        ? html`<p class="hint">
            ${t('Showing the first {0} of {1}.', formatCount(examples.length), formatCount(count))}
          </p>`
        : nothing
    }
  </details>`;
}

function losses({ losses: told, lossCount, lostBytes }: RepairPreview): TemplateResult {
  if (lossCount === 0) {
    return html`<p class="repair-note" data-testid="repair-losses" data-count="0">
      ${icon('pass')} <span>${t('No data is lost. Everything that was readable stays unchanged.')}</span>
    </p>`;
  }
  const shown = told.slice(0, LOSSES_SHOWN);
  return html`<div class="guard is-refusal" data-testid="repair-losses" data-count=${lossCount}>
    ${icon('warning')}
    <div>
      <b>${t('Data lost: {0}', sizeText(lostBytes))}</b>
      <ul class="repair-lost">
        ${shown.map((text) => html`<li>${text}</li>`)}
      </ul>
      ${lossCount > shown.length ? html`<p class="hint">${t('{0} more', formatCount(lossCount - shown.length))}</p>` : nothing}
    </div>
  </div>`;
}

function afterwards({ after }: RepairPreview): TemplateResult {
  return html`<p class="repair-note" data-testid="repair-after" data-health=${after.kind}>
    ${icon(after.kind === 'clean' ? 'pass' : 'warning')}
    <span>${t('After the repair: {0}', after.kind === 'clean' ? after.text : after.detail)}</span>
  </p>`;
}
