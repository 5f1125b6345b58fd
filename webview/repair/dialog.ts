/**
 * The dialog of Repair…: leaks or everything, what that would do and what would be lost, and what stands in the way.
 * Applying stages an edit; nothing on disk changes before the image is saved.
 */
import { render } from 'lit';
import type { GuardReport, RepairMode, RepairPreview } from '../../src/editor/messages';
import type { Answer } from '../answers';
import { mayPass } from '../guards';
import { Latest } from '../latest';
import { repairForm, type RepairFormActions } from './form';

/** What the dialog asks of the page. */
export interface RepairDialogHost {
  guards(): Promise<Answer<GuardReport>>;
  preview(mode: RepairMode): Promise<Answer<RepairPreview>>;
  /** Nobody waits for a preview any more. */
  stopPreview(): void;
  stage(mode: RepairMode, confirmed: readonly string[]): Promise<Answer<{ readonly label: string }>>;
  /** The repair is staged; `label` is the edit's name. */
  staged(label: string): void;
}

/** What the dialog shows. */
export interface RepairFormState {
  readonly mode: RepairMode;
  /** Undefined until they are known. */
  readonly guards: Answer<GuardReport>;
  readonly confirmed: ReadonlySet<string>;
  /** Of the mode as it is; undefined until it is known. */
  readonly preview: Answer<RepairPreview>;
  readonly isStaging: boolean;
  readonly failure: string | undefined;
}

export class RepairDialog implements RepairFormActions {
  readonly element = document.createElement('dialog');
  readonly #previews: Latest<RepairMode, Answer<RepairPreview>>;
  #state: RepairFormState | undefined;

  constructor(private readonly host: RepairDialogHost) {
    this.element.className = 'change-dialog';
    this.element.dataset['testid'] = 'repair-dialog';
    this.element.setAttribute('aria-labelledby', 'repair-title');
    this.#previews = new Latest(
      (mode) => host.preview(mode),
      (preview) => {
        this.#update({ preview });
      },
    );
    this.element.addEventListener('close', () => {
      this.#previews.cancel();
      if (this.#state?.preview === undefined) host.stopPreview();
      this.#state = undefined;
    });
  }

  /** @param mode what there is to repair asks for */
  open(mode: RepairMode): void {
    this.#state = {
      mode,
      guards: undefined,
      confirmed: new Set(),
      preview: undefined,
      isStaging: false,
      failure: undefined,
    };
    this.setMode(mode);
    if (!this.element.open) this.element.showModal();
    this.element.querySelector<HTMLElement>('input:checked')?.focus();
    void this.#lookAtGuards();
  }

  /** The image was read anew or changed while the dialog is open. */
  imageChanged(): void {
    if (this.#state && !this.#state.isStaging) this.setMode(this.#state.mode);
  }

  setMode(mode: RepairMode): void {
    if (!this.#state) return;
    if (this.#state.preview === undefined && this.#state.mode !== mode) this.host.stopPreview();
    this.#update({ mode, preview: undefined, failure: undefined });
    this.#previews.want(mode);
  }

  confirm(id: string, isConfirmed: boolean): void {
    const confirmed = new Set(this.#state?.confirmed);
    if (isConfirmed) confirmed.add(id);
    else confirmed.delete(id);
    this.#update({ confirmed });
  }

  apply(): void {
    void this.#apply();
  }

  close(): void {
    this.element.close();
  }

  async #apply(): Promise<void> {
    const state = this.#state;
    if (!state || !canApply(state)) return;
    this.#update({ isStaging: true, failure: undefined });
    const staged = await this.host.stage(state.mode, [...state.confirmed]);
    if (staged?.ok !== true) {
      this.#update({ isStaging: false, failure: staged?.text });
      return;
    }
    this.close();
    this.host.staged(staged.value.label);
  }

  async #lookAtGuards(): Promise<void> {
    this.#update({ guards: await this.host.guards() });
  }

  #update(change: Partial<RepairFormState>): void {
    if (!this.#state) return;
    this.#state = { ...this.#state, ...change };
    render(repairForm(this.#state, canApply(this.#state), this), this.element);
  }
}

const canApply = ({ guards, preview, confirmed, isStaging }: RepairFormState): boolean =>
  !isStaging && preview?.ok === true && preview.value.changed && mayPass(guards, confirmed);
