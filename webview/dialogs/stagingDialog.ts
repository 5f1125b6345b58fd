/**
 * Common parts of the Write Zeroes, Discard and Repair dialogs: guards, preview, and the button that stages the edit.
 * Nothing on disk changes until the image is saved.
 */
import { html, nothing, render, type TemplateResult } from 'lit';
import type { GuardReport } from '../../src/editor/page/messages';
import type { Loadable } from '../host/answers';
import { guards, isSaidBy, mayPass } from './guards';
import { Latest } from '../host/latest';
import { t } from '../base/strings';

/** The host calls of such a dialog. */
export interface StagingHost<Request, Preview> {
  guards(): Promise<Loadable<GuardReport>>;
  preview(request: Request): Promise<Loadable<Preview>>;
  stage(request: Request, confirmed: readonly string[]): Promise<Loadable<{ readonly label: string }>>;
  /** The edit is staged; `label` is its name. */
  staged(label: string): void;
}

/** State of such a dialog, besides its own fields. */
export interface StagingState<Preview> {
  /** Undefined while they are loading. */
  readonly guards: Loadable<GuardReport>;
  /** Ids of the confirmed questions. */
  readonly confirmed: ReadonlySet<string>;
  /** Undefined while it is loading. */
  readonly preview: Loadable<Preview>;
  readonly isStaging: boolean;
  readonly failure: string | undefined;
}

/** Actions of the buttons and checkboxes of such a form. */
export interface StagingActions {
  confirm(id: string, isConfirmed: boolean): void;
  apply(): void;
  close(): void;
}

/** State of a dialog that has just opened. */
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
  protected readonly previews: Latest<Request, Loadable<Preview>>;
  protected state: State | undefined;

  readonly #stagingHost: StagingHost<Request, Preview>;

  /** @param name of the form's ids: `change`, `repair` */
  constructor(stagingHost: StagingHost<Request, Preview>, name: string) {
    this.#stagingHost = stagingHost;
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

  /** The request to stage; undefined while the fields are incomplete. */
  protected abstract requestOf(state: State): Request | undefined;

  /** Whether the preview is up to date and changes anything. */
  protected abstract isWorthStaging(state: State): boolean;

  protected abstract form(state: State, canApply: boolean): TemplateResult;

  /** The state with a new preview. */
  protected abstract previewed(state: State, preview: Loadable<Preview>): State;

  /** Called when the dialog closes, for whatever reason. */
  protected closed(): void {
    // Overridden where something has to be stopped.
  }

  protected show(state: State): void {
    this.state = state;
    render(this.form(state, this.#canApply(state)), this.element);
  }

  /** @param focus selector of the element to focus */
  protected present(focus: string): void {
    if (!this.element.open) this.element.showModal();
    this.element.querySelector<HTMLElement>(focus)?.focus();
    void this.#lookAtGuards();
  }

  async #lookAtGuards(): Promise<void> {
    const found = await this.#stagingHost.guards();
    if (this.state) this.show({ ...this.state, guards: found });
  }

  async #apply(): Promise<void> {
    const { state } = this;
    const request = state && this.requestOf(state);
    if (!state || !request || !this.#canApply(state)) return;
    this.show({ ...state, isStaging: true, failure: undefined });
    const staged = await this.#stagingHost.stage(request, [...state.confirmed]);
    if (staged?.ok !== true) {
      if (this.state) this.show({ ...this.state, isStaging: false, failure: staged?.text });
      return;
    }
    this.close();
    this.#stagingHost.staged(staged.value.label);
  }

  #canApply(state: State): boolean {
    return !state.isStaging && this.isWorthStaging(state) && mayPass(state.guards, state.confirmed);
  }
}

/**
 * The body of such a form with the buttons below it.
 * @param name prefix of the ids, as in the dialog
 * @param asked fields of the request; @param preview its effect
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
      <span class="hint change-hint">${t('Staged until you save the image')}</span>
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
