/** What stands in the way of a change: what forbids it, and what is to be said yes to first. */
import { html, type TemplateResult } from 'lit';
import type { GuardReport } from '../src/editor/page/messages';
import type { Answer } from './answers';
import { icon } from './icons';
import { t } from './strings';

/** @param answer undefined until it is known */
export function guards(
  answer: Answer<GuardReport>,
  confirmed: ReadonlySet<string>,
  confirm: (id: string, isConfirmed: boolean) => void,
): TemplateResult {
  if (answer === undefined) {
    return html`<p class="hint" role="status" data-testid="change-checking">
      ${t('Checking whether the image may be changed…')}
    </p>`;
  }
  if (!answer.ok) return html`<p class="problem" role="alert">${answer.text}</p>`;
  const { refusals, questions } = answer.value;
  return html`${refusals.map(
    (text) =>
      html`<p class="guard is-refusal" role="alert" data-testid="change-refusal">
        ${icon('error')}<span>${text}</span>
      </p>`,
  )}
  ${questions.map(
    ({ id, text }) =>
      html`<div class="guard" data-testid="change-question">
        ${icon('warning')}
        <div>
          ${text}
          <vscode-checkbox
            .checked=${confirmed.has(id)}
            @change=${(event: Event) => {
              confirm(id, (event.target as HTMLInputElement).checked);
            }}
            >${t('Change it all the same')}</vscode-checkbox
          >
        </div>
      </div>`,
  )}`;
}

/** Whether the guards refuse in these words: what else says so need not be shown. */
export const isSaidBy = (answer: Answer<GuardReport>, text: string): boolean =>
  answer?.ok === true && answer.value.refusals.includes(text);

/** Whether nothing of it stands in the way any more. */
export function mayPass(answer: Answer<GuardReport>, confirmed: ReadonlySet<string>): boolean {
  if (answer?.ok !== true) return false;
  const { refusals, questions } = answer.value;
  return refusals.length === 0 && questions.every(({ id }) => confirmed.has(id));
}
