/** Shows what prevents a change: refusals, and questions to confirm. */
import { html, type TemplateResult } from 'lit';
import type { GuardReport } from '../../src/editor/page/messages';
import type { Loadable } from '../host/answers';
import { icon } from '../base/icons';
import { t } from '../base/strings';

/** @param answer undefined while it is loading */
export function guards(
  answer: Loadable<GuardReport>,
  confirmed: ReadonlySet<string>,
  confirm: (id: string, isConfirmed: boolean) => void,
): TemplateResult {
  if (answer === undefined) {
    return html`<p class="hint" role="status" data-testid="change-checking">
      ${t('Checking whether the image can be changed…')}
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
            >${t('Change it anyway')}</vscode-checkbox
          >
        </div>
      </div>`,
  )}`;
}

/** Whether a refusal has the same text, so that it is shown only once. */
export const isSaidBy = (answer: Loadable<GuardReport>, text: string): boolean =>
  answer?.ok === true && answer.value.refusals.includes(text);

/** Whether there is no refusal and every question is confirmed. */
export function mayPass(answer: Loadable<GuardReport>, confirmed: ReadonlySet<string>): boolean {
  if (answer?.ok !== true) return false;
  const { refusals, questions } = answer.value;
  return refusals.length === 0 && questions.every(({ id }) => confirmed.has(id));
}
