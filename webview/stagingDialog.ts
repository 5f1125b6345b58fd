/**
 * What the dialogs of Write Zeroes…, Discard… and Repair… have in common: what stands in the way, what it would do, and
 * the button that stages it. Applying stages an edit; nothing on disk changes before the image is saved.
 */
import { html, nothing, render, type TemplateResult } from 'lit';
import type { GuardReport } from '../src/editor/page/messages';
import type { Answer } from './answers';
import { guards, isSaidBy, mayPass } from './guards';
import { Latest } from './latest';
import { t } from './strings';

/** What such a dialog asks of the page. */
export interface StagingHost<Request, Preview> {
  guards(): Promise<Answer<GuardReport>>;
  preview(request: Request): Promise<Answer<Preview>>;
  stage(request: Request, confirmed: readonly string[]): Promise<Answer<{ readonly label: string }>>;
  /** The edit is staged; `label` is its name. */
  staged(label: string): void;
}

/** What such a dialog shows, apart from what is asked for. */
export interface StagingState<Preview> {
  /** Undefined until they are known. */
  readonly guards: Answer<GuardReport>;
  /** Ids of the guards' questions that were answered with yes. */
  readonly confirmed: ReadonlySet<string>;
  /** Undefined until it is known. */
  readonly preview: Answer<Preview>;
  readonly isStaging: boolean;
  readonly failure: string | undefined;
}

/** What the buttons and checkboxes of every such form do. */
export interface StagingActions {
  confirm(id: string, isConfirmed: boolean): void;
  apply(): void;
  close(): void;
}

/** As the dialog opens. */
export const UNKNOWN = {
  guards: undefined,
  confirmed: new Set<string>(),
  preview: undefined,
  isStaging: false,
  failure: undefined,
} as const;

export abstract class StagingDialog<
  Request,
  Preview extends object,
  State extends StagingState<Preview>,
> implements StagingActions {
  readonly element = document.createElement('dialog');
  protected readonly previews: Latest<Request, Answer<Preview>>;
  protected state: State | undefined;

  /** @param name of the form's ids: `change`, `repair` */
  constructor(
    private readonly stagingHost: StagingHost<Request, Preview>,
    name: string,
  ) {
    this.element.className = 'change-dialog';
    this.element.dataset['testid'] = `${name}-dialog`;
    this.element.setAttribute('aria-labelledby', `${name}-title`);
    this.previews = new Latest(
      (request) => stagingHost.preview(request),
      (preview) => {
        if (this.state) this.show(this.previewed(this.state, preview));
      },
    );
    this.element.addEventListener('close', () => {
      this.previews.cancel();
      this.closed();
      this.state = undefined;
    });
  }

  confirm(id: string, isConfirmed: boolean): void {
    if (!this.state) return;
    const confirmed = new Set(this.state.confirmed);
    if (isConfirmed) confirmed.add(id);
    else confirmed.delete(id);
    this.show({ ...this.state, confirmed });
  }

  apply(): void {
    void this.#apply();
  }

  close(): void {
    this.element.close();
  }

  /** What is to be staged; undefined as long as it is not clear. */
  protected abstract requestOf(state: State): Request | undefined;

  /** Whether the preview is one of what is asked for, and changes anything. */
  protected abstract isWorthStaging(state: State): boolean;

  protected abstract form(state: State, canApply: boolean): TemplateResult;

  /** The state once a preview is there. */
  protected abstract previewed(state: State, preview: Answer<Preview>): State;

  /** The dialog is closed, whatever for. */
  protected closed(): void {
    // Most have nothing to stop.
  }

  protected show(state: State): void {
    this.state = state;
    render(this.form(state, this.#canApply(state)), this.element);
  }

  /** @param focus a selector of what gets the focus */
  protected present(focus: string): void {
    if (!this.element.open) this.element.showModal();
    this.element.querySelector<HTMLElement>(focus)?.focus();
    void this.#lookAtGuards();
  }

  async #lookAtGuards(): Promise<void> {
    const found = await this.stagingHost.guards();
    if (this.state) this.show({ ...this.state, guards: found });
  }

  async #apply(): Promise<void> {
    const { state } = this;
    const request = state && this.requestOf(state);
    if (!state || !request || !this.#canApply(state)) return;
    this.show({ ...state, isStaging: true, failure: undefined });
    const staged = await this.stagingHost.stage(request, [...state.confirmed]);
    if (staged?.ok !== true) {
      if (this.state) this.show({ ...this.state, isStaging: false, failure: staged?.text });
      return;
    }
    this.close();
    this.stagingHost.staged(staged.value.label);
  }

  #canApply(state: State): boolean {
    return !state.isStaging && this.isWorthStaging(state) && mayPass(state.guards, state.confirmed);
  }
}

/**
 * The body of such a form with the buttons below it.
 * @param name as the dialog has it
 * @param asked what is asked for; @param preview what it would do
 */
export function stagingForm(
  name: string,
  title: string,
  { guards: answer, confirmed, failure }: StagingState<unknown>,
  canApply: boolean,
  actions: StagingActions,
  asked: TemplateResult,
  preview: TemplateResult | typeof nothing,
): TemplateResult {
  return html`<h2 id="${name}-title" class="change-title">${title}</h2>
    <div class="change-body">
      ${asked}
      ${guards(answer, confirmed, (id, isConfirmed) => {
        actions.confirm(id, isConfirmed);
      })}
      ${preview}
      ${
        failure === undefined || isSaidBy(answer, failure)
          ? nothing
          : html`<p class="problem" role="alert" data-testid="${name}-failure">${failure}</p>`
      }
    </div>
    <div class="change-buttons">
      <span class="hint change-hint">${t('It is staged, and written when the image is saved.')}</span>
      <vscode-button
        appearance="secondary"
        data-testid="${name}-cancel"
        @click=${() => {
          actions.close();
        }}
        >${t('Cancel')}</vscode-button
      >
      <vscode-button
        data-testid="${name}-apply"
        ?disabled=${!canApply}
        @click=${() => {
          actions.apply();
        }}
        >${title}</vscode-button
      >
    </div>`;
}
