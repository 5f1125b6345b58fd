/** The dialog's form, drawn from its state. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ChangeKind, ChangePreview } from '../../../src/editor/page/messages';
import { isSaidBy } from '../guards';
import { stagingForm, type StagingActions, type StagingState } from '../stagingDialog';
import { t } from '../../base/strings';
import { previewTable } from './preview';
import type { RangeAnswer } from './range';

/** State of the dialog; the preview is one of the current fields, or of earlier ones while `isStale`. */
export interface ChangeFormState extends StagingState<ChangePreview> {
  readonly kind: ChangeKind;
  readonly startText: string;
  readonly lengthText: string;
  readonly unmap: boolean;
  readonly thorough: boolean;
  /** Whether the image has a backing file; the Thorough option is for such images. */
  readonly hasBacking: boolean;
  readonly range: RangeAnswer;
  readonly isStale: boolean;
}

export interface FormActions extends StagingActions {
  setStart(text: string): void;
  setLength(text: string): void;
  setUnmap(unmap: boolean): void;
  setThorough(thorough: boolean): void;
}

export function changeForm(state: ChangeFormState, canApply: boolean, actions: FormActions): TemplateResult {
  const isZeroing = state.kind === 'writeZeroes';
  const title = isZeroing ? t('Write Zeroes') : t('Discard');
  const asked = html`<div class="change-range">
      ${field('start', t('Guest offset'), state.startText, t('0x…, 1.5G, #31'), state, (text) => {
        actions.setStart(text);
      })}
      ${field('length', t('Length'), state.lengthText, t('64 KiB, #4 clusters'), state, (text) => {
        actions.setLength(text);
      })}
    </div>
    ${isZeroing ? options(state, actions) : discardHint()}`;
  return html`<div
    class="change-form"
    @keydown=${(event: KeyboardEvent) => {
      if (event.key === 'Enter' && isField(event)) actions.apply();
    }}
  >
    ${stagingForm('change', title, state, canApply, actions, asked, preview(state))}
  </div>`;
}

/** Enter applies the form in a text field, but presses the button on a button. */
const isField = (event: KeyboardEvent): boolean =>
  event.target instanceof HTMLElement && event.target.localName === 'vscode-text-field';

function field(
  name: 'start' | 'length',
  label: string,
  text: string,
  placeholder: string,
  { range }: ChangeFormState,
  changed: (text: string) => void,
): TemplateResult {
  const problem = !range.ok && range.field === name ? range.text : undefined;
  return html`<div class="change-field">
    <vscode-text-field
      data-testid="change-${name}"
      size="18"
      placeholder=${placeholder}
      title=${t('Bytes (0x1f0000, 64k, 1.5 GiB) or clusters (#31)')}
      .value=${text}
      aria-invalid=${problem === undefined ? 'false' : 'true'}
      @input=${(event: Event) => {
        changed((event.target as HTMLInputElement).value);
      }}
      >${label}</vscode-text-field
    >
    ${
      problem === undefined
        ? nothing
        : html`<span class="field-problem" role="alert" data-testid="change-${name}-problem"
            >${problem}</span
          >`
    }
  </div>`;
}

const isChecked = (event: Event): boolean => (event.target as HTMLInputElement).checked;

function options(state: ChangeFormState, actions: FormActions): TemplateResult {
  return html`<div class="change-options">
    <vscode-checkbox
      data-testid="change-unmap"
      .checked=${state.unmap}
      @change=${(event: Event) => {
        actions.setUnmap(isChecked(event));
      }}
      >${t('Unmap: free the clusters that hold the data now')}</vscode-checkbox
    >
    ${
      state.hasBacking && state.unmap
        ? html`<vscode-checkbox
            data-testid="change-thorough"
            .checked=${state.thorough}
            @change=${(event: Event) => {
              actions.setThorough(isChecked(event));
            }}
            >${t('Thorough: leave clusters unallocated where the backing chain reads as zero')}</vscode-checkbox
          >`
        : nothing
    }
  </div>`;
}

const discardHint = (): TemplateResult =>
  html`<p class="hint">${t('Discarded clusters read as zero. Only whole clusters are discarded.')}</p>`;

function preview({ preview: answer, guards: refusals, range, isStale }: ChangeFormState): TemplateResult {
  return html`<div
    class="change-preview ${isStale && range.ok ? 'is-stale' : ''}"
    role="region"
    aria-label=${t('Preview')}
    aria-live="polite"
    aria-busy=${isStale && range.ok ? 'true' : 'false'}
    data-testid="change-preview"
  >
    ${
      !range.ok
        ? html`<p class="hint">${t('Enter an offset and a length to see a preview.')}</p>`
        : answer === undefined
          ? html`<p class="hint">${t('Preparing the preview…')}</p>`
          : answer.ok
            ? previewTable(answer.value)
            : isSaidBy(refusals, answer.text)
              ? nothing
              : html`<p class="problem" data-testid="change-preview-problem">${answer.text}</p>`
    }
  </div>`;
}
