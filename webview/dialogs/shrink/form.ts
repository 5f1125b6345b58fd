/** The form of the Shrink dialog, drawn from its state. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ShrinkOffer, ShrinkSource } from '../../../src/editor/page/messages';
import { sizeText } from '../../../src/text/sizeText';
import { formatBytes } from '../../base/numbers';
import { t } from '../../base/strings';
import type { Loadable } from '../../host/answers';
import { type ContentProgress, scanProgress } from '../../base/scanProgress';
import { isSaidBy } from '../guards';
import { stagingForm, type StagingActions, type StagingState } from '../stagingDialog';

/** What the chosen sources free together. */
export interface Freed {
  readonly bytes: number;
}

/** State of the dialog; the preview is always one of the chosen sources. */
export interface ShrinkFormState extends StagingState<Freed> {
  /** Undefined while they are loading. */
  readonly offers: Loadable<readonly ShrinkOffer[]>;
  readonly chosen: ReadonlySet<ShrinkSource>;
  /** The content scan that is running. */
  readonly scan: ContentProgress | undefined;
  /** Why the one before it ended early, where that was while the dialog was open. */
  readonly scanProblem: string | undefined;
}

export interface ShrinkFormActions extends StagingActions {
  choose(source: ShrinkSource, isChosen: boolean): void;
  scan(): void;
  stopScan(): void;
}

const WORDS: Readonly<Record<ShrinkSource, readonly [name: string, meaning: string]>> = {
  zeroes: [
    t('Zeroes stored as data'),
    t('The clusters become zero or unallocated; the guest reads the same.'),
  ],
  sameAsBacking: [
    t('Data that the backing file has as well'),
    t('The clusters become unallocated: the backing file then holds the only copy.'),
  ],
  allocatedZeroes: [
    t('Space that zero clusters keep'),
    t('Zero clusters give up their space; so do tables that hold nothing but zeroes.'),
  ],
  vmState: [
    t('VM state left behind'),
    t('What an applied snapshot has left past the end of the disk. Nothing reads it.'),
  ],
  leaks: [t('Leaked clusters'), t('Nothing refers to them.')],
};

export function shrinkForm(
  state: ShrinkFormState,
  canApply: boolean,
  actions: ShrinkFormActions,
): TemplateResult {
  return html`<div class="change-form">
    ${stagingForm('shrink', t('Shrink'), state, canApply, actions, sources(state, actions), preview(state))}
  </div>`;
}

function sources(state: ShrinkFormState, actions: ShrinkFormActions): TemplateResult {
  const { offers, scan, scanProblem } = state;
  if (offers === undefined)
    return html`<p class="hint" role="status">${t('Looking for what can be given up…')}</p>`;
  if (!offers.ok)
    return isSaidBy(state.guards, offers.text)
      ? html``
      : html`<p class="problem" role="alert" data-testid="shrink-problem">${offers.text}</p>`;
  const needsScan = offers.value.some(
    ({ freed, problemText }) => freed === undefined && problemText === undefined,
  );
  return html`<fieldset class="repair-modes" data-testid="shrink-sources">
      <legend class="visually-hidden">${t('What to give up')}</legend>
      ${offers.value.map((offer) => choice(offer, state, actions))}
    </fieldset>
    ${
      scan !== undefined
        ? scanProgress(scan, () => {
            actions.stopScan();
          })
        : needsScan
          ? html`${
                scanProblem === undefined
                  ? nothing
                  : html`<p class="problem" role="status" data-testid="shrink-scan-problem">
                      ${scanProblem}
                    </p>`
              }
              <p class="shrink-scan">
                <vscode-button
                  appearance="secondary"
                  data-testid="shrink-scan"
                  @click=${() => {
                    actions.scan();
                  }}
                  >${t('Scan Contents')}</vscode-button
                >
                <span class="hint">${t('Reads all data of the disk to find zeroes and copies.')}</span>
              </p>`
          : nothing
    }`;
}

function choice(
  { source, freed, problemText }: ShrinkOffer,
  { chosen, isStaging }: ShrinkFormState,
  actions: ShrinkFormActions,
): TemplateResult {
  const [name, meaning] = WORDS[source];
  const size =
    freed === undefined
      ? html`<span class="shrink-size">${problemText === undefined ? t('not scanned') : '–'}</span>`
      : html`<span class="shrink-size" title=${formatBytes(freed)} data-bytes=${freed}
          >${freed === 0 ? t('nothing') : sizeText(freed)}</span
        >`;
  return html`<label class="repair-mode" data-testid="shrink-row-${source}">
    <input
      type="checkbox"
      data-testid="shrink-${source}"
      .checked=${chosen.has(source)}
      ?disabled=${isStaging || freed === undefined || freed === 0}
      @change=${(event: Event) => {
        actions.choose(source, (event.target as HTMLInputElement).checked);
      }}
    />
    <span class="shrink-words"
      ><b>${name}</b> <span class="repair-meaning">${problemText ?? meaning}</span></span
    >
    ${size}
  </label>`;
}

function preview({
  chosen,
  preview: answer,
  guards,
  offers,
}: ShrinkFormState): TemplateResult | typeof nothing {
  if (offers?.ok !== true) return nothing;
  return html`<div
    class="change-preview"
    role="region"
    aria-label=${t('Preview')}
    aria-live="polite"
    aria-busy=${answer === undefined && chosen.size > 0 ? 'true' : 'false'}
    data-testid="shrink-preview"
  >
    ${
      chosen.size === 0
        ? html`<p>${t('Nothing is chosen.')}</p>`
        : answer === undefined
          ? html`<p class="hint">${t('Preparing the preview…')}</p>`
          : answer.ok
            ? html`<p data-testid="shrink-freed" data-bytes=${answer.value.bytes}>
                ${t('Frees {0} inside the file. Guest and snapshots read as before.', sizeText(answer.value.bytes))}
              </p>`
            : isSaidBy(guards, answer.text)
              ? nothing
              : html`<p class="problem" data-testid="shrink-preview-problem">${answer.text}</p>`
    }
  </div>`;
}
