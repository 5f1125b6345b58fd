/** The form of the Shrink dialog, drawn from its state. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ShrinkOffer, ShrinkSource } from '../../../src/editor/page/messages';
import { sizeText } from '../../../src/text/sizeText';
import { t } from '../../base/strings';
import { scanProgress } from '../../base/scanProgress';
import { isSaidBy } from '../guards';
import { stagingForm } from '../stagingDialog';
import { chosenOf } from './choices';
import type { ShrinkFormActions, ShrinkFormState } from './formState';
import { guestSection } from './guestSection';
import { shrinkRow } from './row';

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
  const { offers } = state;
  if (offers === undefined)
    return html`<p class="hint" role="status">${t('Looking for what can be given up…')}</p>`;
  if (!offers.ok)
    return isSaidBy(state.guards, offers.text)
      ? html``
      : html`<p class="problem" role="alert" data-testid="shrink-problem">${offers.text}</p>`;
  const { sources: offered, guestFree } = offers.value;
  return html`<fieldset class="repair-modes" data-testid="shrink-sources">
      <legend class="visually-hidden">${t('What to give up')}</legend>
      ${offered.map((offer) => choice(offer, state, actions))}
    </fieldset>
    ${scanning(offered, state, actions)} ${guestSection(guestFree, state, actions)}`;
}

/** The content scan that is running, or the way to one where it could find something. */
function scanning(
  offered: readonly ShrinkOffer[],
  { looks: { contentScan, scanProblem } }: ShrinkFormState,
  actions: ShrinkFormActions,
): TemplateResult | typeof nothing {
  if (contentScan !== undefined)
    return scanProgress(contentScan, () => {
      actions.stopScan();
    });
  const needsScan = offered.some(
    ({ freed, problemText }) => freed === undefined && problemText === undefined,
  );
  if (!needsScan) return nothing;
  return html`${
      scanProblem === undefined
        ? nothing
        : html`<p class="problem" role="status" data-testid="shrink-scan-problem">${scanProblem}</p>`
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
    </p>`;
}

function choice(
  { source, freed, problemText }: ShrinkOffer,
  { chosen, isStaging }: ShrinkFormState,
  actions: ShrinkFormActions,
): TemplateResult {
  const [name, meaning] = WORDS[source];
  return shrinkRow(
    { key: source, name, meaning, freed, problemText, isChosen: chosen.has(source), isStaging },
    (isChosen) => {
      actions.choose(source, isChosen);
    },
  );
}

function preview({
  chosen,
  preview: answer,
  guards,
  offers,
}: ShrinkFormState): TemplateResult | typeof nothing {
  if (offers?.ok !== true) return nothing;
  const changesGuest = chosenOf(offers.value, chosen).guestFree.length > 0;
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
                ${freedText(sizeText(answer.value.bytes), changesGuest)}
              </p>`
            : isSaidBy(guards, answer.text)
              ? nothing
              : html`<p class="problem" data-testid="shrink-preview-problem">${answer.text}</p>`
    }
  </div>`;
}

const freedText = (size: string, changesGuest: boolean): string =>
  changesGuest
    ? t("Frees {0} inside the file. The guest's files and snapshots read as before.", size)
    : t('Frees {0} inside the file. Guest and snapshots read as before.', size);
